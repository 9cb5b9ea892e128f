// A line of a worker's log, made for people: JSON lines become time, level, message and fields; anything else stays as it is.
import { oneLine, type Paint, withoutControls } from '#cli/terminal.ts';

const levels: Readonly<Record<number, readonly [string, 'dim' | 'cyan' | 'yellow' | 'red']>> = {
  10: ['trace', 'dim'],
  20: ['debug', 'dim'],
  30: ['info', 'cyan'],
  40: ['warn', 'yellow'],
  50: ['error', 'red'],
  60: ['fatal', 'red'],
};

/** Said once in the prefix or of no use to a reader. */
const hidden = ['level', 'time', 'msg', 'message', 'pid', 'hostname', 'job', 'worker', 'incarnation', '_aws'];
const fieldCharsMax = 300;

export function formatLogLine(line: string, paint: Paint): string {
  const entry = readEntry(line);
  if (entry === null) return withoutControls(line);
  const [level, colour] = levelOf(entry['level']);
  const message = entry['msg'] ?? entry['message'] ?? '';
  const fields = Object.entries(entry)
    .filter(([name]) => !hidden.includes(name))
    .map(([name, value]) => `${paint('dim', `${oneLine(name)}=`)}${showField(value)}`);
  const text = [
    paint('dim', timeOf(entry['time'])),
    paint(colour, level.padEnd(5)),
    withoutControls(String(message)),
    ...fields,
  ];
  return text.filter((part) => part !== '').join(' ');
}

function readEntry(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

const levelOf = (level: unknown): readonly [string, 'dim' | 'cyan' | 'yellow' | 'red'] =>
  levels[Number(level)] ?? [typeof level === 'string' ? level : 'info', 'cyan'];

function timeOf(time: unknown): string {
  const date = new Date(time as string | number);
  if (time === undefined || Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(11, 23);
}

/** A stack keeps its lines; all else stands on one. */
function showField(value: unknown): string {
  const stack = typeof value === 'object' && value !== null ? (value as { stack?: unknown }).stack : undefined;
  if (typeof stack === 'string') return `\n${withoutControls(stack)}`;
  return oneLine(typeof value === 'string' ? value : JSON.stringify(value), fieldCharsMax);
}
