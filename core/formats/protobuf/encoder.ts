// JSON bytes to Protobuf's wire format: members are written as they come, since fields may stand in any order.
import { type ByteSink, writeBytes } from '#core/expression/run/byte-sink.ts';
import { unfit } from '#core/formats/format-fault.ts';
import { type Encoding, encodeWith, enterJson, type Write } from '#core/formats/json-encoding.ts';
import { isNamed, isNull, misfit, readText } from '#core/formats/read-json.ts';
import { SchemaWalk } from '#core/formats/schema-walk.ts';
import { skipSpace, stringEnd } from '#core/operators/run/json-bytes.ts';
import { eachElementAt, eachMember, tagBytes, withLength } from './encoder-parts.ts';
import { Members } from './members.ts';
import { wireOf, wires } from './scalars.ts';
import type { ProtoField, ProtoMessage, ProtoType } from './schema.ts';
import { wellKnownOf } from './well-known.ts';
import { writeEnum, writeScalar, writeScalarKey } from './write-scalars.ts';
import { writeWellKnown } from './write-well-known.ts';

export type ProtoEncoder = (bytes: Uint8Array, start: number, end: number, out: ByteSink) => void;

export interface MadeWrites {
  readonly walk: SchemaWalk;
  readonly writes: Map<ProtoMessage, Write>;
}

export const compileProtoEncoder = (message: ProtoMessage): ProtoEncoder =>
  encodeWith(compileMessageWrite({ walk: new SchemaWalk(), writes: new Map() }, message, ''));

/** Writes a message's fields, without its length. Throws SchemaTooLarge. */
export function compileMessageWrite(made: MadeWrites, message: ProtoMessage, at: string): Write {
  const found = made.writes.get(message);
  if (found !== undefined) return found;
  let write: Write = () => 0;
  made.writes.set(message, (encoding, from) => write(encoding, from));
  made.walk.enter();
  const known = wellKnownOf(message.name);
  // A message is made once, wherever it is used, so what is said of its fields names the message and no place.
  const title = at === '' ? '' : message.name.slice(message.name.lastIndexOf('.') + 1);
  write = known === null ? writeMessage(made, message, title) : writeWellKnown(known, message, title);
  made.walk.leave();
  made.writes.set(message, write);
  return write;
}

interface FieldWriter {
  readonly index: number;
  readonly field: ProtoField;
  readonly write: Write;
}

function writeMessage(made: MadeWrites, message: ProtoMessage, title: string): Write {
  const byName = new Map<string, FieldWriter>();
  for (const [index, field] of message.fields.entries()) {
    const path = title === '' ? field.name : `${title}.${field.name}`;
    const writer = { index, field, write: fieldWrite(made, field, path) };
    byName.set(field.name, writer);
    if (!byName.has(field.jsonName)) byName.set(field.jsonName, writer);
  }
  const what = title || message.name;
  const inOrder = message.fields.map(({ name }) => byName.get(name)!);
  const names = message.fields.map(({ name }) => new TextEncoder().encode(name));
  const members = new Members(message, what);
  return (encoding, from) => {
    const { bytes, end } = encoding;
    if (bytes[from] !== 0x7b) throw misfit(title, `an object (${message.name})`, bytes, from, end);
    enterJson(encoding);
    const seen = members.open();
    let next = skipSpace(bytes, from + 1);
    let expected = 0;
    let isOpen = bytes[next] !== 0x7d;
    while (isOpen) {
      // Members that come in the schema's order are known by their bytes.
      let writer = expected < names.length && isNamed(bytes, next, names[expected]!) ? inOrder[expected]! : null;
      const nameEnd = writer === null ? stringEnd(bytes, next) : next + names[expected]!.length + 2;
      writer ??= fieldNamed(byName, readText(bytes, next, nameEnd), what);
      expected = writer.index + 1;
      const at = skipSpace(bytes, skipSpace(bytes, nameEnd) + 1);
      const isNothing = isNull(bytes, at) && !holdsNull(writer.field.type);
      members.add(seen, writer.index, isNothing);
      next = skipSpace(bytes, isNothing ? at + 4 : writer.write(encoding, at));
      isOpen = bytes[next] === 0x2c;
      if (isOpen) next = skipSpace(bytes, next + 1);
    }
    members.close(seen);
    encoding.depth--;
    return next + 1;
  };
}

