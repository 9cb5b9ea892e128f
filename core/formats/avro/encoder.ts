// JSON bytes to Avro's binary encoding: the schema is compiled once, then every event runs through it.
import { type ByteSink, ensureRoom, writeByte, writeSlice } from '#core/expression/run/byte-sink.ts';
import { decodeText } from '#core/expression/run/decode.ts';
import { unfit } from '#core/formats/format-fault.ts';
import { type Encoding, encodeWith, enterJson, type Write } from '#core/formats/json-encoding.ts';
import { isNamed, isNull, misfit, quote, readText } from '#core/formats/read-json.ts';
import { hasEscape, skipSpace, stringEnd, valueEnd } from '#core/operators/run/json-bytes.ts';
import { defaultBytes } from './default-value.ts';
import { writeLong } from './output.ts';
import { type AvroType, branchNames, nullableOf, shortName, typeTitle } from './schema.ts';
import { writeUtf8 } from './text.ts';
import { writeScalar } from './write-scalars.ts';

/** Appends the value's bytes to `out`; the JSON is known to be well formed. Throws FormatFault where it does not fit the schema. */
export type AvroEncoder = (bytes: Uint8Array, start: number, end: number, out: ByteSink) => void;

export const compileAvroEncoder = (type: AvroType): AvroEncoder => encodeWith(compile(new Map(), type, ''));

function compile(made: Map<AvroType, Write>, type: AvroType, at: string): Write {
  if (type.kind !== 'record') return make(made, type, at);
  const found = made.get(type);
  if (found !== undefined) return found;
  let write: Write = () => 0;
  made.set(type, (encoding, from) => write(encoding, from));
  // A record is made once, wherever it is used, so what is said of its fields names the record and no place.
  write = make(made, type, at === '' ? '' : shortName(type.name));
  made.set(type, write);
  return write;
}

function make(made: Map<AvroType, Write>, type: AvroType, at: string): Write {
  switch (type.kind) {
    case 'record':
      return writeRecord(
        type.name,
        type.fields.map((field): FieldWriter => {
          const path = at === '' ? field.name : `${at}.${field.name}`;
          return {
            name: field.name,
            path,
            write: compile(made, field.type, path),
            missing: missingBytes(field.type, field.defaultValue, path),
          };
        }),
        at,
      );
    case 'enum': {
      const indices = new Map(type.symbols.map((symbol, index) => [symbol, index]));
      return (encoding, from) => {
        const { bytes, end, out } = encoding;
        if (bytes[from] !== quote) throw misfit(at, `one of ${type.symbols.join(', ')}`, bytes, from, end);
        const to = stringEnd(bytes, from);
        const index = indices.get(readText(bytes, from, to));
        if (index === undefined) throw misfit(at, `one of ${type.symbols.slice(0, 20).join(', ')}`, bytes, from, end);
        writeLong(out, index);
        return to;
      };
    }
    case 'array':
      return writeArray(compile(made, type.items, `${at}[]`), at);
    case 'map':
      return writeMap(compile(made, type.values, `${at}{}`), at);
    case 'union':
      return writeUnion(made, type, at);
    default:
      return writeScalar(type, at);
  }
}

/** What stands for a field that the event lacks: its default, else null where it may be that, else nothing does. */
function missingBytes(type: AvroType, defaultValue: Parameters<typeof defaultBytes>[1] | undefined, at: string) {
  if (defaultValue !== undefined) return defaultBytes(type, defaultValue, at);
  const isOptional =
    type.kind === 'null' || (type.kind === 'union' && type.branches.some(({ kind }) => kind === 'null'));
  return isOptional ? defaultBytes(type, null, at) : null;
}

function writeUnion(made: Map<AvroType, Write>, type: AvroType & { kind: 'union' }, at: string): Write {
  const nullIndex = type.branches.findIndex(({ kind }) => kind === 'null');
  const nullable = nullableOf(type);
  if (nullable !== null) {
    const write = compile(made, nullable.type, at);
    return (encoding, from) => {
      const holdsNull = isNull(encoding.bytes, from);
      writeLong(encoding.out, holdsNull ? nullIndex : nullable.index);
      return holdsNull ? from + 4 : write(encoding, from);
    };
  }
  const names = branchNames(type.branches);
  const branches = new Map<string, { index: number; write: Write }>();
  for (const [index, branch] of type.branches.entries()) {
    const entry = { index, write: compile(made, branch, at) };
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
