// A field's default, as a schema's JSON writes it, in Avro's binary encoding.
import { writeByte } from '#core/expression/run/byte-sink.ts';
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { SchemaTooLarge, type SchemaWalk } from '#core/formats/schema-walk.ts';
import { limits } from '#core/limits.ts';
import { fitsBits, isTold } from './bounds.ts';
import { type ExactJson, exactText } from './exact-json.ts';
import { createOutput, type Output, writeBlob, writeDouble, writeFloat, writeLong } from './output.ts';
import type { AvroType, Logical } from './schema.ts';

interface Writing {
  readonly output: Output;
  readonly walk: SchemaWalk;
}

/** Throws SchemaRefused where the default is no value of the type. */
export function defaultBytes(walk: SchemaWalk, type: AvroType, json: ExactJson, at: string): Uint8Array {
  const output = createOutput(64);
  write({ output, walk }, type, json, at, 0);
  return output.bytes.slice(0, output.length);
}

type JsonObject = { readonly [key: string]: ExactJson };
const isObject = (json: ExactJson): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** For a message; short whatever it is, since many tries may be refused. */
function shown(json: ExactJson): string {
  if (typeof json === 'object' && json !== null) return Array.isArray(json) ? 'of a list' : 'of an object';
  return typeof json === 'string' ? JSON.stringify(json.slice(0, 80)) : exactText(json).slice(0, 80);
}

function write(writing: Writing, type: AvroType, json: ExactJson, at: string, depth: number): void {
  const { output, walk } = writing;
  const wrong = (): SchemaRefused => new SchemaRefused(`got the default ${shown(json)}, expected ${type.kind}`, at);
  if (depth > limits.documentDepthMax) throw wrong();
  walk.step();
  switch (type.kind) {
    case 'null':
      if (json !== null) throw wrong();
      return;
    case 'boolean':
      if (typeof json !== 'boolean') throw wrong();
      return void writeByte(output, json ? 1 : 0);
    case 'int':
    case 'long':
      return void writeLong(output, wholeDefault(type.kind, type.logical, json, at));
    case 'float':
    case 'double':
      return void writeFloatingDefault(output, type.kind, json, wrong);
    case 'string':
      if (typeof json !== 'string') throw wrong();
      return void writeBlob(output, new TextEncoder().encode(json));
    case 'bytes':
    case 'fixed':
      return void writeBytesDefault(output, type, json, wrong);
    case 'enum':
      if (typeof json !== 'string' || !type.symbols.includes(json)) throw wrong();
      return void writeLong(output, type.symbols.indexOf(json));
    case 'union':
      return void writeUnionDefault(writing, type.branches, json, at, depth);
    default:
      return void writeNested(writing, type, json, at, depth, wrong);
  }
}

function wholeDefault(kind: 'int' | 'long', logical: Logical | null, json: ExactJson, at: string): number | bigint {
  const got = `got the default ${shown(json)}, expected`;
  if ((typeof json !== 'number' && typeof json !== 'bigint') || (typeof json === 'number' && !Number.isInteger(json)))
    throw new SchemaRefused(`${got} ${kind}`, at);
  // Its digits were rounded before they came here, or are written by an exponent.
  if (typeof json === 'number' && !Number.isSafeInteger(json))
    throw new SchemaRefused(`${got} all digits of a ${kind}, in a schema that is written as the text of its JSON`, at);
  if (!fitsBits(json, kind)) throw new SchemaRefused(`${got} a number that fits ${kind}`, at);
  if (logical !== null && !isTold(json, logical))
    throw new SchemaRefused(`${got} a ${logical} of the years 1 to 9999`, at);
  return json;
}

function writeFloatingDefault(
  output: Output,
  kind: 'float' | 'double',
  json: ExactJson,
  wrong: () => SchemaRefused,
): void {
  if (typeof json !== 'number' && typeof json !== 'bigint') throw wrong();
  const value = kind === 'float' ? Math.fround(Number(json)) : Number(json);
  if (!Number.isFinite(value)) throw wrong();
  if (kind === 'float') writeFloat(output, value);
  else writeDouble(output, value);
}

/** A code point a byte, as the specification has it. */
function writeBytesDefault(output: Output, type: AvroType, json: ExactJson, wrong: () => SchemaRefused): void {
  if (typeof json !== 'string') throw wrong();
  const codes = Array.from(json, (char) => char.codePointAt(0)!);
  if (codes.some((code) => code > 255) || (type.kind === 'fixed' && codes.length !== type.size)) throw wrong();
  if (type.kind === 'bytes') writeLong(output, codes.length);
  for (const code of codes) writeByte(output, code);
}

/** The first branch that takes it: older specifications knew only the first of all. */
function writeUnionDefault(
  writing: Writing,
  branches: readonly AvroType[],
  json: ExactJson,
  at: string,
  depth: number,
): void {
  const { output } = writing;
  const { length } = output;
  for (const [index, branch] of branches.entries()) {
    try {
      writeLong(output, index);
      return void write(writing, branch, json, at, depth + 1);
    } catch (error) {
      if (!(error instanceof SchemaRefused) || error instanceof SchemaTooLarge) throw error;
      output.length = length;
    }
  }
  throw new SchemaRefused(`got the default ${shown(json)}, which fits no type of the union`, at);
}

type Nested = AvroType & { kind: 'array' | 'map' | 'record' };

function writeNested(
  writing: Writing,
  type: Nested,
  json: ExactJson,
  at: string,
  depth: number,
  wrong: () => SchemaRefused,
): void {
  const { output } = writing;
  if (type.kind === 'array') {
    if (!Array.isArray(json)) throw wrong();
    if (json.length > 0) writeLong(output, json.length);
    for (const item of json as readonly ExactJson[]) write(writing, type.items, item, `${at}[]`, depth + 1);
    return void writeLong(output, 0);
  }
  if (!isObject(json)) throw wrong();
  if (type.kind === 'map') {
    const members = Object.entries(json);
    if (members.length > 0) writeLong(output, members.length);
    for (const [key, value] of members) {
      writeBlob(output, new TextEncoder().encode(key));
      write(writing, type.values, value, `${at}{}`, depth + 1);
    }
    return void writeLong(output, 0);
  }
  for (const field of type.fields) {
    const own = Object.hasOwn(json, field.name) ? json[field.name]! : field.defaultValue;
    if (own === undefined) throw wrong();
    write(writing, field.type, own, `${at}.${field.name}`, depth + 1);
  }
}
