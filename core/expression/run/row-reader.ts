// Reads the rows that a route's program wrote as typed values: what a sink with columns of its own takes from a record.
import type { FieldCheck, Step } from '../tree.ts';
import type { FieldType, RowType } from '../types.ts';
import { fitDynamic, mismatch } from '../values/dynamic.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../values/json-value.ts';
import { typeNameOf } from '../values/type-rules.ts';
import type { Value } from '../values/value.ts';
import { type Check, compileCheck } from './checks.ts';
import { type CompileScope, type Evaluate, readJson, readSlot } from './read.ts';
import { createRow, createScanner, OBJECT, type Row } from './scanner.ts';
import { buildTrie } from './trie.ts';

/** A declared object's members by name, without a prototype: names are user data. */
export interface RowObject {
  readonly [name: string]: RowValue;
}
export type RowValue = Value | RowObject | readonly RowValue[];

export interface RowReader {
  /** The columns in the row type's order, or what is wrong with them. The array is reused by the next call. */
  read(bytes: Uint8Array, start: number, end: number): readonly RowValue[] | RowFault;
}

export class RowFault {
  readonly code: string;
  readonly message: string;
  constructor(code: string, message: string) {
    this.code = code;
    this.message = message;
  }
}

/** Every column is checked: nothing that is not of its type gets through as NULL. */
export function createRowReader(type: RowType): RowReader {
  const checks = type.flatMap((column) => checksOf([column.name], column.type));
  const trie = buildTrie(checks.map(({ path }) => path));
  const row = createRow(trie.slotCount);
  const scope: CompileScope = { row, slotOf: trie.slotOf };
  const scan = createScanner(trie, row);
  const compiled = checks.map((check) => compileCheck(check, scope));
  const columns = type.map((column) => readerOf([column.name], column.type, row, trie.slotOf));
  const values: RowValue[] = columns.map(() => null);
  return {
    read(bytes, start, end) {
      if (!scan(bytes, start, end)) return new RowFault(row.fault!.code, row.fault!.message);
      try {
        const fault = firstFault(compiled);
        if (fault !== null) return fault;
        for (let index = 0; index < columns.length; index++) values[index] = columns[index]!();
        return values;
      } catch (error) {
        // A record must never stop its worker: what is unforeseen is a fault of the record, with its message.
        return new RowFault('internal_error', error instanceof Error ? error.message : String(error));
      }
    },
  };
}

function firstFault(checks: readonly Check[]): RowFault | null {
  for (let index = 0; index < checks.length; index++) {
    const fault = checks[index]!();
    if (fault !== null) return new RowFault(fault.code, fault.message);
  }
  return null;
}

function checksOf(path: readonly string[], type: FieldType): readonly FieldCheck[] {
  if (type.kind !== 'object') return [{ path, type }];
  return [{ path, type }, ...type.fields.flatMap((field) => checksOf([...path, field.name], field.type))];
}

function readerOf(
  path: readonly string[],
  type: FieldType,
  row: Row,
  slotOf: (path: readonly Step[]) => number,
): () => RowValue {
  const slot = slotOf(path);
  if (holdsObjects(type)) return itemsReaderOf(slot, type, row);
  if (type.kind !== 'object') return readSlot(row, slot, typeNameOf(type), false) as Evaluate;
  const members = type.fields.map((field) => ({
    name: field.name,
    read: readerOf([...path, field.name], field.type, row, slotOf),
  }));
  return () => {
    if (row.kinds[slot] !== OBJECT) return null;
    const object: Record<string, RowValue> = Object.create(null);
    for (const { name, read } of members) object[name] = read();
    return object;
  };
}

/** A list whose items are objects at any depth: an expression sees those as jsonb, and they have no slots of their own. */
const holdsObjects = (type: FieldType): boolean =>
  type.kind === 'array' && (type.element.kind === 'object' || holdsObjects(type.element));

function itemsReaderOf(slot: number, type: FieldType, row: Row): () => RowValue {
  const convert = converterOf(type);
  return () => {
    const json = readJson(row, slot);
    return json === null ? null : convert(json);
  };
}

/** What was checked before fits; anything else is NULL, as it is at the top. */
function converterOf(type: FieldType): (json: JsonValue) => RowValue {
  switch (type.kind) {
    case 'array': {
      const convert = converterOf(type.element);
      return (json) => (isJsonArray(json) ? json.map(convert) : null);
    }
    case 'object': {
      const members = type.fields.map((field) => ({ name: field.name, convert: converterOf(field.type) }));
      return (json) => (isJsonObject(json) ? objectOf(members, json) : null);
    }
    case 'scalar':
    case 'dynamic': {
      const name = typeNameOf(type);
      return (json) => {
        const value = fitDynamic(json, name);
        return value === mismatch ? null : value;
      };
    }
  }
}

function objectOf(
  members: readonly { readonly name: string; readonly convert: (json: JsonValue) => RowValue }[],
  json: JsonObject,
): RowObject {
  const object: Record<string, RowValue> = Object.create(null);
  for (const { name, convert } of members) {
    const member = json.get(name);
    object[name] = member === undefined ? null : convert(member);
  }
  return object;
}
