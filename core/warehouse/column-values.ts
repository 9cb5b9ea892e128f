// A row's values in the form in which a table stores them, and in the text of its folders.
import type { RowObject, RowValue } from '#core/expression/index.ts';
import type { ScalarType } from '#core/expression/types.ts';
import { formatJson, type JsonValue } from '#core/expression/values/json-value.ts';
import { magnitude, type Numeric, powerOfTen } from '#core/expression/values/numeric.ts';
import { isFiniteTimestamp } from '#core/expression/values/timestamp.ts';
import { showText } from '#core/expression/values/type-text.ts';
import type { Value } from '#core/expression/values/value.ts';
import {
  formatTimePart,
  hasTimePartition,
  type PartitionColumn,
  partitionFolder,
  partitionYears,
} from '#core/warehouse/partition.ts';
import { type ColumnType, formatColumnType } from '#core/warehouse/table-columns.ts';

/** number: INT32, FLOAT, DOUBLE, days of a date · bigint: INT64, microseconds, a decimal without its point · string: text. */
export type StoredValue = null | string | number | bigint | boolean | readonly StoredValue[] | StoredObject;
export interface StoredObject {
  readonly [name: string]: StoredValue;
}

/** A value that the table's type has no place for. */
export class UnstorableValue extends Error {
  override readonly name = 'UnstorableValue';
}

export type Store = (value: RowValue) => StoredValue;

/** `path` names the column in what is said of a value that cannot be stored. */
export function storeOf(type: ColumnType, path: string): Store {
  switch (type.kind) {
    case 'scalar':
      return scalarStore(type.type, path);
    case 'decimal':
      return (value) => (value === null ? null : unscaled(value as Numeric, type.precision, type.scale, path));
    case 'list': {
      const store = storeOf(type.element, `${path}[]`);
      return (value) => (value === null ? null : (value as readonly RowValue[]).map(store));
    }
    case 'struct': {
      const members = type.fields.map(({ name, type: of }) => ({ name, store: storeOf(of, `${path}.${name}`) }));
      return (value) => {
        if (value === null) return null;
        const stored: Record<string, StoredValue> = Object.create(null);
        for (const { name, store } of members) stored[name] = store((value as RowObject)[name]!);
        return stored;
      };
    }
  }
}

function scalarStore(type: ScalarType, path: string): Store {
  switch (type) {
    case 'text':
    case 'boolean':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'real':
    case 'double precision':
    case 'uuid':
      return (value) => value as StoredValue;
    case 'timestamptz':
    case 'timestamp':
      return (value) => (value === null ? null : storableTime(value as bigint, path, type));
    case 'date':
      return (value) => {
        if (value !== null && !Number.isFinite(value)) throw notFinite(path, type);
        return value as number | null;
      };
    case 'jsonb':
      return (value) => (value === null ? null : formatJson(value as JsonValue, false));
    case 'numeric':
    case 'time':
    case 'interval':
      return (value) => (value === null ? null : showText(type, value as Exclude<Value, null>));
  }
}

/** Where 64 bits of microseconds since 1970 end, in UTC: the last stands for infinity. */
const timeEnd = '294247-01-10 04:00:54.775807';
const timeEndMicros = (1n << 63n) - 1n;

/** PostgreSQL counts from 2000 and reaches 30 years further. */
function storableTime(micros: bigint, path: string, type: 'timestamptz' | 'timestamp'): bigint {
  if (!isFiniteTimestamp(micros)) throw notFinite(path, type);
  if (micros >= timeEndMicros)
    throw new UnstorableValue(
      `column ${path} is ${showText(type, micros)}, expected a time before ${timeEnd}, where a ${type} column of a table ends`,
    );
  return micros;
}

const notFinite = (path: string, type: ScalarType): UnstorableValue =>
  new UnstorableValue(`column ${path} is infinity, which a ${type} column of a table cannot hold`);

function unscaled(value: Numeric, precision: number, scale: number, path: string): bigint {
  const exact =
    value.kind === 'finite' && value.scale <= scale ? value.coefficient * powerOfTen(scale - value.scale) : null;
  if (exact === null || magnitude(exact) >= powerOfTen(precision)) {
    const type = formatColumnType({ kind: 'decimal', precision, scale });
    throw new UnstorableValue(
      `column ${path} is ${showText('numeric', value).slice(0, 60)}, which ${type} cannot hold`,
    );
  }
  return exact;
}

/** Bytes of a folder's name; what keys and file systems take with room to spare. */
const folderBytesMax = 200;
const utf8 = new TextEncoder();

/** The folder of a row at one level, by the value of its column. */
export function folderOf(partition: PartitionColumn): (value: RowValue) => string {
  const { name, column, type, time } = partition;
  const textOf = time === null ? plainText(column, type) : timeText(column, type, time);
  return (value) => {
    const folder = partitionFolder(name, value === null ? null : textOf(value as Exclude<Value, null>));
    if (folder.length > folderBytesMax / 3 && utf8.encode(folder).length > folderBytesMax)
      throw new UnstorableValue(
        `column ${column} would make a folder named with ${utf8.encode(folder).length} bytes, expected at most ${folderBytesMax}`,
      );
    return folder;
  };
}

const plainText =
  (column: string, type: ScalarType) =>
  (value: Exclude<Value, null>): string => {
    if (type === 'date' && !Number.isFinite(value)) throw notFinite(column, type);
    return showText(type, value);
  };

function timeText(column: string, type: ScalarType, parts: NonNullable<PartitionColumn['time']>) {
  // Most records fall into the folder of the one before them.
  let knownFrom = 0n;
  let knownText = '';
  const granule = parts.includes('mm') ? 60_000_000n : parts.includes('HH') ? 3_600_000_000n : 86_400_000_000n;
  return (value: Exclude<Value, null>): string => {
    const micros = type === 'date' ? dateMicros(value as number) : (value as bigint);
    if (knownText !== '' && micros >= knownFrom && micros < knownFrom + granule) return knownText;
    if (!hasTimePartition(micros))
      throw new UnstorableValue(
        `column ${column} is ${showText(type, value)}; folders are made for ${partitionYears.first} to ${partitionYears.last}`,
      );
    knownFrom = micros - (((micros % granule) + granule) % granule);
    knownText = formatTimePart(parts, micros);
    return knownText;
  };
}

const dateMicros = (days: number): bigint =>
  Number.isFinite(days) ? BigInt(days) * 86_400_000_000n : days > 0 ? 1n << 62n : -(1n << 62n);
