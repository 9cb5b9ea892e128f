// Reads one slot of a scanned event as a value of a type.
import type { Step, TypeName } from '../tree.ts';
import { fitDynamic, mismatch } from '../values/dynamic.ts';
import type { JsonValue } from '../values/json-value.ts';
import { jsonNull } from '../values/json-value.ts';
import type { Value } from '../values/value.ts';
import { decodeJson, decodeJsonString, decodeNumeric, decodeText } from './decode.ts';
import { ESCAPED, FALSE, MISSING, NULL, NUMBER, type Row, STRING, TRUE } from './scanner.ts';

export type Evaluate = () => Value;

/** The event that is evaluated, and where in it a path's value is found. */
export interface CompileScope {
  readonly row: Row;
  readonly slotOf: (path: readonly Step[]) => number;
}

/** The slot as JSON; null when it is missing or JSON's null. */
export function readJson(row: Row, slot: number): JsonValue | null {
  const start = row.starts[slot]!;
  const end = row.ends[slot]!;
  switch (row.kinds[slot]) {
    case MISSING:
    case NULL:
      return null;
    case STRING:
      return decodeJsonString(row.bytes, start + 1, end - 1, false);
    case ESCAPED:
      return decodeJsonString(row.bytes, start + 1, end - 1, true);
    case NUMBER:
      return decodeNumeric(row.bytes, start, end);
    case TRUE:
      return true;
    case FALSE:
      return false;
    default:
      return decodeJson(row.bytes, start, end);
  }
}

/** The closure that reads a path's slot. Declared types were checked before, so what does not fit is NULL here. */
export function readSlot(row: Row, slot: number, type: TypeName, keepsNull: boolean): Evaluate {
  if (type === 'dynamic') return () => readJson(row, slot);
  if (type === 'jsonb' && keepsNull) return () => (row.kinds[slot] === NULL ? jsonNull : readJson(row, slot));
  if (type === 'text') return () => readTextSlot(row, slot);
  if (type === 'boolean') {
    return () => (row.kinds[slot] === TRUE ? true : row.kinds[slot] === FALSE ? false : null);
  }
  if (type === 'integer' || type === 'smallint' || type === 'bigint') return () => readIntegerSlot(row, slot, type);
  if (type === 'double precision') return () => readDoubleSlot(row, slot);
  return () => fitSlot(row, slot, type);
}

/** A JSON number means the double that is nearest to it; how far exponents reach is looked at in full. */
function readDoubleSlot(row: Row, slot: number): Value {
  if (row.kinds[slot] !== NUMBER) return fitSlot(row, slot, 'double precision');
  const value = Number(decodeText(row.bytes, row.starts[slot]!, row.ends[slot]!));
  return Number.isFinite(value) && value !== 0 ? value : fitSlot(row, slot, 'double precision');
}

function readTextSlot(row: Row, slot: number): string | null {
  const kind = row.kinds[slot]!;
  if (kind !== STRING && kind !== ESCAPED) return null;
  return decodeJsonString(row.bytes, row.starts[slot]! + 1, row.ends[slot]! - 1, kind === ESCAPED);
}

function fitSlot(row: Row, slot: number, type: TypeName): Value {
  const json = readJson(row, slot);
  if (json === null) return null;
  const value = fitDynamic(json, type);
  return value === mismatch ? null : value;
}

function readIntegerSlot(row: Row, slot: number, type: TypeName): Value {
  if (row.kinds[slot] !== NUMBER) return null;
  const plain = readPlainInteger(row.bytes, row.starts[slot]!, row.ends[slot]!);
  if (Number.isNaN(plain) || (type !== 'bigint' && Math.abs(plain) >= 32_768)) return fitSlot(row, slot, type);
  return type === 'bigint' ? BigInt(plain) : plain;
}

/** Digits whose value a double holds exactly; NaN when the number is written in another way or is longer. */
export function readPlainInteger(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 15) return Number.NaN;
  const negative = bytes[start] === 0x2d;
  let value = 0;
  for (let at = negative ? start + 1 : start; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return negative ? 0 - value : value;
}

/**
 * A number of at most 15 significant digits without exponent as a double. Two such decimals are equal, less or greater
 * exactly as their doubles are. NaN when it is written otherwise.
 */
export function readPlainDecimal(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 15) return Number.NaN;
  const negative = bytes[start] === 0x2d;
  let value = 0;
  let decimals = -1;
  for (let at = negative ? start + 1 : start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === 0x2e) decimals = 0;
    else {
      const digit = byte - 0x30;
      if (digit < 0 || digit > 9) return Number.NaN;
      value = value * 10 + digit;
      if (decimals >= 0) decimals++;
    }
  }
  const result = decimals > 0 ? value / (powersOfTen[decimals] ?? Number.NaN) : value;
  return negative ? 0 - result : result;
}

const powersOfTen = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);
