// Protobuf's wire format to JSON bytes: fields are found first, since they may come in any order and more than once, then written.
import { type ByteSink, writeByte, writeBytes, writeText } from '#core/expression/run/byte-sink.ts';
import { malformed, unfit } from '#core/formats/format-fault.ts';
import { createInput, enter, type Input, openInput } from '#core/formats/input.ts';
import { SchemaWalk } from '#core/formats/schema-walk.ts';
import { checkSize } from '#core/formats/write-json.ts';
import { defaultJson } from './defaults.ts';
import { Frame } from './frame.ts';
import { nameText, readWellKnown } from './read-well-known.ts';
import { type ReadValue, readEnum, readScalar, wireOf, wires, zeroJson } from './scalars.ts';
import type { ProtoEnum, ProtoField, ProtoMessage, ProtoType, ScalarKind } from './schema.ts';
import { readLength, readVarint } from './varint.ts';
import { wellKnownOf } from './well-known.ts';

export type ProtoDecoder = (bytes: Uint8Array, start: number, end: number, out: ByteSink) => void;

export function compileProtoDecoder(message: ProtoMessage): ProtoDecoder {
  const read = compileMessage({ walk: new SchemaWalk(), reads: new Map(), enums: new Map() }, message);
  const input = createInput();
  return (bytes, start, end, out) => {
    openInput(input, bytes, start, end, out);
    read(input, end);
  };
}

export interface Made {
  readonly walk: SchemaWalk;
  readonly reads: Map<ProtoMessage, ReadValue>;
  readonly enums: Map<ProtoEnum, ReadValue>;
}

/** Reads the message that lies from `input.at` to `end`. Throws SchemaTooLarge. */
export function compileMessage(made: Made, message: ProtoMessage): ReadValue {
  const found = made.reads.get(message);
  if (found !== undefined) return found;
  let read: ReadValue = () => {};
  made.reads.set(message, (input, end) => read(input, end));
  made.walk.enter();
  const known = wellKnownOf(message.name);
  read = known === null ? readMessage(made, message) : readWellKnown(known, made, message);
  made.walk.leave();
  made.reads.set(message, read);
  return read;
}

function compileType(made: Made, type: ProtoType): ReadValue {
  if (type.kind === 'message') return compileMessage(made, type);
  if (type.kind !== 'enum') return readScalar(type.kind);
  const known = made.enums.get(type) ?? readEnum(type);
  made.enums.set(type, known);
  return known;
}

interface FieldReader {
  readonly field: ProtoField;
  readonly wire: number;
  readonly label: Uint8Array;
  readonly nextLabel: Uint8Array;
  /** Writes what is there of the field: its occurrences hang together from `first`. */
  readonly write: (input: Input, frame: Frame, first: number) => void;
  /** What stands for a field that is not there; null: nothing does. */
  readonly absent: Uint8Array | null;
}

const encoder = new TextEncoder();

function readMessage(made: Made, message: ProtoMessage): ReadValue {
  const fields: FieldReader[] = [];
  for (const field of message.fields) fields.push(readField(made, field));
  const byNumber = new Map(fields.map(({ field }, index) => [field.number, index]));
  const spare: Frame[] = [];
  return (input, end) => {
    enter(input);
    const frame = spare.pop() ?? new Frame(fields.length);
    frame.clear();
    collect(input, end, fields, byNumber, frame);
    const { out } = input;
    writeByte(out, 0x7b);
    let isFirst = true;
    for (let index = 0; index < fields.length; index++) {
      const { write, absent, label, nextLabel, field } = fields[index]!;
      const first = frame.heads[index]!;
      if (first < 0 && absent === null) {
        if (field.presence === 'required')
          throw unfit('missing_field', `${message.name}: the required field ${field.name} is missing`);
        continue;
      }
      writeBytes(out, isFirst ? label : nextLabel);
      isFirst = false;
      if (first < 0) writeBytes(out, absent!);
      else write(input, frame, first);
    }
    writeByte(out, 0x7d);
    checkSize(out);
    input.at = end;
    input.depth--;
    spare.push(frame);
  };
}

