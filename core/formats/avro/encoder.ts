// JSON bytes to Avro's binary encoding: the schema is compiled once, then every event runs through it.
import { type ByteSink, ensureRoom, writeByte, writeSlice } from '#core/expression/run/byte-sink.ts';
import { decodeText } from '#core/expression/run/decode.ts';
import { unfit } from '#core/formats/format-fault.ts';
import { type Encoding, encodeWith, enterJson, type Write } from '#core/formats/json-encoding.ts';
import { isNamed, isNull, misfit, quote, readText } from '#core/formats/read-json.ts';
import { SchemaWalk } from '#core/formats/schema-walk.ts';
import { hasEscape, skipSpace, stringEnd, valueEnd } from '#core/operators/run/json-bytes.ts';
import { defaultBytes } from './default-value.ts';
import { writeLong } from './output.ts';
import {
  type AvroEnum,
  type AvroField,
  type AvroType,
  type AvroUnion,
  branchNames,
  nullableOf,
  shortName,
  typeTitle,
} from './schema.ts';
import { writeUtf8 } from './text.ts';
import { writeScalar } from './write-scalars.ts';

/** Appends the value's bytes to `out`; the JSON is known to be well formed. Throws FormatFault where it does not fit the schema. */
export type AvroEncoder = (bytes: Uint8Array, start: number, end: number, out: ByteSink) => void;

interface Compile {
  readonly walk: SchemaWalk;
  readonly made: Map<AvroType, Write>;
  readonly indices: Map<AvroEnum, ReadonlyMap<string, number>>;
}

/** Throws SchemaRefused where a default is no value of its field, and where the schema asks for too much. */
export const compileAvroEncoder = (type: AvroType): AvroEncoder =>
  encodeWith(compile({ walk: new SchemaWalk(), made: new Map(), indices: new Map() }, type, ''));

function compile(scope: Compile, type: AvroType, at: string): Write {
  if (type.kind !== 'record') return make(scope, type, at);
  const found = scope.made.get(type);
  if (found !== undefined) return found;
  let write: Write = () => 0;
  scope.made.set(type, (encoding, from) => write(encoding, from));
  // A record is made once, wherever it is used, so what is said of its fields names the record and no place.
  write = make(scope, type, at === '' ? '' : shortName(type.name));
  scope.made.set(type, write);
  return write;
}

function make(scope: Compile, type: AvroType, at: string): Write {
  scope.walk.enter();
  const write = makeWrite(scope, type, at);
  scope.walk.leave();
  return write;
}

function makeWrite(scope: Compile, type: AvroType, at: string): Write {
  switch (type.kind) {
    case 'record': {
      const fields: FieldWriter[] = [];
      for (const { name, type: own, defaultValue } of type.fields) {
        const path = at === '' ? name : `${at}.${name}`;
        const missing = missingBytes(scope.walk, own, defaultValue, path);
        fields.push({ name, path, write: compile(scope, own, path), missing });
      }
      return writeRecord(type.name, fields, at);
    }
    case 'enum':
      return writeEnum(scope, type, at);
    case 'array':
      return writeArray(compile(scope, type.items, `${at}[]`), at);
    case 'map':
      return writeMap(compile(scope, type.values, `${at}{}`), at);
    case 'union':
      return writeUnion(scope, type, at);
    default:
      return writeScalar(type, at);
  }
}

function writeEnum({ indices }: Compile, type: AvroEnum, at: string): Write {
  const known = indices.get(type) ?? new Map(type.symbols.map((symbol, index) => [symbol, index]));
  indices.set(type, known);
  return (encoding, from) => {
    const { bytes, end, out } = encoding;
    const to = bytes[from] === quote ? stringEnd(bytes, from) : -1;
    const index = to < 0 ? undefined : known.get(readText(bytes, from, to));
    if (index === undefined) throw misfit(at, `one of ${type.symbols.slice(0, 20).join(', ')}`, bytes, from, end);
    writeLong(out, index);
    return to;
  };
}

