// PostgreSQL's interval: months, days and microseconds kept apart, because a month and a day have no fixed length; read and shown.
import { EvaluationFault } from '../fault.ts';
import { roundHalfEven, trimmedTime } from './timestamp.ts';
import { space } from './white-space.ts';

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

const isInt32 = (value: number): boolean => value >= -2_147_483_648 && value <= 2_147_483_647;

export function makeInterval(months: number, days: number, micros: bigint): Interval {
  const fits = isInt32(months) && isInt32(days) && BigInt.asIntN(64, micros) === micros;
  if (!fits) throw new EvaluationFault('datetime_field_overflow', 'interval out of range');
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

function outOfField(text: string): EvaluationFault {
  return new EvaluationFault('interval_field_overflow', `interval field value out of range: "${text.slice(0, 80)}"`);
}

type Sum = { months: number; days: number; micros: bigint };

/** Adds `amount` of a unit; what a fraction of a month or day leaves over goes down to days and microseconds. */
function addUnit(sum: Sum, amount: number, unit: Unit): void {
  const whole = Math.trunc(amount);
  const rest = amount - whole;
  if (unit.micros !== undefined) {
    sum.micros += BigInt(whole) * BigInt(unit.micros) + BigInt(roundHalfEven(rest * unit.micros));
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
  sum.micros += BigInt(roundHalfEven((days - whole) * 86_400_000_000));
}

const sign = `((?:[+-]${space}*)?)`;
const number = String.raw`(?:\d+(?:\.\d*)?|\.\d+)`;
const clockPart = String.raw`${sign}(\d+):(\d{1,2})(?::(\d{1,2}))?(?:\.(\d*))?(?![\d.:])`;
const yearMonthPart = String.raw`${sign}(\d+)-(\d{1,2})(?![\d.:-])`;
const amountPart = String.raw`${sign}(${number})(?![\d.:+-])`;
/** Only the shortest words may have the next number right behind them: `1h30m`. */
const wordPart = String.raw`([dhmsy](?=\d)|[a-z]+(?![a-z\d.+:-]))`;
const tokenPattern = new RegExp(`(?:${clockPart}|${yearMonthPart}|${amountPart}|${wordPart})(?:${space}|[@,])*`, 'iy');

type Token =
  | { readonly kind: 'clock'; readonly micros: bigint }
  | { readonly kind: 'months'; readonly months: number }
  | { readonly kind: 'amount'; readonly amount: number }
  | { readonly kind: 'word'; readonly word: string };

/** From its end: a unit stands behind its number. `bare` is the unit of a last number that has none: `interval '5' day`. */
export function parseInterval(given: string, bare = 'second'): Interval {
  const text = trimmedTime(given);
  if (text === null) throw notAnInterval(given);
  if (given.startsWith('P')) return parseIsoInterval(given);
  const tokens = tokensOf(text);
  const negated = lastWord(tokens) === 'ago';
  if (negated) tokens.pop();
  const { months, days, micros } = sumOf(tokens, negated ? null : bare, text);
  return negated ? makeInterval(-months, -days, -micros) : makeInterval(months, days, micros);
}

function lastWord(tokens: readonly Token[]): string | null {
  const last = tokens.at(-1);
  return last?.kind === 'word' ? last.word.toLowerCase() : null;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = /^[ \t\n\r\v\f@,]*/.exec(text)![0].length;
  while (tokenPattern.lastIndex < text.length) {
    const match = tokenPattern.exec(text);
    if (match === null) throw notAnInterval(text);
    tokens.push(tokenOf(match, text));
  }
  return tokens;
}

function tokenOf(match: RegExpExecArray, text: string): Token {
  const [, clockSign, first, second, third, fraction, monthSign, years, months, amountSign, amount, word] = match;
  if (first !== undefined) {
    const micros = clockMicros(first, second!, third, fraction, text);
    return { kind: 'clock', micros: clockSign!.startsWith('-') ? -micros : micros };
  }
  if (years !== undefined) {
    if (Number(months) > 11) throw outOfField(text);
    const count = Number(years) * 12 + Number(months);
    return { kind: 'months', months: monthSign!.startsWith('-') ? -count : count };
  }
  if (amount === undefined) return { kind: 'word', word: word! };
  return { kind: 'amount', amount: amountSign!.startsWith('-') ? -Number(amount) : Number(amount) };
}

/** `h:m`, `h:m:s.f`, and `m:s.f`. */
function clockMicros(
  first: string,
  second: string,
  third: string | undefined,
  fraction: string | undefined,
  text: string,
): bigint {
  const [hours, minutes, seconds] =
    third === undefined && fraction !== undefined ? ['0', first, second] : [first, second, third ?? '0'];
  if (Number(minutes) > 59 || Number(seconds) > 60) throw outOfField(text);
  const whole = (BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds);
  return whole * 1_000_000n + BigInt(roundHalfEven(Number(`0.${fraction || 0}`) * 1e6));
}

const clockFields = ['hour', 'minute', 'second', 'millisecond', 'microsecond'];
const secondFields = clockFields.slice(2);

/** No field may be said twice. A number without unit has that of what follows it, but days before hours and a time of day. */
function sumOf(tokens: readonly Token[], bare: string | null, text: string): Sum {
  const sum: Sum = { months: 0, days: 0, micros: 0n };
  const said = new Set<string>();
  const say = (...fields: readonly string[]): void => {
    if (fields.some((field) => said.has(field))) throw notAnInterval(text);
    for (const field of fields) said.add(field);
  };
  let unit = bare;
  let unitWaits = false;
  for (const token of tokens.toReversed()) {
    if (token.kind === 'word') {
      unit = unitWaits ? null : unitNamed(token.word);
      if (unit === null) throw notAnInterval(text);
    } else if (token.kind === 'clock') {
      say(...clockFields);
      sum.micros += token.micros;
      unit = 'day';
    } else if (token.kind === 'months') {
      say('month');
      sum.months += token.months;
      unit = 'month';
    } else {
      if (unit === null) throw notAnInterval(text);
      say(...(unit === 'second' && token.amount % 1 !== 0 ? secondFields : [unit]));
      addUnit(sum, token.amount, units.get(unit)!);
      if (unit === 'hour') unit = 'day';
    }
    unitWaits = token.kind === 'word';
  }
  if (said.size === 0 || unitWaits) throw notAnInterval(text);
  return sum;
}

interface IsoPart {
  readonly units: Readonly<Record<string, string>>;
  /** Of the alternative format, `0001-02-03` and `04:05:06`; without separators it is as many digits. */
  readonly fields: readonly string[];
  readonly separator: string;
  readonly digits: number;
  /** What a fraction of those digits is of: PostgreSQL takes one of packed seconds for one of a microsecond. */
  readonly fractionOf: string;
  /** What may stand behind it: the end, or the T of the time. */
  readonly ends: readonly string[];
}
const isoDate: IsoPart = {
  units: { Y: 'year', M: 'month', W: 'week', D: 'day' },
  ...{ fields: ['year', 'month', 'day'], separator: '-', digits: 8, fractionOf: 'day', ends: ['', 'T'] },
};
const isoTime: IsoPart = {
  units: { H: 'hour', M: 'minute', S: 'second' },
  ...{ fields: ['hour', 'minute', 'second'], separator: ':', digits: 6, fractionOf: 'microsecond', ends: [''] },
};

interface Cursor {
  readonly text: string;
  at: number;
}
interface IsoNumber {
  readonly amount: number;
  /** Of its whole part. */
  readonly digits: number;
}

const charAt = ({ text, at }: Cursor): string => text[at] ?? '';
const isoNumberPattern = /-?(?:(\d+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const isoAmountMax = 1e15;

function readIsoNumber(cursor: Cursor): IsoNumber {
  isoNumberPattern.lastIndex = cursor.at;
  const match = isoNumberPattern.exec(cursor.text);
  if (match === null) throw notAnInterval(cursor.text);
  const amount = Number(match[0]);
  const isBeyondDoubles = !Number.isFinite(amount) || (amount === 0 && /[1-9]/.test(match[0].split(/e/i)[0]!));
  if (isBeyondDoubles) throw notAnInterval(cursor.text);
  if (Math.abs(amount) > isoAmountMax) throw outOfField(cursor.text);
  cursor.at = isoNumberPattern.lastIndex;
  return { amount, digits: match[1]?.length ?? 0 };
}

/** ISO 8601 durations, as strictly and as loosely as PostgreSQL reads them: `P1Y2M3DT4H5M6.5S`, `P2W`, `P0001-02-03T04:05:06`, `P00010203T040506`. */
function parseIsoInterval(text: string): Interval {
  if (text.length < 2) throw notAnInterval(text);
  const sum: Sum = { months: 0, days: 0, micros: 0n };
  const cursor = { text, at: 1 };
  let part = isoDate;
  let isFirst = true;
  while (cursor.at < text.length) {
    if (charAt(cursor) === 'T') {
      part = isoTime;
      isFirst = true;
      cursor.at++;
      continue;
    }
    const number = readIsoNumber(cursor);
    const unit = part.units[charAt(cursor)];
    if (unit !== undefined) {
      addUnit(sum, number.amount, units.get(unit)!);
      cursor.at++;
    } else if (isFirst) addAlternative(sum, part, number, cursor);
    else throw notAnInterval(text);
    isFirst = false;
  }
  return makeInterval(sum.months, sum.days, sum.micros);
}

/** `first` is read; what follows it is another field, or the part ends. */
function addAlternative(sum: Sum, part: IsoPart, first: IsoNumber, cursor: Cursor): void {
  if (first.digits === part.digits && part.ends.includes(charAt(cursor))) {
    addPacked(sum, part, first.amount);
    return;
  }
  for (const [index, field] of part.fields.entries()) {
    const { amount } = index === 0 ? first : readIsoNumber(cursor);
    addUnit(sum, amount, units.get(field)!);
    if (part.ends.includes(charAt(cursor))) return;
    if (index === 2 || charAt(cursor) !== part.separator) throw notAnInterval(cursor.text);
    cursor.at++;
  }
}

function addPacked(sum: Sum, { fields, fractionOf }: IsoPart, amount: number): void {
  const whole = Math.trunc(amount);
  const amounts = [Math.trunc(whole / 10_000), Math.trunc(whole / 100) % 100, whole % 100];
  for (const [index, field] of fields.entries()) addUnit(sum, amounts[index]!, units.get(field)!);
  addUnit(sum, amount - whole, units.get(fractionOf)!);
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
