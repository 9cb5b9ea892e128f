// What an Avro schema's values are to expressions: the row that routes are typed against.
import type { FieldType, RowType, ScalarType } from '#core/expression/types.ts';
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { limits } from '#core/limits.ts';
import { type AvroRecord, type AvroType, branchNames, type Logical, nullableOf } from './schema.ts';

const jsonb: FieldType = { kind: 'scalar', type: 'jsonb' };
const scalar = (type: ScalarType): FieldType => ({ kind: 'scalar', type });

/** Throws SchemaRefused where the row is too large or too deep: types that are named once may be used often, and a row repeats them. */
export function avroRow(record: AvroRecord): RowType {
  return rowOf(record, { records: [], depth: 0, budget: { left: limits.schemaNodesMax } });
}

interface Within {
  readonly records: readonly AvroRecord[];
  readonly depth: number;
  readonly budget: { left: number };
}

/** A type inside itself is untyped there: rows have an end. */
function rowOf(record: AvroRecord, { records, depth, budget }: Within): RowType {
  if (depth > limits.recordDepthMax)
    throw new SchemaRefused(`the schema’s types lie more than ${limits.recordDepthMax} deep in each other`);
  const within = { records: [...records, record], depth: depth + 1, budget };
  return record.fields.map(({ name, type }) => {
    if (budget.left-- <= 0) throw new SchemaRefused(`the schema has more than ${limits.schemaNodesMax} fields`);
    return { name, type: typeOf(type, within) };
  });
}

const logicalTypes: Readonly<Partial<Record<Logical, ScalarType>>> = {
  date: 'date',
  'time-millis': 'time',
  'time-micros': 'time',
  'timestamp-millis': 'timestamptz',
  'timestamp-micros': 'timestamptz',
  'timestamp-nanos': 'timestamptz',
  'local-timestamp-millis': 'timestamp',
  'local-timestamp-micros': 'timestamp',
  'local-timestamp-nanos': 'timestamp',
  uuid: 'uuid',
  duration: 'interval',
  decimal: 'numeric',
};

const plainTypes = {
  null: 'jsonb',
  boolean: 'boolean',
  int: 'integer',
  long: 'bigint',
  float: 'real',
  double: 'double precision',
  bytes: 'text',
  string: 'text',
  fixed: 'text',
} as const;

function typeOf(type: AvroType, within: Within): FieldType {
  switch (type.kind) {
    case 'record':
      return within.records.includes(type) || type.fields.length === 0
        ? jsonb
        : { kind: 'object', fields: rowOf(type, within) };
    case 'enum':
      return scalar('text');
    case 'array':
      return { kind: 'array', element: typeOf(type.items, { ...within, depth: within.depth + 1 }) };
    case 'map':
      return jsonb;
    case 'union': {
      const nullable = nullableOf(type);
      return nullable === null ? branchesOf(type.branches, within) : typeOf(nullable.type, within);
    }
    default:
      return scalar((type.logical === null ? undefined : logicalTypes[type.logical]) ?? plainTypes[type.kind]);
  }
}

/** A union of several: an object with the branch that is there as its one member. */
function branchesOf(branches: readonly AvroType[], within: Within): FieldType {
  const names = branchNames(branches);
  const fields = branches.flatMap((branch, index) =>
    branch.kind === 'null' ? [] : [{ name: names[index]!, type: typeOf(branch, within) }],
  );
  return fields.length === 0 ? jsonb : { kind: 'object', fields };
}
