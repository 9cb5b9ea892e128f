// How a stream's records are written: JSON, or Avro or Protobuf under the schemas of a registry.
import * as z from 'zod';
import type { FieldType, RowType } from '#core/expression/types.ts';
import { exactText, parseExact } from '#core/formats/avro/exact-json.ts';
import { requireUsable } from '#core/formats/codec.ts';
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { rowOfSchema } from '#core/formats/schema-row.ts';
import { limits } from '#core/limits.ts';
import { readTargetUrl } from '#core/network/target-url.ts';
import { parseFieldPath } from '#core/spec/field-path.ts';
import type { Json } from '#core/spec/json.ts';
import { completeRule, declaredRule } from '#core/spec/operators.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { type AuthSpec, completeAuth, declaredAuth } from '#core/spec/sinks/auth.ts';

export const formats = ['json', 'avro', 'protobuf'] as const;
export type FormatKind = (typeof formats)[number];

const subjectPattern = /^[\x21-\x7e]{1,255}$/;

export const declaredRegistry = z.strictObject({
  url: z.string().optional().meta({ description: 'Of a registry with Confluent’s API. Default the platform’s own.' }),
  auth: declaredAuth.optional(),
  subject: z
    .string()
    .regex(subjectPattern, 'expected at most 255 printable characters without spaces')
    .optional()
    .meta({ description: 'Under which the stream’s schemas are registered. Default `<stream>-value`.' }),
  register: z
    .boolean()
    .optional()
    .meta({ description: 'Whether what writes to the stream registers its schema. Default true.' }),
});

const schemaText = z.string().min(1).max(limits.schemaCharsMax);

/** Keys of `schema` that stand for its fields in these formats. */
export const declaredFormatSchema = {
  avro: z
    .union([schemaText, z.record(z.string(), z.json())])
    .optional()
    .meta({ description: 'The Avro schema, a record: as an object, or as the text of one.' }),
  protobuf: schemaText.optional().meta({ description: 'The text of a .proto file.' }),
  message: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_.]*$/, 'expected the name of a message')
    .optional()
    .meta({ description: 'Which message of the .proto file the records are. Default its first.' }),
  pii: z
    .record(z.string().min(1).max(1_000), declaredRule)
    .optional()
    .meta({ description: 'What routes do to fields unless they expose them, by path: { email: hash }.' }),
} as const;

export interface DeclaredFormat {
  readonly format?: FormatKind | undefined;
  readonly registry?: z.infer<typeof declaredRegistry> | undefined;
  readonly schema?:
    | {
        readonly fields?: { readonly [key: string]: Json } | undefined;
        readonly avro?: string | { readonly [key: string]: Json } | undefined;
        readonly protobuf?: string | undefined;
        readonly message?: string | undefined;
        readonly pii?: Readonly<Record<string, z.infer<typeof declaredRule>>> | undefined;
      }
    | undefined;
}

/** Of a stream that is no JSON. */
export interface StreamFormat {
  readonly kind: Exclude<FormatKind, 'json'>;
  /** Null: the platform's own. */
  readonly url: string | null;
  readonly auth: AuthSpec | null;
  /** Null: named after the stream. */
  readonly subject: string | null;
  readonly register: boolean;
  /** What records are read as, and written by; null: each is read by what it was written by, and nothing writes. */
  readonly schema: string | null;
  /** Of Protobuf; null: the first of the schema. */
  readonly message: string | null;
}

export interface CompletedFormat {
  readonly format: StreamFormat | null;
  /** Of its schema; null where it has none, or where it is JSON's affair. */
  readonly row: RowType | null;
}

const at = 'spec.schema';

