// What a message's values are to expressions: the row that routes are typed against.
import type { FieldType, RowType, ScalarType } from '#core/expression/types.ts';
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { limits } from '#core/limits.ts';
import type { ProtoMessage, ProtoType, ScalarKind } from './schema.ts';
import { wellKnownOf } from './well-known.ts';

const jsonb: FieldType = { kind: 'scalar', type: 'jsonb' };

const scalarTypesOf: Readonly<Record<ScalarKind, ScalarType>> = {
  double: 'double precision',
  float: 'real',
  int32: 'integer',
  sint32: 'integer',
  sfixed32: 'integer',
  uint32: 'bigint',
  fixed32: 'bigint',
  int64: 'bigint',
  sint64: 'bigint',
  sfixed64: 'bigint',
  uint64: 'numeric',
  fixed64: 'numeric',
  bool: 'boolean',
  string: 'text',
  bytes: 'text',
};

interface Within {
  readonly messages: readonly ProtoMessage[];
  readonly budget: { left: number };
}

/** Throws SchemaRefused where the row is too large or too deep: types that are named once may be used often, and a row repeats them. */
export function protoRow(message: ProtoMessage): RowType {
  if (message.fields.length === 0) throw new SchemaRefused(`message ${message.name} has no fields`);
  return rowOf(message, { messages: [], budget: { left: limits.schemaNodesMax } });
}

/** A message inside itself is untyped there: rows have an end. */
function rowOf(message: ProtoMessage, { messages, budget }: Within): RowType {
  if (messages.length > limits.recordDepthMax)
    throw new SchemaRefused(`the schema’s messages lie more than ${limits.recordDepthMax} deep in each other`);
  const within = { messages: [...messages, message], budget };
  return message.fields.map(({ name, type, key, repeated }) => {
    if (budget.left-- <= 0) throw new SchemaRefused(`the schema has more than ${limits.schemaNodesMax} fields`);
    if (key !== null) return { name, type: jsonb };
    const one = typeOf(type, within);
    return { name, type: repeated ? { kind: 'array', element: one } : one };
  });
}

function typeOf(type: ProtoType, within: Within): FieldType {
  if (type.kind === 'enum') return { kind: 'scalar', type: 'text' };
  if (type.kind !== 'message') return { kind: 'scalar', type: scalarTypesOf[type.kind] };
  switch (wellKnownOf(type.name)) {
    case 'timestamp':
      return { kind: 'scalar', type: 'timestamptz' };
    case 'duration':
      return { kind: 'scalar', type: 'interval' };
    case 'wrapper':
      return typeOf(type.fields[0]!.type, within);
    case null:
      return within.messages.includes(type) || type.fields.length === 0
        ? jsonb
        : { kind: 'object', fields: rowOf(type, within) };
    default:
      return jsonb;
  }
}
