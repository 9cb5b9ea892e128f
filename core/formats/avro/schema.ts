// Avro schemas (specification 1.12): a schema's JSON to types whose names are resolved, or what is wrong with it.
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { limits } from '#core/limits.ts';
import { type ExactJson, exactText, parseExact } from './exact-json.ts';

export const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
export type Primitive = (typeof primitives)[number];

export type Logical =
  | 'date'
  | 'time-millis'
  | 'time-micros'
  | 'timestamp-millis'
  | 'timestamp-micros'
  | 'timestamp-nanos'
  | 'local-timestamp-millis'
  | 'local-timestamp-micros'
  | 'local-timestamp-nanos'
  | 'uuid'
  | 'duration'
  | 'decimal';

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  readonly aliases: readonly string[];
  /** As the schema writes it; undefined: there is none. */
  readonly defaultValue: ExactJson | undefined;
}

/** What a logical type adds: how the bytes below are meant. Null where there is none, or none that we know: it is passed over. */
interface Meaning {
  readonly logical: Logical | null;
  readonly precision: number;
  readonly scale: number;
}

export interface AvroPrimitive extends Meaning {
  readonly kind: Primitive;
}

interface Named {
  readonly name: string;
  readonly aliases: readonly string[];
}

/** Its fields are filled in after it is made, since they may lead back to it. */
export interface AvroRecord extends Named {
  readonly kind: 'record';
  fields: readonly AvroField[];
}

export interface AvroEnum extends Named {
  readonly kind: 'enum';
  readonly symbols: readonly string[];
  readonly fallback: string | null;
}

export interface AvroFixed extends Named, Meaning {
  readonly kind: 'fixed';
  readonly size: number;
}

export type AvroType =
  | AvroPrimitive
  | AvroRecord
  | AvroEnum
  | AvroFixed
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | AvroUnion;

export interface AvroUnion {
  readonly kind: 'union';
  readonly branches: readonly AvroType[];
}

