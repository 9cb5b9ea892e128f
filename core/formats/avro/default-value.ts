// A field's default, as a schema's JSON writes it, in Avro's binary encoding.
import { writeByte } from '#core/expression/run/byte-sink.ts';
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { SchemaTooLarge, type SchemaWalk } from '#core/formats/schema-walk.ts';
import { limits } from '#core/limits.ts';
import type { Json } from '#core/spec/json.ts';
import { createOutput, type Output, writeBlob, writeDouble, writeFloat, writeLong } from './output.ts';
import type { AvroType } from './schema.ts';

interface Writing {
  readonly output: Output;
  readonly walk: SchemaWalk;
}

/** Throws SchemaRefused where the default is no value of the type. */
export function defaultBytes(walk: SchemaWalk, type: AvroType, json: Json, at: string): Uint8Array {
  const output = createOutput(64);
  write({ output, walk }, type, json, at, 0);
  return output.bytes.slice(0, output.length);
}

type JsonObject = { readonly [key: string]: Json };
const isObject = (json: Json): json is JsonObject => typeof json === 'object' && json !== null && !Array.isArray(json);

function write(writing: Writing, type: AvroType, json: Json, at: string, depth: number): void {
  const { output, walk } = writing;
  const wrong = (): SchemaRefused =>
    new SchemaRefused(`got the default ${JSON.stringify(json).slice(0, 80)}, expected ${type.kind}`, at);
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
      if (typeof json !== 'number' || !Number.isInteger(json)) throw wrong();
      return void writeLong(output, json);
    case 'float':
    case 'double':
      if (typeof json !== 'number') throw wrong();
      if (type.kind === 'float') writeFloat(output, json);
      else writeDouble(output, json);
      return;
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

/** A code point a byte, as the specification has it. */
function writeBytesDefault(output: Output, type: AvroType, json: Json, wrong: () => SchemaRefused): void {
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
  json: Json,
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
  throw new SchemaRefused(`got the default ${JSON.stringify(json).slice(0, 80)}, which fits no type of the union`, at);
}

type Nested = AvroType & { kind: 'array' | 'map' | 'record' };

function writeNested(
  writing: Writing,
  type: Nested,
  json: Json,
  at: string,
  depth: number,
  wrong: () => SchemaRefused,
): void {
  const { output } = writing;
  if (type.kind === 'array') {
    if (!Array.isArray(json)) throw wrong();
    if (json.length > 0) writeLong(output, json.length);
    for (const item of json as readonly Json[]) write(writing, type.items, item, `${at}[]`, depth + 1);
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
