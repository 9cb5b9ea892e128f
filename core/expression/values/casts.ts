// Conversions between types at run time; the binder has decided that they are allowed.
import { EvaluationFault, outOfRange } from '../fault.ts';
import type { TypeName } from '../tree.ts';
import { readReal } from './float.ts';
import { type Interval, makeInterval } from './interval.ts';
import { type JsonValue, jsonNull, jsonTypeOf } from './json-value.ts';
import {
  digitCount,
  finite,
  integerNumeric,
  Numeric,
  numberToNumeric,
  numericToNumber,
  rescale,
  roundNumeric,
  shortText,
} from './numeric.ts';
import { PartsSize } from './result-size.ts';
import {
  checkTimestamp,
  isFiniteTimestamp,
  microsPerDay,
  roundHalfEven,
  splitTimestamp,
  timestampInfinity,
  timestampMinusInfinity,
} from './timestamp.ts';
import { elementOf, isArray } from './type-rules.ts';
import { checkInteger, type IntegerType, readText, showText } from './type-text.ts';
import type { Value } from './value.ts';

export type Cast = (value: Exclude<Value, null>) => Value;

const integers: ReadonlySet<string> = new Set(['smallint', 'integer', 'bigint']);
const floats: ReadonlySet<string> = new Set(['real', 'double precision']);

/** The conversion between two types neither of which is dynamic. */
export function castBetween(from: TypeName, to: TypeName): Cast {
  if (from === to) return (value) => value;
  if (to === 'text') return (value) => showText(from, value);
  if (from === 'text' || from === 'unknown') return (value) => readText(to, value as string);
  if (isArray(from) && isArray(to)) {
    const cast = castBetween(elementOf(from), elementOf(to));
    if (elementOf(to) === 'text') return (value) => textsOf(value as readonly Value[], cast);
    return (value) => (value as readonly Value[]).map((item) => (item === null ? null : cast(item)));
  }
  if (integers.has(from)) return castFromInteger(to);
  if (from === 'numeric') return castFromNumeric(to);
  if (floats.has(from)) return castFromFloat(from, to);
  if (from === 'boolean') return (value) => (value === true ? 1 : 0);
  if (from === 'jsonb') return castFromJson(to);
  return castTime(from, to);
}

function textsOf(items: readonly Value[], cast: Cast): readonly Value[] {
  const size = new PartsSize();
  return items.map((item) => (item === null ? null : size.take(cast(item) as string)));
}

function castFromInteger(to: TypeName): Cast {
  if (to === 'boolean') return (value) => value !== 0;
  if (to === 'numeric') return (value) => integerNumeric(value as number | bigint);
  if (to === 'real') return (value) => Math.fround(Number(value));
  if (to === 'double precision') return (value) => Number(value);
  return (value) => toInteger(BigInt(value as number | bigint), to as IntegerType);
}

export function toInteger(value: bigint, to: IntegerType): number | bigint {
  checkInteger(value, to);
  return to === 'bigint' ? value : Number(value);
}

function castFromNumeric(to: TypeName): Cast {
  if (to === 'double precision' || to === 'real') return (value) => numericToFloat(value as Numeric, to);
  return (value) => numericToInteger(value as Numeric, to as IntegerType);
}

function numericToInteger(value: Numeric, to: IntegerType): number | bigint {
  if (value.kind !== 'finite') {
    throw new EvaluationFault(
      'feature_not_supported',
      `cannot convert ${value.kind === 'nan' ? 'NaN' : 'infinity'} to ${to}`,
    );
  }
  return toInteger(rescale(value.coefficient, value.scale, 0), to);
}

function numericToFloat(value: Numeric, to: TypeName): number {
  const number = to === 'real' ? readReal(shortText(value)) : numericToNumber(value);
  if (value.kind === 'finite' && (!Number.isFinite(number) || (number === 0 && value.digits !== 0n)))
    throw outOfRange(to);
  return number;
}