const plain = { logical: null, precision: 0, scale: 0 } as const;
const primitiveTypes = new Map<string, AvroPrimitive>(primitives.map((kind) => [kind, { kind, ...plain }]));

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What the logical types stand on. */
const bases: Readonly<Record<Logical, readonly string[]>> = {
  date: ['int'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-micros': ['long'],
  'timestamp-nanos': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-micros': ['long'],
  'local-timestamp-nanos': ['long'],
  uuid: ['string', 'fixed'],
  duration: ['fixed'],
  decimal: ['bytes', 'fixed'],
};

type JsonObject = { readonly [key: string]: ExactJson };
const isObject = (json: ExactJson | undefined): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

interface Parse {
  readonly named: Map<string, AvroType>;
  nodeCount: number;
}

/**
 * Throws SchemaRefused. `references` are the texts of schemas whose named types this one uses, each behind what it uses
 * itself.
 */
export function parseAvroSchema(source: ExactJson, references: readonly string[] = []): AvroType {
  const parse: Parse = { named: new Map(), nodeCount: 0 };
  for (const text of references) readType(parse, jsonOf(text), '', '', 0);
  return readType(parse, typeof source === 'string' ? jsonOf(source) : source, '', '', 0);
}

/** A bare type name is a schema's text too, as registries write it: `"string"`, or string. */
function jsonOf(text: string): ExactJson {
  if (text.length > limits.schemaCharsMax)
    throw new SchemaRefused(`got ${text.length} characters, expected at most ${limits.schemaCharsMax}`);
  if (primitiveTypes.has(text.trim())) return text.trim();
  try {
    return parseExact(text);
  } catch (error) {
    throw new SchemaRefused(`the schema is not JSON: ${(error as SyntaxError).message}`);
  }
}

function readType(parse: Parse, json: ExactJson | undefined, namespace: string, at: string, depth: number): AvroType {
  if (++parse.nodeCount > limits.schemaNodesMax)
    throw new SchemaRefused(`the schema has more than ${limits.schemaNodesMax} types`, at);
  if (depth > limits.documentDepthMax)
    throw new SchemaRefused(`the schema is nested deeper than ${limits.documentDepthMax} levels`, at);
  if (typeof json === 'string') return typeNamed(parse, json, namespace, at);
  if (Array.isArray(json)) return readUnion(parse, json, namespace, at, depth);
  if (!isObject(json)) throw new SchemaRefused(`got ${shown(json)}, expected a type`, at);
  const { type } = json;
  switch (type) {
    case 'record':
    case 'error':
      return readRecord(parse, json, namespace, at, depth);
    case 'enum':
      return readEnum(parse, json, namespace, at);
    case 'fixed':
      return readFixed(parse, json, namespace, at);
    case 'array':
      return { kind: 'array', items: readType(parse, json['items'], namespace, join(at, '[]'), depth + 1) };
    case 'map':
      return { kind: 'map', values: readType(parse, json['values'], namespace, join(at, '{}'), depth + 1) };
    default:
      return readPlain(parse, json, namespace, at, depth);
  }
}

const join = (at: string, part: string): string =>
  at === '' || part === '[]' || part === '{}' ? at + part : `${at}.${part}`;
const shown = (json: ExactJson | undefined): string => (json === undefined ? 'nothing' : exactText(json).slice(0, 80));

/** `{ "type": "long", "logicalType": "timestamp-millis" }`, or a type wrapped once more. */
function readPlain(parse: Parse, json: JsonObject, namespace: string, at: string, depth: number): AvroType {
  const inner = readType(parse, json['type'], namespace, at, depth + 1);
  return inner.kind === 'null' || !primitiveTypes.has(inner.kind)
    ? inner
    : { ...(inner as AvroPrimitive), ...meaningOf(json, inner.kind, 0) };
}

/** A logical type that is not known, or not rightly used, is passed over, as the specification asks. */
function meaningOf(json: JsonObject, base: string, size: number): Meaning {
  const logical = json['logicalType'];
  if (typeof logical !== 'string' || !Object.hasOwn(bases, logical)) return plain;
  const known = logical as Logical;
  if (!bases[known].includes(base)) return plain;
  if (known === 'duration' && size !== 12) return plain;
  if (known === 'uuid' && base === 'fixed' && size !== 16) return plain;
  if (known !== 'decimal') return { ...plain, logical: known };
  const [precision, scale = 0] = [json['precision'], json['scale']];
  const isUsable =
    typeof precision === 'number' &&
    typeof scale === 'number' &&
    Number.isInteger(precision) &&
    Number.isInteger(scale) &&
    precision > 0 &&
    precision <= limits.decimalDigitsMax &&
    scale >= 0 &&
    scale <= precision;
  return isUsable ? { logical: known, precision, scale } : plain;
}

function typeNamed(parse: Parse, name: string, namespace: string, at: string): AvroType {
  const primitive = primitiveTypes.get(name);
  if (primitive !== undefined) return primitive;
  const known = parse.named.get(fullName(name, namespace)) ?? parse.named.get(name);
  if (known === undefined)
    throw new SchemaRefused(
      `got the type ${JSON.stringify(name)}, expected a primitive type or one that is defined before it`,
      at,
    );
  return known;
}

const fullName = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;

/** Name, namespace for what is inside, and aliases. */
function readName(parse: Parse, json: JsonObject, namespace: string, at: string) {
  const { name, namespace: own, aliases } = json;
  if (typeof name !== 'string' || !name.split('.').every((part) => namePattern.test(part)))
    throw new SchemaRefused(`got the name ${shown(name)}, expected letters, digits and _`, at);
  const space = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : typeof own === 'string' ? own : namespace;
  const full = fullName(name, space);
  if (primitiveTypes.has(full)) throw new SchemaRefused(`a type may not be named ${full}`, at);
  if (parse.named.has(full)) throw new SchemaRefused(`the type ${full} is defined twice`, at);
  const others = textsOf(aliases).map((alias) => fullName(alias, space));
  return { full, space, aliases: others };
}

const textsOf = (json: ExactJson | undefined): readonly string[] =>
  Array.isArray(json) ? json.filter((item) => typeof item === 'string') : [];

function readRecord(parse: Parse, json: JsonObject, namespace: string, at: string, depth: number): AvroType {
  const { full, space, aliases } = readName(parse, json, namespace, at);
  const record: AvroRecord = { kind: 'record', name: full, aliases, fields: [] };
  parse.named.set(full, record);
  const { fields } = json;
  if (!Array.isArray(fields)) throw new SchemaRefused(`record ${full} has no fields`, at);
  const taken = new Set<string>();
  record.fields = fields.map((field: ExactJson): AvroField => {
    const name = isObject(field) ? field['name'] : undefined;
    if (!isObject(field) || typeof name !== 'string' || !namePattern.test(name))
      throw new SchemaRefused(`record ${full} has a field named ${shown(name)}, expected letters, digits and _`, at);
    const place = join(at, name);
    if (taken.has(name)) throw new SchemaRefused(`record ${full} has two fields named ${name}`, place);
    taken.add(name);
    return {
      name,
      type: readType(parse, field['type'], space, place, depth + 1),
      aliases: textsOf(field['aliases']),
      defaultValue: field['default'],
    };
  });
  return record;
}

function readEnum(parse: Parse, json: JsonObject, namespace: string, at: string): AvroType {
  const { full, aliases } = readName(parse, json, namespace, at);
  const symbols = textsOf(json['symbols']);
  if (symbols.length === 0 || new Set(symbols).size !== symbols.length)
    throw new SchemaRefused(`enum ${full} needs symbols, each once`, at);
  const fallback = json['default'];
  if (fallback !== undefined && !(typeof fallback === 'string' && symbols.includes(fallback)))
    throw new SchemaRefused(`enum ${full} has the default ${shown(fallback)}, which is none of its symbols`, at);
  const type: AvroEnum = { kind: 'enum', name: full, aliases, symbols, fallback: fallback ?? null };
  parse.named.set(full, type);
  return type;
}

function readFixed(parse: Parse, json: JsonObject, namespace: string, at: string): AvroType {
  const { full, aliases } = readName(parse, json, namespace, at);
  const { size } = json;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > limits.recordBytesMax)
    throw new SchemaRefused(`fixed ${full} has size ${shown(size)}, expected 0 to ${limits.recordBytesMax}`, at);
  const type: AvroFixed = { kind: 'fixed', name: full, aliases, size, ...meaningOf(json, 'fixed', size) };
  parse.named.set(full, type);
  return type;
}

