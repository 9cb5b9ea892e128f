// The row that routes are typed against, out of the text of a stream's schema.
import type { RowType } from '#core/expression/types.ts';
import { avroRow } from './avro/row-type.ts';
import { parseAvroSchema } from './avro/schema.ts';
import { SchemaRefused } from './format-fault.ts';
import { messageNamed, readProto } from './protobuf/resolve.ts';
import { protoRow } from './protobuf/row-type.ts';

/** Throws SchemaRefused. */
export function rowOfSchema(kind: 'avro' | 'protobuf', text: string, message: string | null): RowType {
  if (kind === 'protobuf') return protoRow(messageNamed(readProto(text), message));
  const type = parseAvroSchema(text);
  if (type.kind !== 'record') throw new SchemaRefused(`got ${type.kind}, expected a record: an event is an object`);
  return avroRow(type);
}
