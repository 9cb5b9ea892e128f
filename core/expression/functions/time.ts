// Date and time operators and functions. The session's time zone is UTC; nothing here looks at a clock.
import { EvaluationFault } from '../fault.ts';
import { civilFromDays, daysFromCivil, daysInMonth } from '../values/calendar.ts';
import { dateToTimestamp, timestampToDate } from '../values/casts.ts';
import { type Interval, makeInterval } from '../values/interval.ts';
import {
  addIntervals,
  addToTimestamp,
  checkedMicros,
  infiniteInterval,
  intervalSpan,
  justifyHours,
  negateInterval,
  scaleInterval,
  subtractTimestamps,
} from '../values/interval-arithmetic.ts';
import { fromLocal, toLocal, zoneNamed } from '../values/time-zone.ts';
import {
  checkDate,
  checkTimestamp,
  isFiniteTimestamp,
  microsPerDay,
  microsPerDayNumber,
  roundHalfEven,
  splitTimestamp,
  timestampInfinity,
  timestampMinusInfinity,
} from '../values/timestamp.ts';
import { entry, type FunctionEntry } from './entry.ts';
import { extractFunctions } from './extract.ts';
import { isClockUnit, truncateInterval, truncateTimestamp } from './truncate.ts';

function addDays(date: number, days: number): number {
  return Number.isFinite(date) ? checkDate(date + days) : date;
}

function differenceInDays(left: number, right: number): number {
  if (!Number.isFinite(left) || !Number.isFinite(right)) {
    throw new EvaluationFault('datetime_field_overflow', 'cannot subtract infinite dates');
  }
  return left - right;
}

function timeOfDay(date: number, time: number): bigint {
  const day = dateToTimestamp(date);
  return isFiniteTimestamp(day) ? checkTimestamp(day + BigInt(time)) : day;
}

/** A time of day stays within its day. */
function addToTime(time: number, by: Interval): number {
  const micros = (BigInt(time) + by.micros) % microsPerDay;
  return Number(micros < 0n ? micros + microsPerDay : micros);
}

/** Like subtraction, but counted in years, months and days as on a calendar. */
function age(left: bigint, right: bigint): Interval {
  if (!isFiniteTimestamp(left) || !isFiniteTimestamp(right)) return subtractTimestamps(left, right);
  if (left < right) return negateInterval(age(right, left));
  const [a, b] = [splitTimestamp(left), splitTimestamp(right)];
  const [from, to] = [civilFromDays(b.days), civilFromDays(a.days)];
  let months = (to.year - from.year) * 12 + to.month - from.month;
  let days = to.day - from.day;
  let micros = a.micros - b.micros;
  if (micros < 0) {
    micros += microsPerDayNumber;
    days--;
  }
  if (days < 0) {
    days += daysInMonth(from.year, from.month);
    months--;
  }
  return makeInterval(months, days, BigInt(micros));
}

const secondsTo2000 = 946_684_800;

function toTimestamp(seconds: number): bigint {
  if (Number.isNaN(seconds)) throw new EvaluationFault('datetime_field_overflow', 'timestamp cannot be NaN');
  if (!Number.isFinite(seconds)) return seconds > 0 ? timestampInfinity : timestampMinusInfinity;
  if (Math.abs(seconds) > 1e13)
    throw new EvaluationFault('datetime_field_overflow', `timestamp out of range: "${seconds}"`);
  // Counted from 2000 first, as PostgreSQL does, so that a double loses the same digits.
  return checkTimestamp(BigInt(roundHalfEven((seconds - secondsTo2000) * 1e6)) + BigInt(secondsTo2000) * 1_000_000n);
}

function makeDate(year: number, month: number, day: number): number {
  const civil = year < 0 ? year + 1 : year;
  if (year === 0 || month < 1 || month > 12 || day < 1 || day > daysInMonth(civil, month)) {
    throw new EvaluationFault('datetime_field_overflow', `date field value out of range: ${year}-${month}-${day}`);
  }
  return checkDate(daysFromCivil(civil, month, day));
}

/** The start of the stride-wide bin, counted from an origin, in which a timestamp lies. */
function dateBin(stride: Interval, value: bigint, origin: bigint): bigint {
  if (!isFiniteTimestamp(value)) return value;
  if (!isFiniteTimestamp(origin)) throw new EvaluationFault('datetime_field_overflow', 'origin out of range');
  if (stride.months !== 0) {
    throw new EvaluationFault(
      'feature_not_supported',
      'timestamps cannot be binned into intervals containing months or years',
    );
  }
  const width = checkedMicros(BigInt(stride.days) * microsPerDay + stride.micros);
  if (width <= 0n) throw new EvaluationFault('datetime_field_overflow', 'stride must be greater than zero');
  let into = checkedMicros(value - origin) % width;
  if (into < 0n) into += width;
  return checkTimestamp(value - into);
}

/** Days and time get the same sign. */
function alignSigns(months: number, days: number, micros: bigint): Interval {
  if (days > 0 && micros < 0n) return makeInterval(months, days - 1, micros + microsPerDay);
  if (days < 0 && micros > 0n) return makeInterval(months, days + 1, micros - microsPerDay);
  return makeInterval(months, days, micros);
}

function multiplyInterval(value: Interval, by: number): Interval {
  if (Math.abs(by) === Number.POSITIVE_INFINITY && intervalSpan(value) !== 0n) throw infiniteInterval();
  return scaleInterval(value, (part) => part * by);
}

function divideInterval(value: Interval, by: number): Interval {
  if (by === 0) throw new EvaluationFault('division_by_zero', 'division by zero');
  return scaleInterval(value, (part) => part / by);
}

