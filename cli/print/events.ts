// What the reconciler did and why, as lines: when, how bad, the reason, the words, and the evidence they stand on.
import { oneLine, type Paint, withoutControls } from '#cli/terminal.ts';
import type { EventView } from '#core/api/wire.ts';

const severityColours = { info: 'dim', warning: 'yellow', error: 'red' } as const;

export function formatEvent(event: EventView, paint: Paint, withEvidence: boolean): string {
  const severity = event.severity === 'info' ? '' : `${paint(severityColours[event.severity], event.severity)} `;
  const line = `${showTime(event.at)}  ${severity}${paint('bold', oneLine(event.reason))}: ${withoutControls(event.message)}\n`;
  if (!withEvidence || event.evidence === undefined) return line;
  return `${line}${' '.repeat(21)}${paint('dim', oneLine(JSON.stringify(event.evidence), 400))}\n`;
}

/** Local time, to the second: `2026-01-31 12:00:00`. */
export function showTime(at: string | number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return withoutControls(String(at));
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace('T', ' ');
}
