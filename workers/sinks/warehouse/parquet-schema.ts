// A table's columns as the elements of a Parquet schema. Every column may be NULL.
import type { SchemaElement } from 'hyparquet-writer';
import type { ScalarType } from '#core/expression/types.ts';
import type { ColumnType, TableColumn } from '#core/warehouse/table-columns.ts';

export const parquetSchema = (columns: readonly TableColumn[]): SchemaElement[] => [
  { name: 'root', num_children: columns.length },
  ...columns.flatMap(({ name, type }) => elementsOf(name, type)),
];

function elementsOf(name: string, type: ColumnType): readonly SchemaElement[] {
  switch (type.kind) {
    case 'scalar':
      return [{ name, repetition_type: 'OPTIONAL', ...scalarElement(type.type) }];
    case 'decimal': {
      const { precision, scale } = type;
      const physical = decimalElement(precision);
      return [{ name, repetition_type: 'OPTIONAL', converted_type: 'DECIMAL', precision, scale, ...physical }];
    }
    case 'list':
      return [
        { name, repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        ...elementsOf('element', type.element),
      ];
    case 'struct':
      return [
        { name, repetition_type: 'OPTIONAL', num_children: type.fields.length },
        ...type.fields.flatMap((field) => elementsOf(field.name, field.type)),
      ];
  }
}

type Physical = Pick<SchemaElement, 'type' | 'type_length' | 'converted_type' | 'logical_type'>;

/** The smallest that holds every value of the precision. */
function decimalElement(precision: number): Physical {
  if (precision <= 9) return { type: 'INT32' };
  if (precision <= 18) return { type: 'INT64' };
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16 };
}

function scalarElement(type: ScalarType): Physical {
  switch (type) {
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'smallint':
      return { type: 'INT32', converted_type: 'INT_16' };
    case 'integer':
      return { type: 'INT32' };
    case 'bigint':
      return { type: 'INT64' };
    case 'real':
      return { type: 'FLOAT' };
    case 'double precision':
      return { type: 'DOUBLE' };
    case 'date':
      return { type: 'INT32', converted_type: 'DATE' };
    case 'timestamptz': {
      const logical = { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } as const;
      return { type: 'INT64', converted_type: 'TIMESTAMP_MICROS', logical_type: logical };
    }
    case 'timestamp':
      return { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' } };
    case 'text':
    case 'uuid':
    case 'jsonb':
    case 'numeric':
    case 'time':
    case 'interval':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
  }
}
