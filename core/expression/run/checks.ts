// Whether an event's declared fields hold what they are declared to hold.
import { EvaluationFault } from '../fault.ts';
import type { FieldCheck, TypeName } from '../tree.ts';
import type { FieldType } from '../types.ts';
import { fitDynamic, mismatch } from '../values/dynamic.ts';
import { isJsonArray, isJsonObject, type JsonValue, jsonNull, jsonTypeOf } from '../values/json-value.ts';
import { formatType, typeNameOf } from '../values/type-rules.ts';
import { type CompileScope, readJson, readPlainInteger } from './read.ts';
import { ARRAY, ESCAPED, FALSE, MISSING, NULL, NUMBER, OBJECT, type Row, STRING, TRUE } from './scanner.ts';

export interface SchemaFault {
  readonly code: string;
  readonly message: string;
}

/** null when the event is as declared. */
export type Check = () => SchemaFault | null;

export function compileCheck(check: FieldCheck, scope: CompileScope): Check {
  const slot = scope.slotOf(check.path);
  const { row } = scope;
  const quick = quickTest(check.type);
  return () => {
    const kind = row.kinds[slot]!;
    if (kind === MISSING || kind === NULL || quick(row, slot, kind)) return null;
    return explain(check, readJson(row, slot)!);
  };
}

type QuickTest = (row: Row, slot: number, kind: number) => boolean;

/** Decides the usual good values from their first look; what it does not accept is looked at in full. */
function quickTest(type: FieldType): QuickTest {
  if (type.kind === 'dynamic') return () => true;
  if (type.kind === 'object') return (_row, _slot, kind) => kind === OBJECT;
  if (type.kind === 'array') return (_row, _slot, kind) => kind === ARRAY && type.element.kind === 'dynamic';
  switch (type.type) {
    case 'text':
      return (_row, _slot, kind) => kind === STRING || kind === ESCAPED;
    case 'boolean':
      return (_row, _slot, kind) => kind === TRUE || kind === FALSE;
    case 'jsonb':
      return () => true;
    case 'numeric':
    case 'double precision':
      return (row, slot, kind) =>
        kind === NUMBER && row.ends[slot]! - row.starts[slot]! < 100 && !hasExponent(row, slot);
    case 'timestamptz':
      return (row, slot, kind) =>
        kind === STRING && isPlainTimestamp(row.bytes, row.starts[slot]! + 1, row.ends[slot]! - 1);
    case 'integer':
    case 'bigint':
      return integerTest(type.type === 'integer' ? 2_147_483_647 : 1e15);
    default:
      return () => false;
  }
}

function integerTest(max: number): QuickTest {
  return (row, slot, kind) =>
    kind === NUMBER && Math.abs(readPlainInteger(row.bytes, row.starts[slot]!, row.ends[slot]!)) <= max;
}

/** `2026-01-31T23:59:59.123Z`, days up to the 28th, a fraction of at most six digits; anything else is read in full. */
function isPlainTimestamp(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 20 || end - at > 27 || bytes[end - 1] !== 0x5a) return false;
  if (bytes[at + 4] !== 0x2d || bytes[at + 7] !== 0x2d || bytes[at + 10] !== 0x54) return false;
  if (bytes[at + 13] !== 0x3a || bytes[at + 16] !== 0x3a) return false;
  const inRange =
    twoDigits(bytes, at) > 0 &&
    twoDigits(bytes, at + 2) >= 0 &&
    isWithin(twoDigits(bytes, at + 5), 1, 12) &&
    isWithin(twoDigits(bytes, at + 8), 1, 28) &&
    isWithin(twoDigits(bytes, at + 11), 0, 23) &&
    isWithin(twoDigits(bytes, at + 14), 0, 59) &&
    isWithin(twoDigits(bytes, at + 17), 0, 59);
  if (!inRange || end - at === 20) return inRange;
  if (bytes[at + 19] !== 0x2e) return false;
  for (let index = at + 20; index < end - 1; index++) if (bytes[index]! < 0x30 || bytes[index]! > 0x39) return false;
  return true;
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 0x30;
  const ones = bytes[at + 1]! - 0x30;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

function isWithin(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}

function hasExponent(row: Row, slot: number): boolean {
  for (let at = row.starts[slot]!; at < row.ends[slot]!; at++) if ((row.bytes[at]! | 0x20) === 0x65) return true;
  return false;
}

function explain(check: FieldCheck, json: JsonValue): SchemaFault | null {
  const why = disagreement(check.type, json);
  if (why === null) return null;
  const field = check.path.join('.');
  return { code: 'schema_mismatch', message: `field ${field} is declared ${formatType(check.type)}: ${why}` };
}

function disagreement(type: FieldType, json: JsonValue): string | null {
  if (json === jsonNull || type.kind === 'dynamic') return null;
  if (type.kind === 'object') return isJsonObject(json) ? memberDisagreement(type.fields, json) : got(json);
  if (type.kind === 'array') {
    if (!isJsonArray(json)) return got(json);
    for (const item of json) {
      const why = disagreement(type.element, item);
      if (why !== null) return why;
    }
    return null;
  }
  return scalarDisagreement(typeNameOf(type), json);
}

function memberDisagreement(
  fields: Extract<FieldType, { kind: 'object' }>['fields'],
  json: ReadonlyMap<string, JsonValue>,
): string | null {
  for (const field of fields) {
    const member = json.get(field.name);
    const why = member === undefined ? null : disagreement(field.type, member);
    if (why !== null) return `${field.name}: ${why}`;
  }
  return null;
}

function scalarDisagreement(type: TypeName, json: JsonValue): string | null {
  try {
    return fitDynamic(json, type) === mismatch ? got(json) : null;
  } catch (error) {
    if (error instanceof EvaluationFault) return error.message;
    throw error;
  }
}

function got(json: JsonValue): string {
  const type = jsonTypeOf(json);
  const shown = type === 'string' ? ` ${JSON.stringify(json).slice(0, 60)}` : '';
  return `got JSON ${type}${shown}`;
}
