// Avro's binary encoding to JSON bytes: a writer's schema is resolved against the reader's once, then every record runs through it.
import { type ByteSink, writeByte, writeBytes } from '#core/expression/run/byte-sink.ts';
import { FormatFault, malformed, SchemaRefused, unfit } from '#core/formats/format-fault.ts';
import { createInput, enter, openInput, type Read, take } from '#core/formats/input.ts';
import { SchemaTooLarge, SchemaWalk } from '#core/formats/schema-walk.ts';
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
  type AvroUnion,
  branchNames,
  nullableOf,
  typeTitle,
} from './schema.ts';
import { compileSkip, readBranch, type Skips } from './skip.ts';

/** Appends the value's JSON to `out`; throws FormatFault, and leaves then to the caller what stands behind `out.length`. */
export type AvroDecoder = (bytes: Uint8Array, start: number, end: number, out: ByteSink) => void;

/** How much of what the writer may write has to be readable: `some` branches and symbols at least, or `all` of them. */
export type Demand = 'some' | 'all';

/** Why two types do not go together, and where below them: they may meet again at another place. */
class Refusal {
  readonly message: string;
  readonly below: string;
  constructor({ message, at }: SchemaRefused, from: string) {
    this.message = message;
    this.below = from === '' && at !== '' ? `.${at}` : at.slice(from.length);
  }

  at(place: string): SchemaRefused {
    return new SchemaRefused(this.message, place === '' ? this.below.replace(/^\./, '') : place + this.below);
  }
}

interface Compile {
  readonly demand: Demand;
  readonly walk: SchemaWalk;
  /** By writer and reader: types that lead back to themselves are made once, and those that do not go together refused once. */
  readonly made: Map<AvroType, Map<AvroType, Read | Refusal>>;
  /** What was made, in its order: what was made within a pair that is refused may lead back to it, and is forgotten. */
  readonly trail: (readonly [made: Map<AvroType, Read | Refusal>, reader: AvroType])[];
  readonly skips: Skips;
  readonly names: Map<AvroUnion, readonly string[]>;
  readonly defaults: Map<AvroField, Uint8Array>;
}

/** Throws SchemaRefused where values of the writer can never be read as the reader declares, or not all that are demanded. */
export function compileAvroDecoder(writer: AvroType, reader: AvroType, demand: Demand = 'some'): AvroDecoder {
  const walk = new SchemaWalk();
  const skips = { walk, made: new Map() };
  const maps = { made: new Map(), names: new Map(), defaults: new Map() };
  const scope: Compile = { demand, walk, skips, trail: [], ...maps };
  const read = compile(scope, writer, reader, '');
  const input = createInput();
  return (bytes, start, end, out) => {
    openInput(input, bytes, start, end, out);
    read(input);
    if (input.at !== end) throw malformed(`${end - input.at} bytes are left over behind the value`);
  };
}

function compile(scope: Compile, writer: AvroType, reader: AvroType, at: string): Read {
  const known = scope.made.get(writer) ?? new Map<AvroType, Read | Refusal>();
  scope.made.set(writer, known);
  const found = known.get(reader);
  if (found instanceof Refusal) throw found.at(at);
  if (found !== undefined) return found;
  let made: Read = () => {
    throw unfit('unreadable', `${at || 'the value'}: the schemas do not go together`);
  };
  known.set(reader, (input) => made(input));
  const { length } = scope.trail;
  scope.walk.enter();
  try {
    made = resolve(scope, writer, reader, at);
  } catch (error) {
    for (const [pairs, type] of scope.trail.splice(length)) pairs.delete(type);
    if (error instanceof SchemaRefused) known.set(reader, new Refusal(error, at));
    throw error;
  } finally {
    scope.walk.leave();
  }
  known.set(reader, made);
  scope.trail.push([known, reader]);
  return made;
}

/** What refuses this one try of several; what refuses the schema as a whole goes on. */
function tryCompile(scope: Compile, writer: AvroType, reader: AvroType, at: string): Read | SchemaRefused {
  try {
    return compile(scope, writer, reader, at);
  } catch (error) {
    if (error instanceof SchemaRefused && !(error instanceof SchemaTooLarge)) return error;
    throw error;
  }
}

