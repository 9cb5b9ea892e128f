// Each type's text form, read and written as PostgreSQL's input and output functions do.
import { EvaluationFault, invalidText, outOfRange } from '../fault.ts';
import { decodeJson } from '../run/decode.ts';
import type { TypeName } from '../tree.ts';
import { formatArray, parseArray } from './array-text.ts';
import { formatDouble, formatReal, parseDouble, parseReal } from './float.ts';
import { formatInterval, type Interval, parseInterval } from './interval.ts';
import { formatJson, type JsonValue } from './json-value.ts';
import { formatNumeric, type Numeric, parseNumeric, parseRadixInteger } from './numeric.ts';
import {
  formatDate,
  formatTime,
  formatTimestamp,
  parseDate,
  parseTime,
  parseTimestamp,
  parseTimestamptz,
} from './timestamp.ts';
import { elementOf, isArray } from './type-rules.ts';
import type { Value } from './value.ts';
import { trimSpace } from './white-space.ts';

const integerPattern = /^[ \t\n\v\f\r]*[+-]?\d+(?:_\d+)*[ \t\n\v\f\r]*$/;
const integerBounds = { smallint: 15n, integer: 31n, bigint: 63n } as const;
export type IntegerType = keyof typeof integerBounds;

export function fitsInteger(value: bigint, type: IntegerType): boolean {
  const bound = 1n << integerBounds[type];
  return value >= -bound && value < bound;
}

/** A number of so many digits is beyond every integer type, whatever comes after them. */
const decidingDigits = 40;

function decimalInteger(text: string): bigint {
  const digits = trimSpace(text.replaceAll('_', ''));
  const unsigned = digits.replace(/^[+-]?0*/, '').slice(0, decidingDigits);
  return digits.startsWith('-') ? -BigInt(unsigned) : BigInt(unsigned);
}

function parseInteger(text: string, type: IntegerType): bigint {
  const value = integerPattern.test(text) ? decimalInteger(text) : parseRadixInteger(text);
  // Like PostgreSQL, digits that are too many are out of range whatever follows them.
  const leading = value ?? BigInt(/^[+-]?\d{1,40}/.exec(trimSpace(text))?.[0] ?? 0);
  if (value === null && fitsInteger(leading, type)) throw invalidText(type, text);
  if (value === null || !fitsInteger(value, type)) {
    throw new EvaluationFault(
      'numeric_value_out_of_range',
      `value "${trimSpace(text).slice(0, 80)}" is out of range for type ${type}`,
    );
  }
  return value;
}

const booleans: readonly (readonly [string, boolean, number])[] = [
  ['true', true, 1],
  ['false', false, 1],
  ['yes', true, 1],
  ['no', false, 1],
  ['on', true, 2],
  ['off', false, 2],
  ['1', true, 1],
  ['0', false, 1],
];

/** Any unambiguous beginning of a word for it will do, as in PostgreSQL. */
function parseBoolean(text: string): boolean {
  const word = trimSpace(text).toLowerCase();
  for (const [full, value, charsMin] of booleans) if (word.length >= charsMin && full.startsWith(word)) return value;
  throw invalidText('boolean', text);
}

function parseUuid(text: string): string {
  const bare = /^\{.*\}$/s.test(text) ? text.slice(1, -1) : text;
  if (!/^(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}$/i.test(bare)) throw invalidText('uuid', text);
  return bare
    .replaceAll('-', '')
    .toLowerCase()
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const encoder = new TextEncoder();

export function parseJsonText(text: string): JsonValue {
  try {
    JSON.parse(text);
  } catch {
    throw invalidText('json', text);
  }
  if (hasHalfPair(text)) throw invalidText('json', text);
  const bytes = encoder.encode(text);
  return decodeJson(bytes, 0, bytes.length);
}

/** Whether an escape of valid JSON stands for half of a surrogate pair: that is no character. */
function hasHalfPair(json: string): boolean {
  let awaitedAt = -1;
  for (const { index, 1: hex } of json.matchAll(/\\(?:u([0-9a-fA-F]{4})|.)/g)) {
    const unit = hex === undefined ? 0 : Number.parseInt(hex, 16);
    const isLow = unit >= 0xdc_00 && unit <= 0xdf_ff;
    if (isLow !== (awaitedAt === index)) return true;
    awaitedAt = unit >= 0xd8_00 && unit <= 0xdb_ff ? index + 6 : -1;
    if (awaitedAt > 0 && !json.startsWith('\\u', awaitedAt)) return true;
  }
  return false;
}

export function readText(type: TypeName, text: string): Value {
  if (isArray(type)) return parseArray(text, (item) => readText(elementOf(type), item));
  switch (type) {
    case 'text':
    case 'unknown':
    case 'dynamic':
      return text;
    case 'boolean':
      return parseBoolean(text);
    case 'smallint':
    case 'integer':
      return Number(parseInteger(text, type));
    case 'bigint':
      return parseInteger(text, type);
    case 'numeric':
      return parseNumeric(text, 'refused');
    case 'real':
      return parseReal(text);
    case 'double precision':
      return parseDouble(text);
    case 'timestamptz':
      return parseTimestamptz(text);
    case 'timestamp':
      return parseTimestamp(text);
    case 'date':
      return parseDate(text);
    case 'time':
      return parseTime(text);
    case 'interval':
      return parseInterval(text);
    case 'uuid':
      return parseUuid(text);
    case 'jsonb':
      return parseJsonText(text);
    default:
      throw new EvaluationFault('feature_not_supported', `type ${type} cannot be read from text`);
  }
}

export function showText(type: TypeName, value: Exclude<Value, null>): string {
  if (isArray(type)) return formatArray(value as readonly Value[], (item) => outputText(elementOf(type), item));
  switch (type) {
    case 'boolean':
      return value === true ? 'true' : 'false';
    case 'numeric':
      return formatNumeric(value as Numeric);
    case 'real':
      return formatReal(value as number);
    case 'double precision':
      return formatDouble(value as number);
    case 'timestamptz':
      return formatTimestamp(value as bigint, ' ', '+00');
    case 'timestamp':
      return formatTimestamp(value as bigint, ' ', '');
    case 'date':
      return formatDate(value as number);
    case 'time':
      return formatTime(value as number);
    case 'interval':
      return formatInterval(value as Interval);
    case 'jsonb':
      return formatJson(value as JsonValue, true);
    case 'dynamic':
      return typeof value === 'string' ? value : formatJson(value as JsonValue, true);
    default:
      return String(value);
  }
}

/** The text that the type's output function gives, as it stands in arrays and what `concat` joins: a boolean is `t` or `f`. */
export function outputText(type: TypeName, value: Exclude<Value, null>): string {
  return type === 'boolean' ? (value === true ? 't' : 'f') : showText(type, value);
}

export function checkInteger(value: bigint, type: IntegerType): bigint {
  if (!fitsInteger(value, type)) throw outOfRange(type);
  return value;
}
