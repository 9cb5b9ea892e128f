// Avro's binary encoding to JSON bytes: a writer's schema is resolved against the reader's once, then every record runs through it.
import { type ByteSink, writeByte, writeBytes } from '#core/expression/run/byte-sink.ts';
import { FormatFault, malformed, SchemaRefused, unfit } from '#core/formats/format-fault.ts';
import { createInput, enter, openInput, type Read, take } from '#core/formats/input.ts';
import { checkSize, labelOf, writeJsonString } from '#core/formats/write-json.ts';
import { defaultBytes } from './default-value.ts';
import { eachItem, readInt, readLength } from './input.ts';
import { fieldsBetween, meaningBetween, promotes, sameName } from './resolution.ts';
import { readScalar } from './scalars.ts';
import {
  type AvroEnum,
  type AvroField,
  type AvroFixed,
  type AvroPrimitive,
  type AvroRecord,
  type AvroType,
  branchNames,
  nullableOf,
  typeTitle,
} from './schema.ts';
import { compileSkip, readBranch } from './skip.ts';

/** Appends the value's JSON to `out`; throws FormatFault, and leaves then to the caller what stands behind `out.length`. */
export type AvroDecoder = (bytes: Uint8Array, start: number, end: number, out: ByteSink) => void;

interface Compile {
  /** By writer and reader: types that lead back to themselves are made once. */
  readonly made: Map<AvroType, Map<AvroType, Read>>;
  readonly skips: Map<AvroType, Read>;
}

/** Throws SchemaRefused where values of the writer can never be read as the reader declares. */
export function compileAvroDecoder(writer: AvroType, reader: AvroType): AvroDecoder {
  const read = compile({ made: new Map(), skips: new Map() }, writer, reader, '');
  const input = createInput();
  return (bytes, start, end, out) => {
    openInput(input, bytes, start, end, out);
    read(input);
    if (input.at !== end) throw malformed(`${end - input.at} bytes are left over behind the value`);
  };
}

function compile(scope: Compile, writer: AvroType, reader: AvroType, at: string): Read {
  const known = scope.made.get(writer) ?? new Map<AvroType, Read>();
  scope.made.set(writer, known);
  const found = known.get(reader);
  if (found !== undefined) return found;
  let made: Read = () => {
    throw unfit('unreadable', `${at || 'the value'}: the schemas do not go together`);
  };
  known.set(reader, (input) => made(input));
  try {
    made = resolve(scope, writer, reader, at);
  } catch (error) {
    known.delete(reader);
    throw error;
  }
  known.set(reader, made);
  return made;
}

function resolve(scope: Compile, writer: AvroType, reader: AvroType, at: string): Read {
  if (writer.kind === 'union') return readUnion(scope, writer.branches, reader, at);
  if (reader.kind === 'union') return readAsBranch(scope, writer, reader, at);
  if (writer.kind === 'record' && reader.kind === 'record' && sameName(writer, reader))
    return readRecord(scope, writer, reader, at);
  if (writer.kind === 'enum' && reader.kind === 'enum' && sameName(writer, reader)) return readEnum(writer, reader);
  if (writer.kind === 'array' && reader.kind === 'array')
    return readArray(compile(scope, writer.items, reader.items, `${at}[]`));
  if (writer.kind === 'map' && reader.kind === 'map')
    return readMap(compile(scope, writer.values, reader.values, `${at}{}`));
  if (isScalar(writer) && isScalar(reader) && promotes(writer, reader)) {
    const meaning = meaningBetween(writer, reader);
    if (meaning.ok) return readScalar(asPromoted(writer, reader), meaning.value.logical, meaning.value.scale);
    throw new SchemaRefused(meaning.problem, at);
  }
  throw new SchemaRefused(`it was written as ${typeTitle(writer)} and cannot be read as ${typeTitle(reader)}`, at);
}

const isScalar = (type: AvroType): type is AvroPrimitive | AvroFixed =>
  !['record', 'enum', 'array', 'map', 'union'].includes(type.kind);

/** Text that is read as bytes, or the other way round, is written as the reader's kind is. */
const asPromoted = (writer: AvroPrimitive | AvroFixed, reader: AvroPrimitive | AvroFixed): AvroPrimitive | AvroFixed =>
  (writer.kind === 'string' || writer.kind === 'bytes') && reader.kind !== 'fixed' ? reader : writer;

function readUnion(scope: Compile, branches: readonly AvroType[], reader: AvroType, at: string): Read {
  const reads = branches.map((branch): Read | string => {
    try {
      return compile(scope, branch, reader, at);
    } catch (error) {
      if (error instanceof SchemaRefused) return error.message;
      throw error;
    }
  });
  const [first] = reads.filter((read) => typeof read === 'string');
  if (first !== undefined && reads.every((read) => typeof read === 'string')) throw new SchemaRefused(first, at);
  return (input) => {
    const read = reads[readBranch(input, reads.length)]!;
    if (typeof read === 'string') throw unfit('unreadable_branch', `${at || 'the value'}: ${read}`);
    read(input);
  };
}