function resolve(scope: Compile, writer: AvroType, reader: AvroType, at: string): Read {
  if (writer.kind === 'union') return readUnion(scope, writer.branches, reader, at);
  if (reader.kind === 'union') return readAsBranch(scope, writer, reader, at);
  if (writer.kind === 'record' && reader.kind === 'record' && sameName(writer, reader))
    return readRecord(scope, writer, reader, at);
  if (writer.kind === 'enum' && reader.kind === 'enum' && sameName(writer, reader))
    return readEnum(scope.demand, writer, reader, at);
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
  const reads: (Read | string)[] = [];
  let refused: SchemaRefused | null = null;
  for (const branch of branches) {
    const read = tryCompile(scope, branch, reader, at);
    if (read instanceof SchemaRefused) refused ??= read;
    reads.push(read instanceof SchemaRefused ? read.message : read);
  }
  const isRefused = scope.demand === 'all' || reads.every((read) => typeof read === 'string');
  if (refused !== null && isRefused) throw refused;
  return (input) => {
    const read = reads[readBranch(input, reads.length)]!;
    if (typeof read === 'string') throw unfit('unreadable_branch', `${at || 'the value'}: ${read}`);
    read(input);
  };
}

/** A branch of the same name before one that is like it, and one that the value has to be widened to. */
function readAsBranch(scope: Compile, writer: AvroType, reader: AvroUnion, at: string): Read {
  const title = typeTitle(writer);
  const exact = reader.branches.filter((branch) => typeTitle(branch) === title);
  let refused: SchemaRefused | null = null;
  for (const branch of new Set([...exact, ...reader.branches])) {
    const read = tryCompile(scope, writer, branch, at);
    if (read instanceof SchemaRefused) refused ??= read;
    else if (branch.kind === 'null' || nullableOf(reader) !== null) return read;
    else return wrapped(read, namesOf(scope, reader)[reader.branches.indexOf(branch)]!);
  }
  throw new SchemaRefused(
    refused === null || refused.at === at
      ? `it was written as ${title} and cannot be read as ${shownBranches(reader)}`
      : refused.message,
    refused?.at ?? at,
  );
}

const shownBranches = ({ branches }: AvroUnion): string => branches.slice(0, 20).map(typeTitle).join(' or ');

function namesOf({ names }: Compile, union: AvroUnion): readonly string[] {
  const known = names.get(union) ?? branchNames(union.branches);
  names.set(union, known);
  return known;
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

function readEnum(demand: Demand, writer: AvroEnum, reader: AvroEnum, at: string): Read {
  const symbols = new Set(reader.symbols);
  const unknown = reader.fallback === null ? writer.symbols.find((symbol) => !symbols.has(symbol)) : undefined;
  if (demand === 'all' && unknown !== undefined)
    throw new SchemaRefused(`enum ${reader.name} does not know ${unknown}, which was written, and has no default`, at);
  const texts = writer.symbols.map((symbol) => {
    const known = symbols.has(symbol) ? symbol : reader.fallback;
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
  const steps: Step[] = [];
  for (const written of writer.fields) {
    const field = fields.get(written);
    if (field === undefined) steps.push({ label: null, read: compileSkip(scope.skips, written.type) });
    else {
      const read = compile(scope, written.type, field.type, pathOf(at, field));
      taken.add(field);
      steps.push({ label: labelAt(taken.size, field), read });
    }
  }
  for (const field of reader.fields) {
    if (taken.has(field)) continue;
    const text = defaultJson(scope, field, pathOf(at, field));
    taken.add(field);
    steps.push({ label: labelAt(taken.size, field), read: (input) => writeBytes(input.out, text) });
  }
  return runSteps(steps);
}

const pathOf = (at: string, { name }: AvroField): string => (at === '' ? name : `${at}.${name}`);

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
function defaultJson(scope: Compile, field: AvroField, at: string): Uint8Array {
  const known = scope.defaults.get(field);
  if (known !== undefined) return known;
  if (field.defaultValue === undefined)
    throw new SchemaRefused('it was written without the field, which has no default', at);
  const bytes = defaultBytes(scope.walk, field.type, field.defaultValue, at);
  const out: ByteSink = { bytes: new Uint8Array(64), length: 0 };
  const input = createInput();
  openInput(input, bytes, 0, bytes.length, out);
  try {
    compile(scope, field.type, field.type, at)(input);
  } catch (error) {
    if (error instanceof FormatFault) throw new SchemaRefused(`its default cannot be used: ${error.message}`, at);
    throw error;
  }
  const text = out.bytes.slice(0, out.length);
  scope.walk.keepDefault(text.length);
  scope.defaults.set(field, text);
  return text;
}
