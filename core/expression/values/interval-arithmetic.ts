// Counting with intervals: their order, sums and parts, and timestamps moved by them.
import { EvaluationFault } from '../fault.ts';
import { civilFromDays, daysFromCivil, daysInMonth } from './calendar.ts';
import { type Interval, makeInterval } from './interval.ts';
import { checkTimestamp, isFiniteTimestamp, microsPerDay, roundHalfEven, splitTimestamp } from './timestamp.ts';

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
  return justifyHours(checkedMicros(left - right));
}

/** A time of 64 bits, in which PostgreSQL counts. */
export function checkedMicros(micros: bigint): bigint {
  if (BigInt.asIntN(64, micros) === micros) return micros;
  throw new EvaluationFault('datetime_field_overflow', 'interval out of range');
}

export function justifyHours(micros: bigint): Interval {
  return makeInterval(0, Number(micros / microsPerDay), micros % microsPerDay);
}