function castFromFloat(from: TypeName, to: TypeName): Cast {
  if (to === 'numeric') return (value) => numberToNumeric(value as number, from === 'real' ? 6 : 15);
  if (to === 'double precision') return (value) => value;
  if (to === 'real') return (value) => toReal(value as number);
  return (value) => {
    const rounded = roundHalfEven(value as number);
    if (!Number.isFinite(rounded)) throw outOfRange(to);
    return toInteger(BigInt(rounded), to as IntegerType);
  };
}

function toReal(value: number): number {
  const real = Math.fround(value);
  if ((!Number.isFinite(real) && Number.isFinite(value)) || (real === 0 && value !== 0)) throw outOfRange('real');
  return real;
}

function castFromJson(to: TypeName): Cast {
  return (value) => {
    const json = value as JsonValue;
    if (json === jsonNull) return null;
    if (to === 'boolean' && typeof json === 'boolean') return json;
    if (to !== 'boolean' && json instanceof Numeric) return to === 'numeric' ? json : castFromNumeric(to)(json);
    throw new EvaluationFault('invalid_parameter_value', `cannot cast jsonb ${jsonTypeOf(json)} to type ${to}`);
  };
}

function castTime(from: TypeName, to: TypeName): Cast {
  if (from === 'date') return (value) => dateToTimestamp(value as number);
  if (to === 'date') return (value) => timestampToDate(value as bigint);
  if (from === 'time') return (value) => makeInterval(0, 0, BigInt(value as number));
  if (from === 'interval')
    return (value) => Number((((value as Interval).micros % microsPerDay) + microsPerDay) % microsPerDay);
  if (to === 'time')
    return (value) => (isFiniteTimestamp(value as bigint) ? splitTimestamp(value as bigint).micros : null);
  // timestamp and timestamptz differ only in what they mean: the session's zone is UTC.
  return (value) => value;
}

export function dateToTimestamp(days: number): bigint {
  if (!Number.isFinite(days)) return days > 0 ? timestampInfinity : timestampMinusInfinity;
  return checkTimestamp(BigInt(days) * microsPerDay);
}

export function timestampToDate(value: bigint): number {
  if (!isFiniteTimestamp(value)) return value > 0n ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  return splitTimestamp(value).days;
}

/** numeric(precision, scale), varchar(length), timestamp(precision): what the parentheses of a type ask for. */
export function applyModifiers(type: TypeName, modifiers: readonly number[], value: Exclude<Value, null>): Value {
  if (isArray(type)) {
    const element = elementOf(type);
    const fit = (item: Value): Value => (item === null ? null : applyModifiers(element, modifiers, item));
    return (value as readonly Value[]).map(fit);
  }
  const [first = 0, scale = 0] = modifiers;
  if (type === 'text') return [...(value as string)].slice(0, first).join('');
  if (type === 'numeric') return fitNumeric(value as Numeric, first, scale);
  if (type === 'timestamp' || type === 'timestamptz') return roundTimestamp(value as bigint, first);
  return Number(roundMicros(BigInt(value as number), first));
}

function fitNumeric(value: Numeric, precision: number, scale: number): Numeric {
  if (value.kind === 'nan') return value;
  const tooBig = new EvaluationFault(
    'numeric_value_out_of_range',
    `numeric field overflow: numeric(${precision},${scale})`,
  );
  if (value.kind !== 'finite') throw tooBig;
  const rounded = roundNumeric(value, scale);
  const digits = digitCount(rounded.coefficient);
  if (rounded.coefficient !== 0n && digits - rounded.scale > precision - scale) throw tooBig;
  return finite(rounded.coefficient, rounded.scale);
}

/** A half goes away from the start of 2000, from which PostgreSQL counts. */
const start2000 = 946_684_800_000_000n;

function roundTimestamp(micros: bigint, digits: number): bigint {
  return isFiniteTimestamp(micros) ? roundMicros(micros - start2000, digits) + start2000 : micros;
}

function roundMicros(micros: bigint, digits: number): bigint {
  if (digits >= 6) return micros;
  const unit = 10n ** BigInt(6 - digits);
  const half = unit / 2n;
  return micros >= 0n ? ((micros + half) / unit) * unit : -(((-micros + half) / unit) * unit);
}
