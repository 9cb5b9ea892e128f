// EXTRACT and date_part: one field of a date, time or interval.
import { EvaluationFault } from '../fault.ts';
import { civilFromDays, dayOfWeek, daysFromCivil, isoWeek } from '../values/calendar.ts';
import { dateToTimestamp } from '../values/casts.ts';
import { type Interval, unitNamed } from '../values/interval.ts';
import { integerNumeric, Numeric, numericInfinity, numericMinusInfinity, numericToNumber } from '../values/numeric.ts';
import { isFiniteTimestamp, microsPerDay, splitTimestamp } from '../values/timestamp.ts';
import { entry, type FunctionEntry } from './entry.ts';

const more: ReadonlySet<string> = new Set([
  'epoch',
  'quarter',
  'dow',
  'isodow',
  'doy',
  'isoyear',
  'julian',
  'timezone',
  'timezone_hour',
  'timezone_minute',
]);

function fieldNamed(text: string, type: string): string {
  const lower = text.toLowerCase();
  const field = more.has(lower) ? lower : unitNamed(lower);
  if (field === null) {
    throw new EvaluationFault('invalid_parameter_value', `unit "${text.slice(0, 40)}" not recognized for type ${type}`);
  }
  return field;
}

function unsupported(field: string, type: string): EvaluationFault {
  return new EvaluationFault('feature_not_supported', `unit "${field}" not supported for type ${type}`);
}

const monotonic: ReadonlySet<string> = new Set([
  'epoch',
  'year',
  'decade',
  'century',
  'millennium',
  'isoyear',
  'julian',
]);

/** Fields of the clock, from microseconds within a day (or within an hour for the smaller ones). */
function clockField(field: string, micros: bigint): Numeric | null {
  switch (field) {
    case 'microsecond':
      return new Numeric(micros % 60_000_000n, 0);
    case 'millisecond':
      return new Numeric(micros % 60_000_000n, 3);
    case 'second':
      return new Numeric(micros % 60_000_000n, 6);
    case 'minute':
      return new Numeric((micros / 60_000_000n) % 60n, 0);
    case 'hour':
      return new Numeric(micros / 3_600_000_000n, 0);
    default:
      return null;
  }
}

function dayField(field: string, days: number): number | null {
  const { year, month, day } = civilFromDays(days);
  // There is no year 0: one BC is -1.
  const shown = year > 0 ? year : year - 1;
  switch (field) {
    case 'day':
      return day;
    case 'month':
      return month;
    case 'quarter':
      return Math.floor((month - 1) / 3) + 1;
    case 'year':
      return shown;
    case 'decade':
      return Math.floor(year / 10);
    case 'century':
      return year > 0 ? Math.floor((year + 99) / 100) : -Math.floor((99 - (year - 1)) / 100);
    case 'millennium':
      return year > 0 ? Math.floor((year + 999) / 1000) : -Math.floor((999 - (year - 1)) / 1000);
    case 'dow':
      return dayOfWeek(days);
    case 'isodow':
      return ((dayOfWeek(days) + 6) % 7) + 1;
    case 'doy':
      return days - daysFromCivil(year, 1, 1) + 1;
    case 'week':
      return isoWeek(days).week;
    case 'isoyear': {
      const iso = isoWeek(days).year;
      return iso > 0 ? iso : iso - 1;
    }
    default:
      return null;
  }
}

function extractFromTimestamp(type: string): (field: string, value: bigint) => Numeric | null {
  return (text, value) => {
    const field = fieldNamed(text, type);
    if (!isFiniteTimestamp(value)) {
      return monotonic.has(field) ? (value > 0n ? numericInfinity : numericMinusInfinity) : null;
    }
    const { days, micros } = splitTimestamp(value);
    if (field === 'epoch') return new Numeric(value, 6);
    if (field === 'julian') return julian(days, micros);
    if (field.startsWith('timezone')) {
      if (type === 'timestamp with time zone') return integerNumeric(0);
      throw unsupported(field, type);
    }
    const part = dayField(field, days);
    return part === null ? clockField(field, BigInt(micros)) : integerNumeric(part);
  };
}

function julian(days: number, micros: number): Numeric {
  const day = BigInt(days + 2_440_588);
  if (micros === 0) return new Numeric(day, 0);
  // PostgreSQL divides microseconds by those of a day, at numeric's own scale.
  const scale = 20;
  return new Numeric(day * 10n ** BigInt(scale) + (BigInt(micros) * 10n ** BigInt(scale)) / microsPerDay, scale);
}