/** Notes where each field's values lie; of alternatives only the last counts. Fields that are not known are passed over. */
function collect(
  input: Input,
  end: number,
  fields: readonly FieldReader[],
  byNumber: ReadonlyMap<number, number>,
  frame: Frame,
): void {
  while (input.at < end) {
    const tag = readVarint(input, end);
    if (typeof tag === 'bigint' || tag > 0xffff_ffff || tag < 8) throw malformed(`a field has the tag ${tag}`);
    const wire = tag % 8;
    const index = byNumber.get((tag - wire) / 8);
    const start = valueStart(input, end, wire, (tag - wire) / 8);
    if (index === undefined) continue;
    const { field, wire: expected } = fields[index]!;
    if (wire !== expected && !(wire === wires.bytes && field.repeated && expected !== wires.bytes))
      throw unfit('misfit', `field ${field.name} was written with wire type ${wire}, expected ${expected}`);
    if (field.oneof !== null) frame.choose(field.oneof, index);
    frame.add(index, start, input.at, wire);
  }
}

/** Passes over the value; gives where it begins. */
function valueStart(input: Input, end: number, wire: number, number: number): number {
  switch (wire) {
    case wires.varint: {
      const start = input.at;
      readVarint(input, end);
      return start;
    }
    case wires.fixed64:
    case wires.fixed32: {
      const size = wire === wires.fixed64 ? 8 : 4;
      if (end - input.at < size) throw malformed('a number is cut short');
      input.at += size;
      return input.at - size;
    }
    case wires.bytes: {
      const length = readLength(input, end);
      input.at += length;
      return input.at - length;
    }
    case wires.startGroup: {
      const start = input.at;
      skipGroup(input, end, number);
      return start;
    }
    default:
      throw malformed(`a field has wire type ${wire}`);
  }
}

function skipGroup(input: Input, end: number, number: number): void {
  enter(input);
  for (;;) {
    const tag = readVarint(input, end);
    if (typeof tag === 'bigint' || tag < 8) throw malformed(`a field has the tag ${tag}`);
    const wire = tag % 8;
    if (wire === wires.endGroup) {
      if ((tag - wire) / 8 !== number) throw malformed('a group ends that did not begin');
      input.depth--;
      return;
    }
    valueStart(input, end, wire, (tag - wire) / 8);
  }
}

function readField(made: Made, field: ProtoField): FieldReader {
  const { name, type, key, repeated, presence } = field;
  const base = {
    ...{ field, wire: key === null ? wireOf(type.kind) : wires.bytes },
    label: encoder.encode(`${JSON.stringify(name)}:`),
    nextLabel: encoder.encode(`,${JSON.stringify(name)}:`),
  };
  const value = compileType(made, type);
  if (key !== null) return { ...base, write: writeMap(key, value, type), absent: encoder.encode('{}') };
  if (repeated) return { ...base, write: writeList(value, base.wire), absent: encoder.encode('[]') };
  const zero =
    presence === 'implicit' && type.kind !== 'message' ? zeroJson(type.kind, type.kind === 'enum' ? type : null) : null;
  const absent = field.defaultText === null ? zero : defaultJson(field);
  const write = type.kind === 'message' ? writeMerged(value) : writeLast(value);
  return { ...base, write, absent: absent === null ? null : encoder.encode(absent) };
}

const writeLast =
  (value: ReadValue): FieldReader['write'] =>
  (input, frame, first) => {
    const last = frame.last(first);
    input.at = frame.starts[last]!;
    value(input, frame.ends[last]!);
  };

