// Records in Protobuf: behind the schema's id stands which of its messages the record is, then the message.
import { type ByteSink, writeBytes } from '#core/expression/run/byte-sink.ts';
import { FormatFault, malformed, SchemaRefused } from '#core/formats/format-fault.ts';
import { createInput, type Input, openInput } from '#core/formats/input.ts';
import { limits } from '#core/limits.ts';
import type { SchemaText } from '#core/ports/schema-registry.ts';
import { requireReadable } from './compatibility.ts';
import { compileProtoDecoder, type ProtoDecoder } from './decoder.ts';
import { compileProtoEncoder } from './encoder.ts';
import { allMessages, indexesOf, messageNamed, readProto } from './resolve.ts';
import type { ProtoMessage } from './schema.ts';
import { readVarint, writeVarint, zigzag } from './varint.ts';

type Transcode = (bytes: Uint8Array, start: number, end: number, out: ByteSink) => void;

export interface ProtoDeclared {
  readonly schema: string | null;
  readonly message: string | null;
}

/** Throws SchemaRefused where no message of the writer's can be read as the stream declares. */
export function protoReader(declared: ProtoDeclared, text: string, references: readonly SchemaText[]): Transcode {
  const file = readProto(text, references);
  const reader = declared.schema === null ? null : readerOf(declared.schema, declared.message);
  if (reader !== null) requireReadable(namedLike(file.messages, reader.message), reader.message);
  const decoders = new Map<string, ProtoDecoder | FormatFault>();
  const input = createInput();
  return (bytes, start, end, out) => {
    openInput(input, bytes, start, end, out);
    const path = readIndexes(input, end);
    const key = path.join();
    const known = decoders.get(key) ?? compileFor(messageAt(file.messages, path), reader);
    decoders.set(key, known);
    if (known instanceof FormatFault) throw known;
    known(bytes, input.at, end, out);
  };
}

/** What the stream declares that its records are. */
interface Reader {
  readonly message: ProtoMessage;
  readonly decode: ProtoDecoder;
}

function readerOf(schema: string, name: string | null): Reader {
  const message = messageNamed(readProto(schema), name);
  return { message, decode: compileProtoDecoder(message) };
}

/** The writer's message of the reader's name; its first where there is none. */
function namedLike(messages: readonly ProtoMessage[], reader: ProtoMessage): ProtoMessage {
  const name = shortName(reader);
  return allMessages(messages).find((message) => shortName(message) === name) ?? messages[0]!;
}

const shortName = ({ name }: ProtoMessage): string => name.slice(name.lastIndexOf('.') + 1);

function compileFor(written: ProtoMessage, reader: Reader | null): ProtoDecoder | FormatFault {
  if (reader !== null && shortName(written) !== shortName(reader.message))
    return new FormatFault(
      'schema',
      'other_message',
      `the record is a ${written.name}, the stream’s are ${reader.message.name}`,
    );
  try {
    if (reader === null) return compileProtoDecoder(written);
    requireReadable(written, reader.message);
    return reader.decode;
  } catch (error) {
    if (!(error instanceof SchemaRefused)) throw error;
    return new FormatFault(
      'schema',
      'incompatible_schema',
      `${error.at === '' ? '' : `field ${error.at}: `}${error.message}`,
    );
  }
}

/** `0` alone stands for the first message; else a count, then the place at each level. */
function readIndexes(input: Input, end: number): readonly number[] {
  const count = readIndex(input, end);
  if (count === 0) return [0];
  if (count > limits.documentDepthMax) throw malformed(`a message lies ${count} levels deep`);
  return Array.from({ length: count }, () => readIndex(input, end));
}

function readIndex(input: Input, end: number): number {
  const raw = readVarint(input, end);
  if (typeof raw === 'bigint' || raw % 2 !== 0) throw malformed(`a message’s place is ${raw}`);
  return raw / 2;
}

function messageAt(messages: readonly ProtoMessage[], path: readonly number[]): ProtoMessage {
  let found: ProtoMessage | undefined;
  let level = messages;
  for (const index of path) {
    found = level[index];
    if (found === undefined) throw malformed(`the schema has no message at ${path.join('.')}`);
    level = found.nested;
  }
  return found!;
}

export function protoWriter(declared: { readonly schema: string; readonly message: string | null }): Transcode {
  const file = readProto(declared.schema);
  const message = messageNamed(file, declared.message);
  const encode = compileProtoEncoder(message);
  const prefix = indexBytes(indexesOf(file.messages, message)!);
  return (bytes, start, end, out) => {
    writeBytes(out, prefix);
    encode(bytes, start, end, out);
  };
}

function indexBytes(path: readonly number[]): Uint8Array {
  const out: ByteSink = { bytes: new Uint8Array(16), length: 0 };
  if (path.length === 1 && path[0] === 0) return Uint8Array.of(0);
  writeVarint(out, zigzag(path.length));
  for (const index of path) writeVarint(out, zigzag(index));
  return out.bytes.slice(0, out.length);
}
