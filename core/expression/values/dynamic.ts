// A dynamic value (whatever JSON the event holds) as a value of a type: by force in a cast, only if it fits otherwise.
import { EvaluationFault } from '../fault.ts';
import type { TypeName } from '../tree.ts';
import { castBetween, toInteger } from './casts.ts';
import { readReal } from './float.ts';
import { formatJson, isJsonArray, type JsonValue, jsonNull, jsonTypeOf } from './json-value.ts';
import { integerNumeric, Numeric, numericToNumber, rescale, shortText } from './numeric.ts';
import { PartsSize } from './result-size.ts';
import { checkTimestamp } from './timestamp.ts';
import { elementOf, isArray } from './type-rules.ts';
import { fitsInteger, type IntegerType, readText, showText } from './type-text.ts';
import type { Value } from './value.ts';

/** Said of a value that is not of the type asked for. */
export const mismatch: unique symbol = Symbol('mismatch');

const textual: ReadonlySet<string> = new Set(['timestamptz', 'timestamp', 'date', 'time', 'interval', 'uuid']);

/** Epoch milliseconds, whole or with a fraction, to microseconds. */
export function epochMillisToMicros(value: Numeric): bigint {
  if (value.kind !== 'finite') throw new EvaluationFault('datetime_field_overflow', 'timestamp out of range');
  return checkTimestamp(rescale(value.coefficient * 1000n, value.scale, 0));
}

/** The value where the type asked for is the one it has; dates and times are read from text, timestamps from epoch ms too. */
export function fitDynamic(json: JsonValue, to: TypeName): Value | typeof mismatch {
  if (json === jsonNull) return null;
  if (to === 'dynamic' || to === 'jsonb') return json;
  if (isArray(to)) return isJsonArray(json) ? fitItems(json, elementOf(to)) : mismatch;
  if (typeof json === 'boolean') return to === 'boolean' ? json : mismatch;
  if (typeof json === 'string') {
    if (to === 'text') return json;
    return textual.has(to) ? readText(to, json) : fitNotFinite(json, to);
  }
  return json instanceof Numeric ? fitNumber(json, to) : mismatch;
}

/** JSON has no word for them, so what is not finite travels as text. */
function fitNotFinite(text: string, to: TypeName): Value | typeof mismatch {
  if (to !== 'double precision' && to !== 'real' && to !== 'numeric') return mismatch;
  return text === 'NaN' || text === 'Infinity' || text === '-Infinity' ? readText(to, text) : mismatch;
}

function fitItems(items: readonly JsonValue[], to: TypeName): Value | typeof mismatch {
  const fitted: Value[] = [];
  for (const item of items) {
    const value = fitDynamic(item, to);
    if (value === mismatch) return mismatch;
    fitted.push(value);
  }
  return fitted;
}

function fitNumber(value: Numeric, to: TypeName): Value | typeof mismatch {
  switch (to) {
    case 'numeric':
      return value;
    case 'smallint':
    case 'integer':
    case 'bigint':
      return fitInteger(value, to);
    case 'real':
    case 'double precision': {
      const fitted = to === 'real' ? readReal(shortText(value)) : numericToNumber(value);
      return Number.isFinite(fitted) ? fitted : mismatch;
    }
    case 'timestamptz':
      return epochMillisToMicros(value);
    default:
      return mismatch;
  }
}

function fitInteger(value: Numeric, to: IntegerType): Value | typeof mismatch {
  if (value.zeros > 0) return mismatch;
  const whole = rescale(value.coefficient, value.scale, 0);
  if (rescale(whole, 0, value.scale) !== value.coefficient || !fitsInteger(whole, to)) return mismatch;
  return toInteger(whole, to);
}

/** An explicit cast: text is read, numbers and booleans are converted, anything becomes text. */
export function convertDynamic(json: JsonValue, to: TypeName): Value {
  if (json === jsonNull) return null;
  if (to === 'text') return typeof json === 'string' ? json : formatJson(json, true);
  if (to === 'dynamic' || to === 'jsonb') return json;
  if (typeof json === 'string') return readText(to, json);
  if (isArray(to) && isJsonArray(json)) return convertItems(json, elementOf(to));
  if (typeof json === 'boolean' && to === 'boolean') return json;
  if (typeof json === 'boolean' && to === 'integer') return Number(json);
  if (json instanceof Numeric) {
    if (to === 'timestamptz') return epochMillisToMicros(json);
    if (to === 'numeric') return json;
    if (numbers.has(to)) return castBetween('numeric', to)(json);
  }
  throw new EvaluationFault('invalid_parameter_value', `cannot cast JSON ${jsonTypeOf(json)} to type ${to}`);
}

const numbers: ReadonlySet<string> = new Set(['smallint', 'integer', 'bigint', 'real', 'double precision']);

function convertItems(items: readonly JsonValue[], to: TypeName): Value {
  if (to !== 'text') return items.map((item) => convertDynamic(item, to));
  const size = new PartsSize();
  return items.map((item) => {
    const text = convertDynamic(item, to) as string | null;
    return text === null ? null : size.take(text);
  });
}

/** A typed value as the JSON value that stands for it. */
export function toJsonValue(type: TypeName, value: Value): JsonValue {
  if (value === null) return jsonNull;
  if (isArray(type)) return (value as readonly Value[]).map((item) => toJsonValue(elementOf(type), item));
  switch (type) {
    case 'jsonb':
    case 'dynamic':
      return value as JsonValue;
    case 'text':
    case 'unknown':
    case 'uuid':
      return value as string;
    case 'boolean':
      return value as boolean;
    case 'smallint':
    case 'integer':
    case 'bigint':
      return integerNumeric(value as number | bigint);
    case 'numeric':
      return (value as Numeric).kind === 'finite' ? (value as Numeric) : showText(type, value);
    case 'real':
    case 'double precision':
      return Number.isFinite(value) ? (readText('numeric', showText(type, value)) as Numeric) : showText(type, value);
    case 'timestamptz':
      return showText(type, value).replace(' ', 'T').replace('+00', '+00:00');
    case 'timestamp':
      return showText(type, value).replace(' ', 'T');
    default:
      return showText(type, value);
  }
}
