// Timestamps (microseconds since 1970 as bigint), dates (days as number) and times (microseconds as number): read and shown.
import { EvaluationFault } from '../fault.ts';
import { civilFromDays, daysFromCivil, daysInMonth } from './calendar.ts';
import { space, trimSpace } from './white-space.ts';

export const microsPerSecond = 1_000_000n;
export const microsPerDay = 86_400_000_000n;
export const microsPerDayNumber = 86_400_000_000;

/** Beyond all that are finite: counted from 1970, the last of them do not fit into 64 bits (PostgreSQL counts from 2000). */
export const timestampInfinity = 1n << 64n;
export const timestampMinusInfinity = -(1n << 64n);
/** PostgreSQL's range: 4713-11-24 BC up to, not including, 294277-01-01. */
const timestampMin = BigInt(daysFromCivil(-4713, 11, 24)) * microsPerDay;
const timestampEnd = BigInt(daysFromCivil(294_277, 1, 1)) * microsPerDay;
const dateMin = daysFromCivil(-4713, 11, 24);
const dateEnd = daysFromCivil(5_874_898, 1, 1);

export function isFiniteTimestamp(value: bigint): boolean {
  return value !== timestampInfinity && value !== timestampMinusInfinity;
}

export function checkTimestamp(micros: bigint): bigint {
  if (micros < timestampMin || micros >= timestampEnd) {
    throw new EvaluationFault('datetime_field_overflow', 'timestamp out of range');
  }
  return micros;
}

export function checkDate(days: number): number {
  if (days < dateMin || days >= dateEnd) throw new EvaluationFault('datetime_field_overflow', 'date out of range');
  return days;
}

type Reading = { days: number; micros: number; offsetSeconds: number | null } | 'infinity' | '-infinity';