function fieldNamed(byName: ReadonlyMap<string, FieldWriter>, name: string, what: string): FieldWriter {
  const writer = byName.get(name);
  if (writer !== undefined) return writer;
  throw unfit('unknown_field', `${what}: the schema has no field ${JSON.stringify(name)}; leave it out in select`);
}

const holdsNull = (type: ProtoType): boolean => type.kind === 'message' && wellKnownOf(type.name) === 'value';

/** The value alone: a message with its length before it. */
function typeWrite(made: MadeWrites, type: ProtoType, at: string): Write {
  if (type.kind === 'enum') return writeEnum(type, at);
  if (type.kind !== 'message') return writeScalar(type.kind, at);
  const write = compileMessageWrite(made, type, at);
  return (encoding, from) => withLength(encoding, () => write(encoding, from));
}

function fieldWrite(made: MadeWrites, field: ProtoField, at: string): Write {
  const { type, number, key, repeated, packed, presence } = field;
  const write = typeWrite(made, type, at);
  if (key !== null) return mapWrite(field, write, writeScalarKey(key, at), at);
  const tag = tagBytes(number, wireOf(type.kind));
  if (repeated) return packed ? packedWrite(tagBytes(number, wires.bytes), write, at) : listWrite(tag, write, at);
  return presence === 'implicit' ? implicitWrite(tag, write, field) : taggedWrite(tag, write);
}

const taggedWrite =
  (tag: Uint8Array, write: Write): Write =>
  (encoding, from) => {
    writeBytes(encoding.out, tag);
    return write(encoding, from);
  };

/** A zero that need not be there is left out, as other writers do. */
function implicitWrite(tag: Uint8Array, write: Write, { type }: ProtoField): Write {
  const zeros =
    type.kind === 'double' || type.kind === 'fixed64' || type.kind === 'sfixed64'
      ? 8
      : type.kind === 'float' || type.kind === 'fixed32' || type.kind === 'sfixed32'
        ? 4
        : 1;
  return (encoding, from) => {
    const { out } = encoding;
    const start = out.length;
    writeBytes(out, tag);
    const valueAt = out.length;
    const behind = write(encoding, from);
    if (out.length - valueAt === zeros && out.bytes.subarray(valueAt, out.length).every((byte) => byte === 0))
      out.length = start;
    return behind;
  };
}

function listWrite(tag: Uint8Array, write: Write, at: string): Write {
  return (encoding, from) => {
    const { bytes, end } = encoding;
    if (bytes[from] !== 0x5b) throw misfit(at, 'a list', bytes, from, end);
    return eachElementAt(encoding, from, (element) => {
      writeBytes(encoding.out, tag);
      return write(encoding, element);
    });
  };
}

function packedWrite(tag: Uint8Array, write: Write, at: string): Write {
  return (encoding, from) => {
    const { bytes, end, out } = encoding;
    if (bytes[from] !== 0x5b) throw misfit(at, 'a list', bytes, from, end);
    const first = skipSpace(bytes, from + 1);
    if (bytes[first] === 0x5d) return first + 1;
    writeBytes(out, tag);
    return withLength(encoding, () => eachElementAt(encoding, from, (element) => write(encoding, element)));
  };
}

function mapWrite(
  field: ProtoField,
  write: Write,
  writeKey: (encoding: Encoding, name: string) => void,
  at: string,
): Write {
  const tag = tagBytes(field.number, wires.bytes);
  const keyTag = tagBytes(1, wireOf(field.key!));
  const valueTag = tagBytes(2, wireOf(field.type.kind));
  return (encoding, from) => {
    const { bytes, end, out } = encoding;
    if (bytes[from] !== 0x7b) throw misfit(at, 'an object', bytes, from, end);
    return eachMember(encoding, from, at, (name, valueAt) => {
      writeBytes(out, tag);
      return withLength(encoding, () => {
        writeBytes(out, keyTag);
        writeKey(encoding, name);
        writeBytes(out, valueTag);
        return write(encoding, valueAt);
      });
    });
  };
}
