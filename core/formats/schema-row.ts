// The row that routes are typed against, out of the text of a stream's schema.
import type { RowType } from '#core/expression/types.ts';
import { avroRow } from './avro/row-type.ts';
import { parseAvroSchema } from './avro/schema.ts';
import { SchemaRefused } from './format-fault.ts';

/** Throws SchemaRefused. */
export function rowOfSchema(kind: 'avro' | 'protobuf', text: string, _message: string | null): RowType {
  if (kind !== 'avro') throw new SchemaRefused('not yet');
  const type = parseAvroSchema(text);
  if (type.kind !== 'record') throw new SchemaRefused(`got ${type.kind}, expected a record: an event is an object`);
  return avroRow(type);
}
