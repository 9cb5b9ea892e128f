// PostgreSQL's interval: months, days and microseconds kept apart, because a month and a day have no fixed length.
import { EvaluationFault } from '../fault.ts';
import { civilFromDays, daysFromCivil, daysInMonth } from './calendar.ts';
import {
  checkTimestamp,
  isFiniteTimestamp,
  microsPerDay,
  roundHalfEven,
  splitTimestamp,
  trimmedTime,
} from './timestamp.ts';

export class Interval {
  readonly months: number;
  readonly days: number;
  readonly micros: bigint;

  constructor(months: number, days: number, micros: bigint) {
    this.months = months;
    this.days = days;
    this.micros = micros;
  }
}

const int32Max = 2_147_483_647;

export function makeInterval(months: number, days: number, micros: bigint): Interval {
  const tooFar = Math.abs(months) > int32Max || Math.abs(days) > int32Max || BigInt.asIntN(64, micros) !== micros;
  if (tooFar) throw new EvaluationFault('datetime_field_overflow', 'interval out of range');
  return new Interval(months, days, micros);
}

type Unit = { readonly months?: number; readonly days?: number; readonly micros?: number };
const units: ReadonlyMap<string, Unit> = new Map<string, Unit>([
  ['microsecond', { micros: 1 }],
  ['millisecond', { micros: 1_000 }],
  ['second', { micros: 1_000_000 }],
  ['minute', { micros: 60_000_000 }],
  ['hour', { micros: 3_600_000_000 }],
  ['day', { days: 1 }],
  ['week', { days: 7 }],
  ['month', { months: 1 }],
  ['year', { months: 12 }],
  ['decade', { months: 120 }],
  ['century', { months: 1_200 }],
  ['millennium', { months: 12_000 }],
]);
const aliases: ReadonlyMap<string, string> = new Map([
  ...['us', 'usec', 'usecs', 'microseconds'].map((alias) => [alias, 'microsecond'] as const),
  ...['ms', 'msec', 'msecs', 'milliseconds'].map((alias) => [alias, 'millisecond'] as const),
  ...['s', 'sec', 'secs', 'seconds'].map((alias) => [alias, 'second'] as const),
  ...['m', 'min', 'mins', 'minutes'].map((alias) => [alias, 'minute'] as const),
  ...['h', 'hr', 'hrs', 'hours'].map((alias) => [alias, 'hour'] as const),
  ...['d', 'days'].map((alias) => [alias, 'day'] as const),
  ...['w', 'weeks'].map((alias) => [alias, 'week'] as const),
  ...['mon', 'mons', 'months'].map((alias) => [alias, 'month'] as const),
  ...['y', 'yr', 'yrs', 'years'].map((alias) => [alias, 'year'] as const),
  ...['dec', 'decs', 'decades'].map((alias) => [alias, 'decade'] as const),
  ...['c', 'cent', 'centuries'].map((alias) => [alias, 'century'] as const),
  ...['mil', 'mils', 'millennia'].map((alias) => [alias, 'millennium'] as const),
]);

/** The unit a word means, in the singular; null when it means none. */
export function unitNamed(word: string): string | null {
  const lower = word.toLowerCase();
  const name = aliases.get(lower) ?? lower;
  return units.has(name) ? name : null;
}

function notAnInterval(text: string): EvaluationFault {
  return new EvaluationFault(
    'invalid_datetime_format',
    `invalid input syntax for type interval: "${text.slice(0, 80)}"`,
  );
}

type Sum = { months: number; days: number; micros: number; exact: bigint };

/** Adds `amount` of a unit; what a fraction of a month or day leaves over goes down to days and microseconds. */
function addUnit(sum: Sum, amount: number, unit: Unit): void {
  const whole = Math.trunc(amount);
  const rest = amount - whole;
  if (unit.micros !== undefined) {
    sum.exact += BigInt(whole) * BigInt(unit.micros) + BigInt(roundHalfEven(rest * unit.micros));
    return;
  }
  if (unit.days !== undefined) {
    sum.days += whole * unit.days;
    addFractionalDays(sum, rest * unit.days);
    return;
  }
  const months = rest * unit.months!;
  sum.months += whole * unit.months! + (unit.months! > 1 ? roundHalfEven(months) : 0);
  if (unit.months === 1) addFractionalDays(sum, rest * 30);
}