/** What stands for a field that the event lacks: its default, else null where it may be that, else nothing does. */
function missingBytes(walk: SchemaWalk, type: AvroType, defaultValue: AvroField['defaultValue'], at: string) {
  const isOptional =
    type.kind === 'null' || (type.kind === 'union' && type.branches.some(({ kind }) => kind === 'null'));
  if (defaultValue === undefined && !isOptional) return null;
  const bytes = defaultBytes(walk, type, defaultValue === undefined ? null : defaultValue, at);
  walk.keepDefault(bytes.length);
  return bytes;
}

function writeUnion(scope: Compile, type: AvroUnion, at: string): Write {
  const nullIndex = type.branches.findIndex(({ kind }) => kind === 'null');
  const nullable = nullableOf(type);
  if (nullable !== null) {
    const write = compile(scope, nullable.type, at);
    return (encoding, from) => {
      const holdsNull = isNull(encoding.bytes, from);
      writeLong(encoding.out, holdsNull ? nullIndex : nullable.index);
      return holdsNull ? from + 4 : write(encoding, from);
    };
  }
  const names = branchNames(type.branches);
  const branches = new Map<string, { index: number; write: Write }>();
  for (const [index, branch] of type.branches.entries()) {
    const entry = { index, write: compile(scope, branch, at) };
    branches.set(typeTitle(branch), entry);
    branches.set(names[index]!, entry);
  }
  return writeBranch(
    branches,
    nullIndex,
    `{"${names.find((name) => name !== 'null')}": …}, or another of ${names.join(', ')}`,
    at,
  );
}

/** `{"string":"x"}`: the one member names the type. */
function writeBranch(
  branches: ReadonlyMap<string, { readonly index: number; readonly write: Write }>,
  nullIndex: number,
  expected: string,
  at: string,
): Write {
  return (encoding, from) => {
    const { bytes, end, out } = encoding;
    if (isNull(bytes, from) && nullIndex >= 0) {
      writeLong(out, nullIndex);
      return from + 4;
    }
    const open = bytes[from] === 0x7b ? skipSpace(bytes, from + 1) : -1;
    if (open < 0 || bytes[open] !== quote) throw misfit(at, expected, bytes, from, end);
    const nameEnd = stringEnd(bytes, open);
    const branch = branches.get(readText(bytes, open, nameEnd));
    if (branch === undefined) throw misfit(at, expected, bytes, open, end);
    enterJson(encoding);
    writeLong(out, branch.index);
    const behind = branch.write(encoding, skipSpace(bytes, skipSpace(bytes, nameEnd) + 1));
    const close = skipSpace(bytes, behind);
    if (bytes[close] !== 0x7d) throw unfit('misfit', `${at || 'the value'}: a union holds one value, got several`);
    encoding.depth--;
    return close + 1;
  };
}

function writeArray(item: Write, at: string): Write {
  return (encoding, from) => {
    const { bytes, end, out } = encoding;
    if (bytes[from] !== 0x5b) throw misfit(at, 'a list', bytes, from, end);
    enterJson(encoding);
    let next = skipSpace(bytes, from + 1);
    const countAt = out.length;
    let count = 0;
    if (bytes[next] === 0x5d) next++;
    else
      for (let going = true; going; count++) {
        next = skipSpace(bytes, item(encoding, next));
        going = bytes[next] === 0x2c;
        next = going ? skipSpace(bytes, next + 1) : next + 1;
      }
    closeBlock(out, countAt, count);
    encoding.depth--;
    return next;
  };
}

/** The count stands before the items, and is known behind them: they are moved to make room for it. */
function closeBlock(out: ByteSink, countAt: number, count: number): void {
  if (count > 0) {
    const itemsEnd = out.length;
    writeLong(out, count);
    const countBytes = out.bytes.slice(itemsEnd, out.length);
    out.bytes.copyWithin(countAt + countBytes.length, countAt, itemsEnd);
    out.bytes.set(countBytes, countAt);
  }
  writeByte(out, 0);
}

