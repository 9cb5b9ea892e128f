// A table's types in Hive's notation: what Glue's catalog keeps, and Athena and Spark read it by.
import type { ScalarType } from '#core/expression/types.ts';
import type { ColumnType } from '#core/warehouse/table-columns.ts';

/** Names in lower case: those readers see no other. */
export function hiveType(type: ColumnType): string {
  switch (type.kind) {
    case 'scalar':
      return hiveScalars[type.type];
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'list':
      return `array<${hiveType(type.element)}>`;
    case 'struct':
      return `struct<${type.fields.map(({ name, type: field }) => `${name.toLowerCase()}:${hiveType(field)}`).join(',')}>`;
  }
}

/** Times without a zone and with one are the same type there: microseconds, shown in UTC. */
const hiveScalars: Readonly<Record<ScalarType, string>> = {
  boolean: 'boolean',
  smallint: 'smallint',
  integer: 'int',
  bigint: 'bigint',
  real: 'float',
  'double precision': 'double',
  date: 'date',
  timestamptz: 'timestamp',
  timestamp: 'timestamp',
  text: 'string',
  uuid: 'string',
  jsonb: 'string',
  numeric: 'string',
  time: 'string',
  interval: 'string',
};