function addFractionalDays(sum: Sum, days: number): void {
  const whole = Math.trunc(days);
  sum.days += whole;
  sum.exact += BigInt(roundHalfEven((days - whole) * 86_400_000_000));
}

const clockPart = String.raw`([+-]?)(\d+):(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?`;
const yearMonthPart = String.raw`([+-]?)(\d+)-(\d{1,2})(?![\d-])`;
const number = String.raw`(?:\d+(?:\.\d*)?|\.\d+)`;
const amountPart = String.raw`((?:[+-]\s*)?${number})(?![\d.:+-])(?:\s*([a-z]+))?`;
const tokenPattern = new RegExp(String.raw`\s*(?:${clockPart}|${yearMonthPart}|${amountPart}|(ago)\b|@)\s*`, 'iy');

export function parseInterval(given: string): Interval {
  const text = trimmedTime(given);
  if (text === null) throw notAnInterval(given);
  if (/^-?P/i.test(text)) return parseIsoInterval(text);
  const sum: Sum = { months: 0, days: 0, micros: 0, exact: 0n };
  tokenPattern.lastIndex = 0;
  let negated = false;
  let found = false;
  while (tokenPattern.lastIndex < text.length) {
    const match = tokenPattern.exec(text);
    if (match === null || negated) throw notAnInterval(text);
    if (match[11] !== undefined) negated = true;
    else if (match[0].trim() !== '@') {
      addToken(sum, match, text);
      found = true;
    }
  }
  if (!found) throw notAnInterval(text);
  const sign = negated ? -1 : 1;
  return makeInterval(sign * sum.months, sign * sum.days, negated ? -sum.exact : sum.exact);
}

function addToken(sum: Sum, match: RegExpExecArray, text: string): void {
  if (match[2] !== undefined) {
    const micros = clock(match[2], match[3]!, match[4], match[5], text);
    sum.exact += match[1] === '-' ? -micros : micros;
  } else if (match[7] !== undefined) {
    const months = Number(match[7]) * 12 + Number(match[8]);
    sum.months += match[6] === '-' ? -months : months;
  } else {
    const name = match[10] === undefined ? bareUnit(text) : unitNamed(match[10]);
    if (name === null) throw notAnInterval(text);
    addUnit(sum, Number(match[9]!.replaceAll(/\s/g, '')), units.get(name)!);
  }
}

/** A number without unit is days before a time of day, and seconds at the end. */
function bareUnit(text: string): string {
  return /^[+-]?\d+:/.test(text.slice(tokenPattern.lastIndex)) ? 'day' : 'second';
}

function clock(
  hours: string,
  minutes: string,
  seconds: string | undefined,
  fraction: string | undefined,
  text: string,
): bigint {
  if (Number(minutes) > 59 || Number(seconds ?? 0) > 60) {
    throw new EvaluationFault('datetime_field_overflow', `interval field value out of range: "${text.slice(0, 80)}"`);
  }
  const whole = (BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds ?? 0);
  return whole * 1_000_000n + BigInt(roundHalfEven(Number(`0.${fraction || 0}`) * 1e6));
}

const isoPart = new RegExp(`([+-]?${number})([YMWDHS])`, 'gi');
const isoPattern = new RegExp(`^(-?)P((?:[+-]?${number}[YMWD])*)(?:T((?:[+-]?${number}[HMS])+))?$`, 'i');

/** ISO 8601 durations: `P1Y2M3DT4H5M6.5S`, `P2W`. */
function parseIsoInterval(text: string): Interval {
  const match = isoPattern.exec(text);
  if (match === null || (match[2] === '' && match[3] === undefined)) throw notAnInterval(text);
  const sum: Sum = { months: 0, days: 0, micros: 0, exact: 0n };
  for (const [, amount, letter] of match[2]!.matchAll(isoPart)) {
    const unit = { Y: 'year', M: 'month', W: 'week', D: 'day' }[letter!.toUpperCase()]!;
    addUnit(sum, Number(amount), units.get(unit)!);
  }
  for (const [, amount, letter] of (match[3] ?? '').matchAll(isoPart)) {
    const unit = { H: 'hour', M: 'minute', S: 'second' }[letter!.toUpperCase()]!;
    addUnit(sum, Number(amount), units.get(unit)!);
  }
  return match[1] === '-'
    ? makeInterval(-sum.months, -sum.days, -sum.exact)
    : makeInterval(sum.months, sum.days, sum.exact);
}