function writeMap(value: Write, at: string): Write {
  return (encoding, from) => {
    const { bytes, end, out } = encoding;
    if (bytes[from] !== 0x7b) throw misfit(at, 'an object', bytes, from, end);
    enterJson(encoding);
    let next = skipSpace(bytes, from + 1);
    const countAt = out.length;
    let count = 0;
    if (bytes[next] === 0x7d) next++;
    else
      for (let going = true; going; count++) {
        const nameEnd = stringEnd(bytes, next);
        writeUtf8(out, bytes, next, nameEnd);
        next = skipSpace(bytes, value(encoding, skipSpace(bytes, skipSpace(bytes, nameEnd) + 1)));
        going = bytes[next] === 0x2c;
        next = going ? skipSpace(bytes, next + 1) : next + 1;
      }
    closeBlock(out, countAt, count);
    encoding.depth--;
    return next;
  };
}

const encoder = new TextEncoder();

interface FieldWriter {
  readonly name: string;
  readonly path: string;
  readonly write: Write;
  /** Null: an event without the field does not fit. */
  readonly missing: Uint8Array | null;
}

/**
 * Members that come in the schema's order are written as they are met. At the first that does not, the rest is looked
 * through for where each field lies, and then written from there.
 */
function writeRecord(title: string, fields: readonly FieldWriter[], at: string): Write {
  const names = fields.map(({ name }) => encoder.encode(name));
  const indices = new Map(fields.map(({ name }, index) => [name, index]));
  const spare: Int32Array[] = [];
  return (encoding, from) => {
    const { bytes, end } = encoding;
    if (bytes[from] !== 0x7b) throw misfit(at, `an object (${title})`, bytes, from, end);
    enterJson(encoding);
    let next = skipSpace(bytes, from + 1);
    let index = 0;
    while (index < fields.length && bytes[next] === quote && isNamed(bytes, next, names[index]!)) {
      next = skipSpace(bytes, next + names[index]!.length + 2);
      next = skipSpace(bytes, fields[index]!.write(encoding, skipSpace(bytes, next + 1)));
      if (bytes[next] === 0x2c) next = skipSpace(bytes, next + 1);
      index++;
    }
    const starts = spare.pop() ?? new Int32Array(fields.length);
    starts.fill(-1);
    starts.fill(-2, 0, index);
    const behind = bytes[next] === 0x7d ? next + 1 : locate(encoding, next, indices, starts, at || title);
    for (; index < fields.length; index++) writeField(encoding, fields[index]!, starts[index]!);
    spare.push(starts);
    encoding.depth--;
    return behind;
  };
}

function writeField(encoding: Encoding, { write, missing, path }: FieldWriter, start: number): void {
  if (start >= 0) write(encoding, start);
  else if (missing !== null) {
    ensureRoom(encoding.out, missing.length);
    writeSlice(encoding.out, missing, 0, missing.length);
  } else throw unfit('missing_field', `${path}: the event lacks it, and the schema has no default for it`);
}

/** Notes where the values of the members from `at` on begin; gives the offset behind the object. */
function locate(
  { bytes, end }: Encoding,
  at: number,
  indices: ReadonlyMap<string, number>,
  starts: Int32Array,
  title: string,
): number {
  for (;;) {
    const nameEnd = stringEnd(bytes, at);
    const name = hasEscape(bytes, at, nameEnd) ? readText(bytes, at, nameEnd) : decodeText(bytes, at + 1, nameEnd - 1);
    const index = indices.get(name);
    if (index === undefined)
      throw unfit('unknown_field', `${title}: the schema has no field ${JSON.stringify(name)}; leave it out in select`);
    if (starts[index] !== -1) throw unfit('duplicate_field', `${title}: the event has ${JSON.stringify(name)} twice`);
    const start = skipSpace(bytes, skipSpace(bytes, nameEnd) + 1);
    starts[index] = start;
    const next = skipSpace(bytes, valueEnd(bytes, start, end));
    if (bytes[next] === 0x7d) return next + 1;
    at = skipSpace(bytes, next + 1);
  }
}