function extractFromDate(text: string, date: number): Numeric | null {
  const field = fieldNamed(text, 'date');
  if (!Number.isFinite(date)) {
    if (monotonic.has(field)) return date > 0 ? numericInfinity : numericMinusInfinity;
  } else {
    if (field === 'epoch') return integerNumeric(date * 86_400);
    if (field === 'julian') return integerNumeric(date + 2_440_588);
    const part = dayField(field, date);
    if (part !== null) return integerNumeric(part);
  }
  if (Number.isFinite(date) || clockField(field, 0n) !== null || field.startsWith('timezone'))
    throw unsupported(field, 'date');
  return null;
}

function extractFromTime(text: string, time: number): Numeric {
  const field = fieldNamed(text, 'time');
  if (field === 'epoch') return new Numeric(BigInt(time), 6);
  const part = clockField(field, BigInt(time));
  if (part === null) throw unsupported(field, 'time without time zone');
  return part;
}

/** A year has 365.25 days and a month 30, for epoch only. */
function intervalEpoch(value: Interval): Numeric {
  const years = Math.trunc(value.months / 12);
  const micros = BigInt(years) * 31_557_600_000_000n + BigInt(value.months % 12) * 30n * microsPerDay;
  return new Numeric(micros + BigInt(value.days) * microsPerDay + value.micros, 6);
}

function extractFromInterval(text: string, value: Interval): Numeric {
  const field = fieldNamed(text, 'interval');
  const years = Math.trunc(value.months / 12);
  switch (field) {
    case 'epoch':
      return intervalEpoch(value);
    case 'day':
      return integerNumeric(value.days);
    case 'week':
      return integerNumeric(Math.trunc(value.days / 7));
    case 'month':
      return integerNumeric(value.months % 12);
    case 'quarter':
      return integerNumeric(
        value.months >= 0 ? Math.trunc((value.months % 12) / 3) + 1 : -(Math.trunc((-value.months % 12) / 3) + 1),
      );
    case 'year':
      return integerNumeric(years);
    case 'decade':
      return integerNumeric(Math.trunc(years / 10));
    case 'century':
      return integerNumeric(Math.trunc(years / 100));
    case 'millennium':
      return integerNumeric(Math.trunc(years / 1000));
    default: {
      const part = clockField(field, value.micros);
      if (part === null) throw unsupported(field, 'interval');
      return part;
    }
  }
}

/** As a double, summed up as PostgreSQL does: with its rounding. */
function intervalEpochDouble({ months, days, micros }: Interval): number {
  const [years, rest] = [Math.trunc(months / 12), months % 12];
  return Number(micros) / 1e6 + 31_557_600 * years + 30 * 86_400 * rest + 86_400 * days;
}

function doubleFromInterval(text: string, value: Interval): number {
  const isEpoch = fieldNamed(text, 'interval') === 'epoch';
  return isEpoch ? intervalEpochDouble(value) : numericToNumber(extractFromInterval(text, value));
}

function both(
  type: string,
  run: (field: string, value: never) => Numeric | null,
  asDouble: (field: string, value: never) => number | null = (field, value) => {
    const result = run(field, value);
    return result === null ? null : numericToNumber(result);
  },
): FunctionEntry[] {
  const doc = 'One field: year, month, day, hour, minute, second, epoch, dow, doy, week, quarter and others.';
  return [
    entry('extract', ['text', type], 'numeric', `${doc} \`extract(field FROM value)\`.`, run),
    entry('date_part', ['text', type], 'double precision', doc, asDouble),
  ];
}

export const extractFunctions: readonly FunctionEntry[] = [
  ...both('timestamptz', extractFromTimestamp('timestamp with time zone')),
  ...both('timestamp', extractFromTimestamp('timestamp without time zone')),
  ...both('time', extractFromTime),
  ...both('interval', extractFromInterval, doubleFromInterval),
  entry('extract', ['text', 'date'], 'numeric', 'One field of a date. `extract(field FROM value)`.', extractFromDate),
  entry(
    'date_part',
    ['text', 'date'],
    'double precision',
    'One field of a date, as of midnight.',
    (field: string, date: number) => {
      const result = extractFromTimestamp('timestamp without time zone')(field, dateToTimestamp(date));
      return result === null ? null : numericToNumber(result);
    },
  ),
];