export function formatInterval(value: Interval): string {
  const parts: string[] = [];
  let before = false;
  const add = (amount: number, name: string): void => {
    if (amount === 0) return;
    parts.push(`${before && amount > 0 ? '+' : ''}${amount} ${name}${amount === 1 ? '' : 's'}`);
    before = amount < 0;
  };
  add(Math.trunc(value.months / 12), 'year');
  add(value.months % 12, 'mon');
  add(value.days, 'day');
  if (parts.length === 0 || value.micros !== 0n) parts.push(clockText(value.micros, before));
  return parts.join(' ');
}

function clockText(micros: bigint, before: boolean): string {
  const absolute = micros < 0n ? -micros : micros;
  const seconds = absolute / 1_000_000n;
  const two = (part: bigint): string => part.toString().padStart(2, '0');
  const fraction = (absolute % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '');
  const sign = micros < 0n ? '-' : before ? '+' : '';
  const clockPart = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  return sign + clockPart + (fraction === '' ? '' : `.${fraction}`);
}

/** PostgreSQL compares intervals with months of 30 days and days of 24 hours. */
export function intervalSpan(value: Interval): bigint {
  return BigInt(value.months * 30 + value.days) * microsPerDay + value.micros;
}

export function addIntervals(left: Interval, right: Interval): Interval {
  return makeInterval(left.months + right.months, left.days + right.days, left.micros + right.micros);
}

export function negateInterval(value: Interval): Interval {
  return makeInterval(-value.months, -value.days, -value.micros);
}

/**
 * Each part by `scale` (a multiplication or a division): fractions of a month become days (30 a month), fractions of a day
 * microseconds, as in PostgreSQL's interval_mul and interval_div.
 */
export function scaleInterval(value: Interval, scale: (part: number) => number): Interval {
  const [exactMonths, exactDays, exactMicros] = [scale(value.months), scale(value.days), scale(Number(value.micros))];
  const months = Math.trunc(exactMonths);
  const days = Math.trunc(exactDays);
  let monthDays = roundTo((exactMonths - months) * 30);
  let seconds = roundTo((exactDays - days + monthDays - Math.trunc(monthDays)) * 86_400);
  monthDays = Math.trunc(monthDays);
  if (Math.abs(seconds) >= 86_400) {
    monthDays += Math.trunc(seconds / 86_400);
    seconds -= Math.trunc(seconds / 86_400) * 86_400;
  }
  const micros = roundHalfEven(exactMicros + seconds * 1e6);
  if (!Number.isFinite(micros)) throw new EvaluationFault('datetime_field_overflow', 'interval out of range');
  return makeInterval(months, days + monthDays, BigInt(micros));
}

/** To whole microseconds of a second, PostgreSQL's TSROUND. */
function roundTo(value: number): number {
  return roundHalfEven(value * 1e6) / 1e6;
}

/** Months first (the day clamped to the month's end), then days, then microseconds. */
export function addToTimestamp(value: bigint, interval: Interval): bigint {
  if (!isFiniteTimestamp(value)) return value;
  let { days, micros } = splitTimestamp(value);
  if (interval.months !== 0) {
    const date = civilFromDays(days);
    const months = date.year * 12 + date.month - 1 + interval.months;
    const year = Math.floor(months / 12);
    const month = months - year * 12 + 1;
    days = daysFromCivil(year, month, Math.min(date.day, daysInMonth(year, month)));
  }
  days += interval.days;
  return checkTimestamp(BigInt(days) * microsPerDay + BigInt(micros) + interval.micros);
}

export function infiniteInterval(): EvaluationFault {
  return new EvaluationFault('feature_not_supported', 'an infinite interval is not supported');
}

/** The difference of two timestamps has days and time, never months. */
export function subtractTimestamps(left: bigint, right: bigint): Interval {
  if (!isFiniteTimestamp(left) || !isFiniteTimestamp(right)) {
    throw infiniteInterval();
  }
  return justifyHours(left - right);
}

export function justifyHours(micros: bigint): Interval {
  return makeInterval(0, Number(micros / microsPerDay), micros % microsPerDay);
}