export function completeFormat(declared: DeclaredFormat, problems: SpecProblem[]): CompletedFormat {
  const { format: kind = 'json', registry, schema = {} } = declared;
  const strange = (['avro', 'protobuf', 'message', 'pii', 'fields'] as const).filter(
    (key) => schema[key] !== undefined && !belongs[kind].includes(key),
  );
  for (const key of strange) problems.push(wrongKey(kind, key));
  if (kind === 'json') {
    if (registry !== undefined)
      problems.push({
        path: 'spec.registry',
        message: 'events in JSON are under no registry',
        fix: 'leave it out, or set format: avro or protobuf',
      });
    return { format: null, row: null };
  }
  const text = kind === 'avro' ? avroText(schema.avro) : (schema.protobuf ?? null);
  const message = schema.message ?? null;
  if (declared.schema !== undefined && text === null && strange.length === 0)
    problems.push({
      path: at,
      message: `got no ${kind} schema`,
      fix: `write it under schema.${kind}, or leave schema out`,
    });
  const row = text === null ? null : readRow(kind, text, message, problems);
  const url = registry?.url === undefined ? null : readUrl(registry.url, problems);
  return {
    format: {
      ...{ kind, url, schema: text, message },
      auth: completeAuth(registry?.auth, 'basic'),
      subject: registry?.subject ?? null,
      register: registry?.register ?? true,
    },
    row: row === null ? null : tagRow(row, schema.pii ?? {}, problems),
  };
}

const belongs: Readonly<Record<FormatKind, readonly string[]>> = {
  json: ['fields'],
  avro: ['avro', 'pii'],
  protobuf: ['protobuf', 'message', 'pii'],
};

function wrongKey(kind: FormatKind, key: string): SpecProblem {
  const path = `${at}.${key}`;
  if (key === 'fields')
    return {
      path,
      message: `the fields of a stream in ${kind} come from its ${kind} schema`,
      fix: `write schema.${kind}`,
    };
  if (key === 'pii')
    return {
      path,
      message: 'in JSON a field is tagged where it is declared',
      fix: 'write fields: { email: { type: text, pii: hash } }',
    };
  return {
    path,
    message: `does not go with format ${kind}`,
    fix: key === 'message' ? 'leave it out' : `set format: ${key}`,
  };
}

/** One spelling for one schema, so that writing it otherwise changes nothing; with all its digits. */
function avroText(declared: string | { readonly [key: string]: Json } | undefined): string | null {
  if (declared === undefined) return null;
  if (typeof declared !== 'string') return exactText(declared);
  try {
    return exactText(parseExact(declared));
  } catch {
    return declared;
  }
}

function readRow(
  kind: 'avro' | 'protobuf',
  text: string,
  message: string | null,
  problems: SpecProblem[],
): RowType | null {
  try {
    const row = rowOfSchema(kind, text, message);
    requireUsable({ kind, schema: text, message });
    return row;
  } catch (error) {
    if (!(error instanceof SchemaRefused)) throw error;
    const place = error.at === '' ? '' : `${error.at}: `;
    problems.push({ path: `${at}.${kind}`, message: `${place}${error.message}` });
    return null;
  }
}

function readUrl(text: string, problems: SpecProblem[]): string {
  const url = readTargetUrl(text);
  if (!url.ok) problems.push({ path: 'spec.registry.url', ...url.problem });
  return url.ok ? url.value : text;
}

function tagRow(
  row: RowType,
  tags: Readonly<Record<string, z.infer<typeof declaredRule>>>,
  problems: SpecProblem[],
): RowType {
  let tagged = row;
  for (const [name, rule] of Object.entries(tags)) {
    const path = parseFieldPath(name);
    const next = path.ok ? tagField(tagged, path.value, completeRule(rule)) : null;
    if (next === null)
      problems.push({
        path: `${at}.pii`,
        message: `got ${JSON.stringify(name)}, expected a field of the schema that is no object`,
      });
    else tagged = next;
  }
  return tagged;
}

/** Null where there is no such field, or where it is one whose members are tagged. */
function tagField(row: RowType, path: readonly string[], rule: ReturnType<typeof completeRule>): RowType | null {
  const [name, ...rest] = path;
  let found = false;
  const tagged = row.map((field) => {
    if (field.name !== name) return field;
    const type = tagType(field.type, rest, rule);
    found = type !== null;
    return type === null ? field : { name: field.name, type };
  });
  return found ? tagged : null;
}

function tagType(type: FieldType, rest: readonly string[], rule: ReturnType<typeof completeRule>): FieldType | null {
  if (rest.length === 0) return type.kind === 'scalar' || type.kind === 'array' ? { ...type, pii: rule } : null;
  if (type.kind === 'array') {
    const element = tagType(type.element, rest, rule);
    return element === null ? null : { ...type, element };
  }
  if (type.kind !== 'object') return null;
  const fields = tagField(type.fields, rest, rule);
  return fields === null ? null : { ...type, fields };
}
