// date_trunc: timestamps and intervals cut to a unit.
import { EvaluationFault } from '../fault.ts';
import { civilFromDays, dayOfWeek, daysFromCivil } from '../values/calendar.ts';
import { type Interval, makeInterval, unitNamed } from '../values/interval.ts';
import { isFiniteTimestamp, microsPerDay, splitTimestamp } from '../values/timestamp.ts';

const clockUnits: Readonly<Record<string, bigint>> = {
  microsecond: 1n,
  millisecond: 1_000n,
  second: 1_000_000n,
  minute: 60_000_000n,
  hour: 3_600_000_000n,
};
const yearUnits: Readonly<Record<string, number>> = { decade: 10, century: 100, millennium: 1000 };

export function unitOf(text: string): string {
  const unit = text.toLowerCase() === 'quarter' ? 'quarter' : unitNamed(text);
  if (unit === null) throw unknownUnit(text);
  return unit;
}

function unknownUnit(text: string): EvaluationFault {
  return new EvaluationFault('invalid_parameter_value', `unit "${text.slice(0, 40)}" not recognized`);
}

/** Whether the unit is an hour or less. */
export function isClockUnit(text: string): boolean {
  return clockUnits[unitOf(text)] !== undefined;
}

export function truncateTimestamp(text: string, value: bigint): bigint {
  const unit = unitOf(text);
  if (!isFiniteTimestamp(value)) return value;
  const { days, micros } = splitTimestamp(value);
  const width = clockUnits[unit];
  if (width !== undefined) return BigInt(days) * microsPerDay + (BigInt(micros) / width) * width;
  return BigInt(truncateDay(unit, days)) * microsPerDay;
}

function truncateDay(unit: string, days: number): number {
  const { year, month } = civilFromDays(days);
  switch (unit) {
    case 'day':
      return days;
    case 'week':
      return days - ((dayOfWeek(days) + 6) % 7);
    case 'month':
      return daysFromCivil(year, month, 1);
    case 'quarter':
      return daysFromCivil(year, month - ((month - 1) % 3), 1);
    case 'year':
      return daysFromCivil(year, 1, 1);
    case 'decade':
      return daysFromCivil(Math.floor(year / 10) * 10, 1, 1);
    default: {
      // Centuries and millennia begin with year 1, and there is no year 0.
      const width = yearUnits[unit]!;
      return daysFromCivil(Math.floor((year - 1) / width) * width + 1, 1, 1);
    }
  }
}

export function truncateInterval(text: string, value: Interval): Interval {
  const unit = unitOf(text);
  const width = clockUnits[unit];
  if (width !== undefined) return makeInterval(value.months, value.days, (value.micros / width) * width);
  switch (unit) {
    case 'day':
      return makeInterval(value.months, value.days, 0n);
    case 'month':
      return makeInterval(value.months, 0, 0n);
    case 'quarter':
      return makeInterval(value.months - (value.months % 3), 0, 0n);
    case 'week':
      throw new EvaluationFault('feature_not_supported', 'unit "week" not supported for type interval');
    default: {
      const months = 12 * (yearUnits[unit] ?? 1);
      return makeInterval(value.months - (value.months % months), 0, 0n);
    }
  }
}
