// The formats behind one face: what reads and writes values of a schema's type.
import type { ByteSink } from '#core/expression/run/byte-sink.ts';
import type { RegisteredSchema } from '#core/ports/schema-registry.ts';
import { compileAvroDecoder, type Demand } from './avro/decoder.ts';
import { compileAvroEncoder } from './avro/encoder.ts';
import { type AvroType, parseAvroSchema } from './avro/schema.ts';
import { SchemaRefused } from './format-fault.ts';
import { protoReader, protoWriter } from './protobuf/records.ts';

/** Reads what stands in `[start, end)` behind the schema's id, and appends its JSON. Throws FormatFault. */
export type Transcode = (bytes: Uint8Array, start: number, end: number, out: ByteSink) => void;

/** What a stream declares of how its events are read and written. */
export interface DeclaredSchema {
  readonly kind: 'avro' | 'protobuf';
  /** Null: events are read as they were written. */
  readonly schema: string | null;
  readonly message: string | null;
}

/** Throws SchemaRefused where what the writer wrote can never be read as the stream declares. */
export const compileReader = (declared: DeclaredSchema, writer: RegisteredSchema): Transcode =>
  compileDemanded(declared, writer, 'some');

function compileDemanded(declared: DeclaredSchema, writer: RegisteredSchema, demand: Demand): Transcode {
  if (writer.kind !== declared.kind)
    throw new SchemaRefused(`the record was written by a schema in ${writer.kind}, expected ${declared.kind}`);
  if (declared.kind === 'protobuf') return protoReader(declared, writer.text, writer.references);
  const references = writer.references.map(({ text }) => text);
  const written = requireRecord(parseAvroSchema(writer.text, references));
  return compileAvroDecoder(written, declared.schema === null ? written : parseAvroSchema(declared.schema), demand);
}

/** Of a stream that declares a schema. What it appends is to stand behind the schema's id. */
export function compileWriter(declared: DeclaredSchema & { readonly schema: string }): Transcode {
  if (declared.kind === 'protobuf') return protoWriter(declared);
  return compileAvroEncoder(requireRecord(parseAvroSchema(declared.schema)));
}

/** Throws SchemaRefused where nothing can be read or written by the schema: a default that is none shows only here. */
export function requireUsable(declared: DeclaredSchema & { readonly schema: string }): void {
  compileReader(declared, { kind: declared.kind, text: declared.schema, references: [] });
  compileWriter(declared);
}

/** Why not all that `writer` may write can be read by the declared schema; null where it can. */
export function whyUnreadable(
  declared: DeclaredSchema,
  writer: RegisteredSchema,
): { readonly at: string; readonly message: string } | null {
  try {
    compileDemanded(declared, writer, 'all');
    return null;
  } catch (error) {
    if (error instanceof SchemaRefused) return { at: error.at, message: error.message };
    throw error;
  }
}

function requireRecord(type: AvroType): AvroType {
  if (type.kind !== 'record') throw new SchemaRefused(`got ${type.kind}, expected a record: an event is an object`);
  return type;
}