function overTimestamps(type: 'timestamp' | 'timestamptz'): FunctionEntry[] {
  return [
    entry('+', [type, 'interval'], type, 'Moved on: months, then days, then time.', addToTimestamp),
    entry('+', ['interval', type], type, 'Moved on: months, then days, then time.', (by: Interval, value: bigint) =>
      addToTimestamp(value, by),
    ),
    entry('-', [type, 'interval'], type, 'Moved back.', (value: bigint, by: Interval) =>
      addToTimestamp(value, negateInterval(by)),
    ),
    entry('-', [type, type], 'interval', 'Time between, in days and hours.', subtractTimestamps),
    entry('age', [type, type], 'interval', 'Time between, in years, months and days.', age),
    entry('date_trunc', ['text', type], type, 'Cut to the unit: `microseconds` … `millennium`.', truncateTimestamp),
    entry(
      'date_bin',
      ['interval', type, type],
      type,
      'The start of the bin of that width, counted from the third.',
      dateBin,
    ),
    entry('isfinite', [type], 'boolean', 'Whether it is a point in time and not ±infinity.', isFiniteTimestamp),
  ];
}

/** Up to the hour with the offset of that instant, so that an hour which the clocks repeat stays the one that it is. */
function truncateInZone(unit: string, value: bigint, name: string): bigint {
  const zone = zoneNamed(name);
  const local = truncateTimestamp(unit, toLocal(value, zone));
  return isClockUnit(unit) && isFiniteTimestamp(value) ? checkTimestamp(local - zone(value)) : fromLocal(local, zone);
}

export const timeFunctions: readonly FunctionEntry[] = [
  ...overTimestamps('timestamp'),
  ...overTimestamps('timestamptz'),
  ...extractFunctions,
  entry('date_trunc', ['text', 'interval'], 'interval', 'Cut to the unit.', truncateInterval),
  entry(
    'date_trunc',
    ['text', 'timestamptz', 'text'],
    'timestamptz',
    'Cut to the unit in that time zone.',
    truncateInZone,
  ),
  entry(
    'timezone',
    ['text', 'timestamptz'],
    'timestamp',
    '`AT TIME ZONE`: the local time there.',
    (name: string, value: bigint) => toLocal(value, zoneNamed(name)),
  ),
  entry(
    'timezone',
    ['text', 'timestamp'],
    'timestamptz',
    '`AT TIME ZONE`: the instant of that local time there.',
    (name: string, value: bigint) => fromLocal(value, zoneNamed(name)),
  ),
  entry('+', ['date', 'integer'], 'date', 'So many days on.', addDays),
  entry('+', ['integer', 'date'], 'date', 'So many days on.', (days: number, date: number) => addDays(date, days)),
  entry('-', ['date', 'integer'], 'date', 'So many days back.', (date: number, days: number) => addDays(date, -days)),
  entry('-', ['date', 'date'], 'integer', 'Days between.', differenceInDays),
  entry('+', ['date', 'interval'], 'timestamp', 'Moved on.', (date: number, by: Interval) =>
    addToTimestamp(dateToTimestamp(date), by),
  ),
  entry('+', ['interval', 'date'], 'timestamp', 'Moved on.', (by: Interval, date: number) =>
    addToTimestamp(dateToTimestamp(date), by),
  ),
  entry('-', ['date', 'interval'], 'timestamp', 'Moved back.', (date: number, by: Interval) =>
    addToTimestamp(dateToTimestamp(date), negateInterval(by)),
  ),
  entry('+', ['date', 'time'], 'timestamp', 'That time of that day.', timeOfDay),
  entry('+', ['time', 'date'], 'timestamp', 'That time of that day.', (time: number, date: number) =>
    timeOfDay(date, time),
  ),
  entry('-', ['time', 'time'], 'interval', 'Time between.', (a: number, b: number) =>
    makeInterval(0, 0, BigInt(a - b)),
  ),
  entry('+', ['time', 'interval'], 'time', 'Moved on within the day.', addToTime),
  entry('+', ['interval', 'time'], 'time', 'Moved on within the day.', (by: Interval, time: number) =>
    addToTime(time, by),
  ),
  entry('-', ['time', 'interval'], 'time', 'Moved back within the day.', (time: number, by: Interval) =>
    addToTime(time, negateInterval(by)),
  ),
  entry('+', ['interval', 'interval'], 'interval', 'Sum.', addIntervals),
  entry('-', ['interval', 'interval'], 'interval', 'Difference.', (a: Interval, b: Interval) =>
    addIntervals(a, negateInterval(b)),
  ),
  entry('-', ['interval'], 'interval', 'Negation.', negateInterval),
  entry('*', ['interval', 'double precision'], 'interval', 'So many times.', multiplyInterval),
  entry('*', ['double precision', 'interval'], 'interval', 'So many times.', (by: number, value: Interval) =>
    multiplyInterval(value, by),
  ),
  entry('/', ['interval', 'double precision'], 'interval', 'A part of it.', divideInterval),
  entry('isfinite', ['date'], 'boolean', 'Whether it is a day and not ±infinity.', (date: number) =>
    Number.isFinite(date),
  ),
  entry('to_timestamp', ['double precision'], 'timestamptz', 'From seconds since 1970.', toTimestamp),
  entry('make_date', ['integer', 'integer', 'integer'], 'date', 'From year, month and day.', makeDate),
  entry('justify_hours', ['interval'], 'interval', 'Whole days out of hours.', (value: Interval) => {
    const justified = justifyHours(value.micros);
    return alignSigns(value.months, value.days + justified.days, justified.micros);
  }),
  entry('date', ['timestamptz'], 'date', 'Its day, in UTC.', timestampToDate),
  entry('date', ['timestamp'], 'date', 'Its day.', timestampToDate),
];
