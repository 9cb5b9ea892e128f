// Writes docs/reference/declarations.md and the JSON Schema for editors from the zod schemas; a test holds both fresh.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { scalarTypes } from '#core/expression/types.ts';
import { declaredRoute, declaredStream } from '#core/spec/declared.ts';

interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

/** A schema with an id stands under `$defs`, and the root refers to it. */
function schemaOf(schema: z.ZodType): JsonSchema {
  const root = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema & {
    readonly $ref?: string;
    readonly $defs?: Record<string, JsonSchema>;
  };
  const name = root.$ref?.split('/').at(-1);
  return (name === undefined ? undefined : root.$defs?.[name]) ?? root;
}

/** The JSON Schema of any declaration, for editors that check YAML as it is written. */
export function declarationSchema(): string {
  const both = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Millrace declaration',
    oneOf: [schemaOf(declaredStream), schemaOf(declaredRoute)],
  };
  return `${JSON.stringify(both, null, 2)}\n`;
}

function typeText(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.anyOf) return schema.anyOf.map(typeText).join(', or ');
  if (schema.type === 'array') return `list of ${typeText(schema.items ?? {})}`;
  if (schema.properties) return `{ ${Object.keys(schema.properties).join(', ')} }`;
  const bounds = [
    schema.minimum === undefined ? '' : `≥ ${schema.minimum}`,
    schema.maximum === undefined || schema.maximum > 1e15 ? '' : `≤ ${schema.maximum}`,
  ];
  return [schema.type ?? 'anything', ...bounds.filter((bound) => bound !== '')].join(' ');
}

/** One row a field; objects and lists of objects are followed. */
function rows(schema: JsonSchema, path: string, required: boolean): readonly string[] {
  const own =
    path === ''
      ? []
      : [`| \`${path}\` | ${typeText(schema)} | ${required ? 'yes' : ''} | ${schema.description ?? ''} |`];
  const inner = schema.type === 'array' ? (schema.items ?? {}) : schema;
  const prefix = schema.type === 'array' ? `${path}[]` : path;
  const fields = Object.entries(inner.properties ?? {});
  return [
    ...own,
    ...fields.flatMap(([name, field]) =>
      rows(field, prefix === '' ? name : `${prefix}.${name}`, inner.required?.includes(name) ?? false),
    ),
  ];
}

const table = (schema: z.ZodType): string =>
  ['| field | type | required | |', '|---|---|---|---|', ...rows(schemaOf(schema), '', true)].join('\n');

export function declarationReference(): string {
  return `# Declarations

Made from the schemas that the API checks with (\`node docs/generate-declarations.ts\`). YAML or JSON; several documents in one file, separated by \`---\`. Unknown fields are refused.
For editors: \`# yaml-language-server: $schema=docs/reference/declaration.schema.json\`.

## Stream
A named flow of events; on Kafka a topic of the same name.

${table(declaredStream)}

A field of the schema is a type (${scalarTypes.join(', ')}), such a type with \`[]\` for a list, \`{ type: …, pii: … }\` with what routes do to a personal field, or an object of fields for a nested object.

## Route
From a stream, through a filter and a projection, to one or more sinks. Each sink becomes a job named \`<route>.<sink>\`.

${table(declaredRoute)}

\`where\` and \`select\`: see [expressions](expressions.md). Without \`select\` an event's bytes go through unchanged.
What operators, \`pii\` tags and conditions on sinks do: see [operators](../concepts/operators.md).
`;
}

const here = import.meta.dirname;
if (process.argv[1] === import.meta.filename) {
  writeFileSync(join(here, 'reference/declarations.md'), declarationReference());
  writeFileSync(join(here, 'reference/declaration.schema.json'), declarationSchema());
}
