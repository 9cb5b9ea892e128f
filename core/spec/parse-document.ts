// Unknown JSON to a document, or all that is wrong with it in words its author can act on.
import * as z from 'zod';
import { limits } from '#core/limits.ts';
import { ok, type Result, refuse } from '#core/result.ts';
import { completeRoute, completeStream } from '#core/spec/complete.ts';
import { declaredRoute, declaredStream } from '#core/spec/declared.ts';
import type { Document, Metadata } from '#core/spec/document.ts';
import type { Json } from '#core/spec/json.ts';
import { didYouMean } from '#core/spec/nearest.ts';
import type { SpecProblem } from '#core/spec/problem.ts';

const forbiddenKeys = ['__proto__', 'constructor', 'prototype'];

/** Depth, number of keys and forbidden names, before anything walks the value recursively. Returns the first problem. */
export function checkJsonShape(json: unknown): SpecProblem | null {
  let keyCount = 0;
  const open: { value: unknown; path: string; depth: number }[] = [{ value: json, path: '', depth: 1 }];
  while (open.length > 0) {
    const { value, path, depth } = open.pop()!;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > limits.documentDepthMax)
      return { path: path.slice(0, 200), message: `nested deeper than ${limits.documentDepthMax} levels` };
    for (const key of Object.getOwnPropertyNames(value)) {
      if (Array.isArray(value) && key === 'length') continue;
      if (++keyCount > limits.documentKeysMax)
        return { path: '', message: `more than ${limits.documentKeysMax} keys and elements` };
      if (forbiddenKeys.includes(key))
        return {
          path,
          message: `got the key ${JSON.stringify(key)}, which is refused everywhere in a declaration`,
          fix: 'rename it',
        };
      open.push({
        value: (value as Record<string, unknown>)[key],
        path: joinPath(path, Array.isArray(value) ? Number(key) : key),
        depth: depth + 1,
      });
    }
  }
  return null;
}

const joinPath = (path: string, part: PropertyKey): string =>
  typeof part === 'number' ? `${path}[${part}]` : path === '' ? String(part) : `${path}.${String(part)}`;

const pathText = (path: readonly PropertyKey[]): string => path.reduce<string>(joinPath, '');

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  let value = json;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

/** The keys that stand beside `path` in the zod schema, for suggestions. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = schema;
  const unwrap = (type: unknown): unknown => {
    while (type instanceof z.ZodOptional) type = type.unwrap();
    return type;
  };
  for (const part of path) {
    at = unwrap(at);
    if (at instanceof z.ZodObject) at = (at.shape as Record<string, unknown>)[String(part)];
    else if (at instanceof z.ZodArray) at = at.element;
    else return [];
  }
  at = unwrap(at);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodType, json: unknown): readonly SpecProblem[] {
  const path = pathText(issue.path);
  const got = valueAt(json, issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const known = knownKeys(schema, issue.path);
        return {
          path: joinPath(path, key),
          message: `unknown field${didYouMean(key, known)}`,
          fix: `expected one of: ${known.join(', ')}`,
        };
      });
    case 'invalid_type':
      return [
        {
          path,
          message: `got ${shown(got)}, expected ${got === undefined ? `this required field (${issue.expected})` : issue.expected}`,
        },
      ];
    case 'invalid_value':
      return [{ path, message: `got ${shown(got)}, expected ${issue.values.map(shown).join(' or ')}` }];
    case 'too_big':
      return [{ path, message: `got ${shown(got)}, expected at most ${issue.maximum}${sizeOf(issue.origin)}` }];
    case 'too_small':
      return [{ path, message: `got ${shown(got)}, expected at least ${issue.minimum}${sizeOf(issue.origin)}` }];
    case 'invalid_format':
      return [{ path, message: `got ${shown(got)}: ${issue.message}` }];
    case 'invalid_union':
      return [
        {
          path,
          message: `got ${shown(got)}, ${issue.message.startsWith('expected') ? issue.message : 'expected one of the forms in the reference'}`,
          fix: 'see docs/reference/declarations.md',
        },
      ];
    default:
      return [{ path, message: issue.message }];
  }
}

const sizeOf = (origin: string): string =>
  origin === 'string' ? ' characters' : origin === 'array' ? ' elements' : '';

const schemas: Readonly<Record<string, z.ZodType>> = { Stream: declaredStream, Route: declaredRoute };

/** A declaration of any kind. Problems of one document only; what concerns several is checked by `checkDocuments`. */
export function parseDocument(json: unknown): Result<Document, readonly SpecProblem[]> {
  const shape = checkJsonShape(json);
  if (shape) return refuse([shape]);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return refuse([
      {
        path: '',
        message: `got ${shown(json)}, expected a declaration: an object with apiVersion, kind, metadata and spec`,
      },
    ]);
  const kind = (json as Record<string, unknown>)['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(schemas, kind)) {
    const typed = typeof kind === 'string' ? didYouMean(kind, Object.keys(schemas)) : '';
    return refuse([{ path: 'kind', message: `got ${shown(kind)}${typed}, expected Stream or Route` }]);
  }
  const schema = schemas[kind]!;
  const parsed = schema.safeParse(json);
  if (!parsed.success) return refuse(parsed.error.issues.flatMap((issue) => describeIssue(issue, schema, json)));
  const { metadata, spec } = parsed.data as z.infer<typeof declaredStream> | z.infer<typeof declaredRoute>;
  const complete: Metadata = { name: metadata.name, owner: metadata.owner, labels: metadata.labels ?? {} };
  return parseSpec(kind as Document['kind'], complete, spec as Json);
}

/** The same for a spec that was checked before and comes back from the goal store; a newer version's fields are refused. */
export function parseSpec(
  kind: Document['kind'],
  metadata: Metadata,
  declared: Json,
): Result<Document, readonly SpecProblem[]> {
  const schema = kind === 'Stream' ? declaredStream.shape.spec : declaredRoute.shape.spec;
  const parsed = schema.safeParse(declared);
  if (!parsed.success) {
    const wrapped = { spec: declared };
    return refuse(
      parsed.error.issues.flatMap((issue) =>
        describeIssue({ ...issue, path: ['spec', ...issue.path] }, z.object({ spec: schema }), wrapped),
      ),
    );
  }
  const problems: SpecProblem[] = [];
  const document: Document =
    kind === 'Stream'
      ? {
          kind,
          metadata,
          declared,
          spec: completeStream(parsed.data as z.infer<typeof declaredStream>['spec'], problems),
        }
      : {
          kind: 'Route',
          metadata,
          declared,
          spec: completeRoute(parsed.data as z.infer<typeof declaredRoute>['spec'], problems),
        };
  return problems.length > 0 ? refuse(problems) : ok(document);
}