/** A message that is there in several pieces is what the pieces are behind one another. */
function writeMerged(value: ReadValue): FieldReader['write'] {
  const once = writeLast(value);
  return (input, frame, first) => {
    if (frame.nexts[first]! < 0) return once(input, frame, first);
    const pieces: Uint8Array[] = [];
    for (let at = first; at >= 0; at = frame.nexts[at]!)
      pieces.push(input.bytes.slice(frame.starts[at], frame.ends[at]));
    const whole = Buffer.concat(pieces);
    const inner = createInput();
    openInput(inner, whole, 0, whole.length, input.out);
    inner.depth = input.depth;
    value(inner, whole.length);
  };
}

function writeList(value: ReadValue, wire: number): FieldReader['write'] {
  return (input, frame, first) => {
    const { out } = input;
    writeByte(out, 0x5b);
    let isFirst = true;
    for (let at = first; at >= 0; at = frame.nexts[at]!) {
      const end = frame.ends[at]!;
      input.at = frame.starts[at]!;
      const isPacked = frame.wires[at] !== wire;
      do {
        if (isPacked && input.at >= end) break;
        if (isFirst) isFirst = false;
        else writeByte(out, 0x2c);
        value(input, end);
        checkSize(out);
      } while (isPacked);
    }
    writeByte(out, 0x5d);
  };
}

/** Entries are messages of two fields; of those with one key the last counts. */
function writeMap(key: ScalarKind, value: ReadValue, type: ProtoType): FieldReader['write'] {
  const missing = type.kind === 'message' ? null : zeroJson(type.kind, type.kind === 'enum' ? type : null);
  const readKey = readScalar(key);
  const frameOfEntry = new Frame(2);
  return (input, frame, first) => {
    const entries = new Map<string, readonly [number, number]>();
    for (let at = first; at >= 0; at = frame.nexts[at]!) {
      input.at = frame.starts[at]!;
      frameOfEntry.clear();
      collectEntry(input, frame.ends[at]!, frameOfEntry);
      const name = keyText(input, frameOfEntry, key, readKey);
      const place = frameOfEntry.heads[1]! < 0 ? -1 : frameOfEntry.last(frameOfEntry.heads[1]!);
      entries.delete(name);
      entries.set(name, place < 0 ? [0, -1] : [frameOfEntry.starts[place]!, frameOfEntry.ends[place]!]);
    }
    writeEntries(input, entries, value, missing);
  };
}

function writeEntries(
  input: Input,
  entries: ReadonlyMap<string, readonly [number, number]>,
  value: ReadValue,
  missing: string | null,
): void {
  const { out } = input;
  let separator = '{';
  for (const [name, [start, end]] of entries) {
    writeText(out, `${separator}${name}:`);
    separator = ',';
    if (end < 0 && missing !== null) writeText(out, missing);
    else {
      input.at = Math.max(start, 0);
      value(input, end < 0 ? input.at : end);
    }
    checkSize(out);
  }
  writeText(out, separator === '{' ? '{}' : '}');
}

function collectEntry(input: Input, end: number, frame: Frame): void {
  while (input.at < end) {
    const tag = readVarint(input, end);
    if (typeof tag === 'bigint' || tag < 8) throw malformed(`a field has the tag ${tag}`);
    const wire = tag % 8;
    const start = valueStart(input, end, wire, (tag - wire) / 8);
    const number = (tag - wire) / 8;
    if (number === 1 || number === 2) frame.add(number - 1, start, input.at, wire);
  }
}

/** As a JSON name, quotes included. */
function keyText(input: Input, frame: Frame, kind: ScalarKind, read: ReadValue): string {
  const head = frame.heads[0]!;
  if (head < 0) return kind === 'string' ? '""' : `"${zeroJson(kind, null)}"`;
  const last = frame.last(head);
  input.at = frame.starts[last]!;
  if (kind === 'string') return nameText(input, frame.ends[last]!);
  const scratch: ByteSink = { bytes: new Uint8Array(24), length: 0 };
  const { out } = input;
  input.out = scratch;
  read(input, frame.ends[last]!);
  input.out = out;
  return `"${new TextDecoder().decode(scratch.bytes.subarray(0, scratch.length))}"`;
}