/** A branch of the same kind before one that the value has to be widened to. */
function readAsBranch(scope: Compile, writer: AvroType, reader: AvroType & { kind: 'union' }, at: string): Read {
  const exact = reader.branches.filter((branch) => typeTitle(branch) === typeTitle(writer));
  const plain = nullableOf(reader) !== null;
  const names = branchNames(reader.branches);
  let refused: SchemaRefused | null = null;
  for (const branch of [...exact, ...reader.branches]) {
    try {
      const read = compile(scope, writer, branch, at);
      return plain || branch.kind === 'null' ? read : wrapped(read, names[reader.branches.indexOf(branch)]!);
    } catch (error) {
      if (!(error instanceof SchemaRefused)) throw error;
      refused ??= error;
    }
  }
  throw new SchemaRefused(
    refused === null || refused.at === at
      ? `it was written as ${typeTitle(writer)} and cannot be read as ${reader.branches.map(typeTitle).join(' or ')}`
      : refused.message,
    refused?.at ?? at,
  );
}

/** A union of several types says which it holds: `{"string":"x"}`. */
function wrapped(read: Read, name: string): Read {
  const label = labelOf(name);
  return (input) => {
    enter(input);
    writeByte(input.out, 0x7b);
    writeBytes(input.out, label);
    read(input);
    writeByte(input.out, 0x7d);
    input.depth--;
  };
}

function readEnum(writer: AvroEnum, reader: AvroEnum): Read {
  const texts = writer.symbols.map((symbol) => {
    const known = reader.symbols.includes(symbol) ? symbol : reader.fallback;
    return known === null ? null : new TextEncoder().encode(JSON.stringify(known));
  });
  return (input) => {
    const index = readInt(input);
    const text = texts[index];
    if (text === undefined)
      throw malformed(`enum ${writer.name} has the symbol ${index}, expected 0 to ${texts.length - 1}`);
    if (text === null)
      throw unfit('unknown_symbol', `enum ${reader.name} does not know ${writer.symbols[index]}, and has no default`);
    writeBytes(input.out, text);
  };
}

function readArray(item: Read): Read {
  return (input) => {
    enter(input);
    const { out } = input;
    writeByte(out, 0x5b);
    let first = true;
    eachItem(input, (each) => {
      if (first) first = false;
      else writeByte(out, 0x2c);
      item(each);
      checkSize(out);
    });
    writeByte(out, 0x5d);
    input.depth--;
  };
}

function readMap(value: Read): Read {
  return (input) => {
    enter(input);
    const { out } = input;
    writeByte(out, 0x7b);
    let first = true;
    eachItem(input, (each) => {
      if (first) first = false;
      else writeByte(out, 0x2c);
      const start = take(each, readLength(each, 'a key'), 'a key');
      writeJsonString(out, each.bytes, start, each.at);
      writeByte(out, 0x3a);
      value(each);
      checkSize(out);
    });
    writeByte(out, 0x7d);
    input.depth--;
  };
}

/** A field of the record: passed over, or read behind its label. */
interface Step {
  readonly label: Uint8Array | null;
  readonly read: Read;
}

/** In the writer's order; what the writer does not know comes behind it, as its default. */
function readRecord(scope: Compile, writer: AvroRecord, reader: AvroRecord, at: string): Read {
  const fields = fieldsBetween(writer, reader);
  const taken = new Set<AvroField>();
  const steps = writer.fields.map((written): Step => {
    const field = fields.get(written);
    if (field === undefined) return { label: null, read: compileSkip(written.type, scope.skips) };
    taken.add(field);
    const read = compile(scope, written.type, field.type, at === '' ? field.name : `${at}.${field.name}`);
    return { label: labelAt(taken.size, field), read };
  });
  const defaults = reader.fields
    .filter((field) => !taken.has(field))
    .map((field): Step => {
      const text = defaultJson(field, at);
      taken.add(field);
      return { label: labelAt(taken.size, field), read: (input) => writeBytes(input.out, text) };
    });
  return runSteps([...steps, ...defaults]);
}

const labelAt = (position: number, { name }: AvroField): Uint8Array =>
  position === 1 ? labelOf(name) : new TextEncoder().encode(`,${JSON.stringify(name)}:`);

function runSteps(steps: readonly Step[]): Read {
  return (input) => {
    enter(input);
    const { out } = input;
    writeByte(out, 0x7b);
    for (let index = 0; index < steps.length; index++) {
      const { label, read } = steps[index]!;
      if (label !== null) writeBytes(out, label);
      read(input);
    }
    writeByte(out, 0x7d);
    checkSize(out);
    input.depth--;
  };
}

/** Read by the type's own decoder, so that a default looks as a value does. */
function defaultJson(field: AvroField, at: string): Uint8Array {
  const path = at === '' ? field.name : `${at}.${field.name}`;
  if (field.defaultValue === undefined)
    throw new SchemaRefused('it was written without the field, which has no default', path);
  const bytes = defaultBytes(field.type, field.defaultValue, path);
  const out: ByteSink = { bytes: new Uint8Array(64), length: 0 };
  try {
    compileAvroDecoder(field.type, field.type)(bytes, 0, bytes.length, out);
  } catch (error) {
    if (error instanceof FormatFault) throw new SchemaRefused(`its default cannot be used: ${error.message}`, path);
    throw error;
  }
  return out.bytes.slice(0, out.length);
}