function readUnion(parse: Parse, json: readonly ExactJson[], namespace: string, at: string, depth: number): AvroType {
  const branches = json.map((branch) => readType(parse, branch, namespace, at, depth + 1));
  if (branches.length === 0) throw new SchemaRefused('got a union of nothing', at);
  if (branches.some(({ kind }) => kind === 'union'))
    throw new SchemaRefused('a union may not stand directly in a union', at);
  const names = branches.map(typeTitle);
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) throw new SchemaRefused(`${twice} stands twice in a union`, at);
  return { kind: 'union', branches };
}

/** What a union tells its branches apart by. */
export const typeTitle = (type: AvroType): string => ('name' in type ? type.name : type.kind);
export const shortName = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/** Of a union of one type and null: the type, and which branch it is. */
export function nullableOf(type: AvroType): { readonly type: AvroType; readonly index: number } | null {
  if (type.kind !== 'union' || type.branches.length !== 2) return null;
  const index = type.branches.findIndex(({ kind }) => kind !== 'null');
  return index < 0 || type.branches[1 - index]!.kind !== 'null' ? null : { type: type.branches[index]!, index };
}

/** By which the branches of a union of several are known in JSON: short names, full ones where those are not enough. */
export function branchNames(branches: readonly AvroType[]): readonly string[] {
  const counts = new Map<string, number>();
  const short = branches.map((branch) => shortName(typeTitle(branch)));
  for (const name of short) counts.set(name, (counts.get(name) ?? 0) + 1);
  return branches.map((branch, index) => (counts.get(short[index]!)! > 1 ? typeTitle(branch) : short[index]!));
}