const datePart = String.raw`(\d{4,7})-(\d{1,2})-(\d{1,2})`;
const clockPart = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d*))?)?`;
const offsetPart = String.raw`[+-](?:\d{1,2}(?::\d{1,2}){1,2}|\d{1,9})`;
const zonePart = `(z|zulu|utc|gmt|${offsetPart})`;
/** Read without spaces around. No two runs of the pattern can share characters, so a text is refused in one pass. */
const isoPattern = new RegExp(
  `^${datePart}(?!-)(?:(?:T|${space}+)${clockPart})?(?:${space}*${zonePart})?(?:${space}+(ad|bc))?$`,
  'i',
);

/** PostgreSQL takes no longer text for a time either. */
const timeCharsMax = 256;

/** Without spaces around; null when it is longer than a date, a time or an interval can be. */
export function trimmedTime(text: string): string | null {
  const trimmed = trimSpace(text);
  return trimmed.length > timeCharsMax ? null : trimmed;
}

function notADate(type: string, text: string): EvaluationFault {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new EvaluationFault('invalid_datetime_format', `invalid input syntax for type ${type}: "${shown}"`);
}

function outOfField(text: string): EvaluationFault {
  return new EvaluationFault('datetime_field_overflow', `date/time field value out of range: "${text.slice(0, 80)}"`);
}

/** ISO 8601 text and the words epoch, infinity, -infinity; words that depend on the clock are not read. */
function readIso(text: string, type: string): Reading {
  const trimmed = trimmedTime(text);
  if (trimmed === null) throw notADate(type, text);
  const match = isoPattern.exec(trimmed);
  if (match === null) return readWord(trimmed, type);
  const bc = match[9] !== undefined && match[9].toLowerCase() === 'bc';
  const written = Number(match[1]);
  if (written === 0) throw outOfField(text);
  const year = bc ? 1 - written : written;
  const month = Number(match[2]);
  const day = Number(match[3]);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) throw outOfField(text);
  const micros = match[4] === undefined ? 0 : clockMicros(match[4], match[5]!, match[6], match[7], text);
  return { days: daysFromCivil(year, month, day), micros, offsetSeconds: readOffset(match[8], text) };
}

function clockMicros(
  hour: string,
  minute: string,
  second: string | undefined,
  fraction: string | undefined,
  text: string,
): number {
  const [h, m, s] = [Number(hour), Number(minute), Number(second ?? 0)];
  const part = fraction === undefined || fraction === '' ? 0 : roundHalfEven(Number(`0.${fraction}`) * 1e6);
  const micros = ((h * 60 + m) * 60 + s) * 1_000_000 + part;
  if (m > 59 || s > 60 || h > 24 || micros > microsPerDayNumber) throw outOfField(text);
  return micros;
}

function readOffset(zone: string | undefined, text: string): number | null {
  if (zone === undefined) return null;
  if (/^[a-z]/i.test(zone)) return 0;
  const [first = '', ...others] = zone.slice(1).split(':');
  // Without colons it is hours, or hours and minutes: seconds are not told from them, as in PostgreSQL.
  const parts = first.length > 2 ? [first.slice(0, -2), first.slice(-2)] : [first, ...others];
  const [hours = 0, minutes = 0, seconds = 0] = parts.map(Number);
  if (hours > 15 || minutes > 59 || seconds > 59) {
    throw new EvaluationFault('invalid_time_zone_displacement_value', `time zone displacement out of range: "${text}"`);
  }
  const total = (hours * 60 + minutes) * 60 + seconds;
  return zone.startsWith('-') ? -total : total;
}

function readWord(text: string, type: string): Reading {
  const word = text.toLowerCase();
  if (word === 'infinity' || word === '+infinity') return 'infinity';
  if (word === '-infinity') return '-infinity';
  if (word === 'epoch') return { days: 0, micros: 0, offsetSeconds: 0 };
  throw notADate(type, text);
}

export function parseTimestamptz(text: string): bigint {
  const reading = readIso(text, 'timestamp with time zone');
  if (typeof reading === 'string') return reading === 'infinity' ? timestampInfinity : timestampMinusInfinity;
  const local = BigInt(reading.days) * microsPerDay + BigInt(reading.micros);
  return checkTimestamp(local - BigInt(reading.offsetSeconds ?? 0) * microsPerSecond);
}

export function parseTimestamp(text: string): bigint {
  const reading = readIso(text, 'timestamp');
  if (typeof reading === 'string') return reading === 'infinity' ? timestampInfinity : timestampMinusInfinity;
  return checkTimestamp(BigInt(reading.days) * microsPerDay + BigInt(reading.micros));
}

export function parseDate(text: string): number {
  const reading = readIso(text, 'date');
  if (typeof reading === 'string') return reading === 'infinity' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  return checkDate(reading.days);
}

const timePattern = new RegExp(`^T?${clockPart}(?:${space}*(z|${offsetPart}))?$`, 'i');

export function parseTime(text: string): number {
  const match = timePattern.exec(trimmedTime(text) ?? '');
  if (match === null) throw notADate('time', text);
  // Of no use to a time, but no excuse for nonsense.
  readOffset(match[5], text);
  return clockMicros(match[1]!, match[2]!, match[3], match[4], text);
}

export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

export function formatDate(days: number): string {
  if (!Number.isFinite(days)) return days > 0 ? 'infinity' : '-infinity';
  const { year, month, day } = civilFromDays(days);
  return `${pad(year > 0 ? year : 1 - year, 4)}-${pad(month, 2)}-${pad(day, 2)}${year > 0 ? '' : ' BC'}`;
}

export function formatTime(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = micros % 1_000_000;
  const clock = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
  return fraction === 0 ? clock : `${clock}.${pad(fraction, 6).replace(/0+$/, '')}`;
}

/** The day and the microseconds within it, for times before 1970 as well. */
export function splitTimestamp(value: bigint): { readonly days: number; readonly micros: number } {
  let days = value / microsPerDay;
  let micros = value % microsPerDay;
  if (micros < 0n) {
    micros += microsPerDay;
    days -= 1n;
  }
  return { days: Number(days), micros: Number(micros) };
}

/** `separator` is a space in PostgreSQL's text and `T` in JSON; `zone` is what stands for UTC. */
export function formatTimestamp(value: bigint, separator: ' ' | 'T', zone: '' | 'Z' | '+00'): string {
  if (value === timestampInfinity) return 'infinity';
  if (value === timestampMinusInfinity) return '-infinity';
  const { days, micros } = splitTimestamp(value);
  const date = formatDate(days);
  const era = date.endsWith(' BC') ? ' BC' : '';
  return `${era === '' ? date : date.slice(0, -3)}${separator}${formatTime(micros)}${zone}${era}`;
}
