// A JSON value as expressions see it: numbers exact, objects in the order that jsonb keeps (shorter names first).

import { compareNumeric, formatNumeric, Numeric } from './numeric.ts';
import { PartsSize } from './result-size.ts';
import { compareText } from './text-order.ts';

/** JSON's null inside a JSON value; a field that is JSON null is SQL's NULL. */
export const jsonNull: unique symbol = Symbol('null');

type JsonScalar = string | boolean | Numeric | typeof jsonNull;
export type JsonValue = JsonScalar | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

export function isJsonArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function isJsonObject(value: JsonValue): value is JsonObject {
  return value instanceof Map;
}

export function jsonTypeOf(value: JsonValue): 'null' | 'string' | 'number' | 'boolean' | 'array' | 'object' {
  if (value === jsonNull) return 'null';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'boolean';
  if (value instanceof Numeric) return 'number';
  return isJsonArray(value) ? 'array' : 'object';
}

/** A JSON string literal exactly as PostgreSQL escapes it. */
export function quoteJson(text: string): string {
  // JSON.stringify escapes what JSON demands; PostgreSQL agrees but for DEL and lone surrogates, which cannot occur.
  return JSON.stringify(text);
}

/** `spaced` is jsonb's own text (`{"a": 1, "b": [1, 2]}`); without it, compact JSON for the wire. */
export function formatJson(value: JsonValue, spaced: boolean): string {
  return isScalar(value) ? formatScalar(value) : formatStructure(value, spaced, new PartsSize());
}

function formatScalar(value: JsonScalar): string {
  if (value === jsonNull) return 'null';
  if (typeof value === 'string') return quoteJson(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return formatNumeric(value);
}

function formatStructure(value: JsonValue, spaced: boolean, size: PartsSize): string {
  if (isScalar(value)) return size.take(formatScalar(value));
  const comma = spaced ? ', ' : ',';
  if (isJsonArray(value)) return `[${value.map((item) => formatStructure(item, spaced, size)).join(comma)}]`;
  const colon = spaced ? ': ' : ':';
  const members = [...value].map(
    ([name, item]) => size.take(quoteJson(name)) + colon + formatStructure(item, spaced, size),
  );
  return `{${members.join(comma)}}`;
}

const encoder = new TextEncoder();

/** jsonb's order of names: by length in bytes, then by bytes. */
export function compareNames(left: string, right: string): number {
  const byLength = encoder.encode(left).length - encoder.encode(right).length;
  return byLength !== 0 ? byLength : compareText(left, right);
}

export function sortedObject(entries: Iterable<readonly [string, JsonValue]>): JsonObject {
  const last = new Map(entries);
  return new Map([...last].sort(([left], [right]) => compareNames(left, right)));
}

const typeRank = { null: 0, string: 1, number: 2, boolean: 3, array: 4, object: 5 } as const;

/**
 * jsonb's total order: Object > Array > Boolean > Number > String > Null. At the top an empty array is below a scalar, a
 * long-standing quirk that jsonb keeps.
 */
export function compareJson(left: JsonValue, right: JsonValue): number {
  if (isEmptyArray(left) && isScalar(right)) return -1;
  if (isEmptyArray(right) && isScalar(left)) return 1;
  return compareWithin(left, right);
}

function isEmptyArray(value: JsonValue): boolean {
  return isJsonArray(value) && value.length === 0;
}

function isScalar(value: JsonValue): value is JsonScalar {
  return !isJsonArray(value) && !isJsonObject(value);
}

function compareWithin(left: JsonValue, right: JsonValue): number {
  const byType = typeRank[jsonTypeOf(left)] - typeRank[jsonTypeOf(right)];
  if (byType !== 0) return byType;
  if (left instanceof Numeric) return compareNumeric(left, right as Numeric);
  if (typeof left === 'string') return compareText(left, right as string);
  if (typeof left === 'boolean') return Number(left) - Number(right);
  if (left === jsonNull) return 0;
  if (isJsonArray(left)) return compareArrays(left, right as readonly JsonValue[]);
  return compareObjects(left as JsonObject, right as JsonObject);
}

function compareArrays(left: readonly JsonValue[], right: readonly JsonValue[]): number {
  if (left.length !== right.length) return left.length - right.length;
  for (let index = 0; index < left.length; index++) {
    const order = compareWithin(left[index]!, right[index]!);
    if (order !== 0) return order;
  }
  return 0;
}

function compareObjects(left: JsonObject, right: JsonObject): number {
  if (left.size !== right.size) return left.size - right.size;
  const others = [...right];
  let index = 0;
  for (const [name, value] of left) {
    const [otherName, otherValue] = others[index++]!;
    const order = compareText(name, otherName) || compareWithin(value, otherValue);
    if (order !== 0) return order;
  }
  return 0;
}

/** jsonb's `@>`: structure contained in structure; an array also contains a bare scalar, at the top only. */
export function containsJson(whole: JsonValue, part: JsonValue): boolean {
  if (isJsonArray(whole) && !isJsonArray(part) && !isJsonObject(part)) return arrayHolds(whole, part);
  return containsDeep(whole, part);
}

function containsDeep(whole: JsonValue, part: JsonValue): boolean {
  if (isJsonObject(whole) && isJsonObject(part)) {
    for (const [name, value] of part) {
      const own = whole.get(name);
      if (own === undefined || !containsDeep(own, value)) return false;
    }
    return true;
  }
  if (isJsonArray(whole) && isJsonArray(part)) return part.every((item) => arrayHolds(whole, item));
  return jsonTypeOf(whole) === jsonTypeOf(part) && compareWithin(whole, part) === 0;
}

function arrayHolds(array: readonly JsonValue[], item: JsonValue): boolean {
  return array.some((candidate) => containsDeep(candidate, item));
}
