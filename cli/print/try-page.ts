// What a route does to real events, one by one: before and after, and why an event fails.
import { showCount } from '#cli/print/quantity.ts';
import { oneLine, type Paint } from '#cli/terminal.ts';
import type { TryRecord, TryView } from '#core/api/wire.ts';
import type { Json } from '#core/spec/json.ts';

const jsonCharsMax = 240;

const verdicts = {
  passed: { sign: '✓', colour: 'green' },
  filtered: { sign: '·', colour: 'dim' },
  poison: { sign: '✗', colour: 'red' },
  schema: { sign: '✗', colour: 'red' },
} as const;

export function formatTryPage(view: TryView, paint: Paint): string {
  const mismatches =
    view.mismatches === 0 ? '' : `, ${showCount(view.mismatches)} comparisons between different types (NULL)`;
  return (
    view.records.map((record) => formatTryRecord(record, paint)).join('') +
    `${showCount(view.read)} read: ${showCount(view.passed)} passed, ${showCount(view.filtered)} filtered, ${showCount(view.failed)} failed${mismatches}\n`
  );
}

/** The event as it came, and below it what comes of it. */
export function formatTryRecord(record: TryRecord, paint: Paint): string {
  const { sign, colour } = verdicts[record.verdict];
  const place = paint('dim', `${record.partition}/${oneLine(record.offset)}`);
  const head = `${paint(colour, `${sign} ${record.verdict.padEnd(8)}`)} ${place}  ${showJson(record.before)}\n`;
  if (record.fault)
    return `${head}           ${paint('red', `${oneLine(record.fault.code)}: ${oneLine(record.fault.message)}`)}\n`;
  if (record.verdict !== 'passed' || record.after === null) return head;
  const results = [record.after, ...(record.more ?? [])];
  return head + results.map((json) => `         ${paint('green', '→')} ${showJson(json)}\n`).join('');
}

export const showJson = (json: Json): string => oneLine(JSON.stringify(json), jsonCharsMax);
