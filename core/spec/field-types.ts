// The schema notation of declarations: `text`, `text[]`, `{ os: text }` to row types and back.
import type { FieldType, RowType, ScalarType } from '#core/expression/types.ts';
import { scalarTypes } from '#core/expression/types.ts';
import { limits } from '#core/limits.ts';
import type { Json } from '#core/spec/json.ts';
import { didYouMean } from '#core/spec/nearest.ts';
import { completeRule, declaredRule, writeRule } from '#core/spec/operators.ts';
import type { SpecProblem } from '#core/spec/problem.ts';

const aliases: Readonly<Record<string, ScalarType>> = {
  string: 'text',
  varchar: 'text',
  bool: 'boolean',
  int2: 'smallint',
  int: 'integer',
  int4: 'integer',
  int8: 'bigint',
  decimal: 'numeric',
  float4: 'real',
  float8: 'double precision',
  double: 'double precision',
  'timestamp with time zone': 'timestamptz',
  'timestamp without time zone': 'timestamp',
  json: 'jsonb',
};

function scalarNamed(name: string): ScalarType | null {
  const lower = name.trim().toLowerCase().replace(/\s+/g, ' ');
  return scalarTypes.find((type) => type === lower) ?? (Object.hasOwn(aliases, lower) ? aliases[lower]! : null);
}

const isObject = (json: Json): json is { readonly [key: string]: Json } =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** The long form `{ type: text }`; any object with other keys is a nested object. */
const isLongForm = (json: { readonly [key: string]: Json }): boolean =>
  typeof json['type'] === 'string' && Object.keys(json).every((key) => key === 'type' || key === 'pii');

function readType(json: Json, path: string, depth: number, problems: SpecProblem[]): FieldType {
  if (depth > limits.documentDepthMax) {
    problems.push({ path, message: `nested deeper than ${limits.documentDepthMax} levels` });
    return { kind: 'dynamic' };
  }
  if (typeof json === 'string') return readTypeName(json, path, problems);
  if (!isObject(json)) {
    problems.push({ path, message: `got ${JSON.stringify(json)}, expected a type name or an object of fields` });
    return { kind: 'dynamic' };
  }
  if (!isLongForm(json)) return { kind: 'object', fields: readFields(json, path, depth + 1, problems) };
  const type = readTypeName(json['type'] as string, path, problems);
  return json['pii'] === undefined ? type : tagged(type, json['pii'], path, problems);
}

function tagged(type: FieldType, json: Json, path: string, problems: SpecProblem[]): FieldType {
  const rule = declaredRule.safeParse(json);
  if (!rule.success)
    problems.push({ path: `${path}.pii`, message: `got ${JSON.stringify(json)}, ${rule.error.issues[0]!.message}` });
  return rule.success && (type.kind === 'scalar' || type.kind === 'array')
    ? { ...type, pii: completeRule(rule.data) }
    : type;
}

function readTypeName(name: string, path: string, problems: SpecProblem[]): FieldType {
  const levels = listLevels(name);
  const element = name.slice(0, name.length - 2 * levels);
  const type = scalarNamed(element);
  if (levels > limits.documentDepthMax)
    problems.push({ path, message: `nested deeper than ${limits.documentDepthMax} levels` });
  else if (type === null)
    problems.push({
      path,
      message: `got type ${JSON.stringify(element)}${didYouMean(element, scalarTypes)}, expected one of ${scalarTypes.join(', ')}, or one of these with []`,
    });
  let read: FieldType = { kind: 'scalar', type: type ?? 'jsonb' };
  for (let level = 0; level < Math.min(levels, limits.documentDepthMax); level++)
    read = { kind: 'array', element: read };
  return read;
}

/** Counted without recursion: whoever declares decides how many there are. */
function listLevels(name: string): number {
  let levels = 0;
  while (name.endsWith('[]', name.length - 2 * levels)) levels++;
  return levels;
}

/** Declared fields to a row type; problems are appended. */
export function readFields(
  json: { readonly [key: string]: Json },
  path: string,
  depth: number,
  problems: SpecProblem[],
): RowType {
  const names = Object.keys(json);
  if (names.length === 0)
    problems.push({
      path,
      message: 'got no fields, expected at least one',
      fix: 'name a field, or leave the schema out',
    });
  return names.map((name) => ({ name, type: readType(json[name]!, `${path}.${name}`, depth, problems) }));
}

/** A row type in the notation of declarations. */
export function writeFields(row: RowType): Json {
  return Object.fromEntries(row.map((field) => [field.name, writeType(field.type)]));
}

function writeType(type: FieldType): Json {
  if ((type.kind === 'scalar' || type.kind === 'array') && type.pii !== undefined) {
    const { pii, ...plain } = type;
    return { type: writeType(plain), pii: writeRule(pii) as Json };
  }
  switch (type.kind) {
    case 'scalar':
      return type.type;
    case 'dynamic':
      return 'jsonb';
    case 'object':
      return writeFields(type.fields);
    case 'array': {
      const element = writeType(type.element);
      return typeof element === 'string' ? `${element}[]` : 'jsonb';
    }
  }
}
