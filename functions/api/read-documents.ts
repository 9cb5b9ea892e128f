// Several documents of one request: read together, and what is wrong with any of them told at once.
import * as z from 'zod';
import { limits } from '#core/limits.ts';
import { declaredRoute, declaredStream } from '#core/spec/declared.ts';
import type { Document } from '#core/spec/document.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';

const documentsMax = 500;
/** Of all of them together; each is held to its own bound when it is parsed. */
export const documentsKeysMax = documentsMax * limits.documentKeysMax;
export const documentsSchema = z
  .array(z.union([declaredStream, declaredRoute]))
  .min(1)
  .max(documentsMax);

/** Nobody reads more of them at once, and an answer has to hold them. */
const problemsMax = 1_000;

/** Documents that are wrong in themselves are told all at once, as far as that has an end; `document` is `Kind name`, or their place in the request. */
export function readDocuments(json: unknown): readonly Document[] {
  const shape = z.object({ documents: z.array(z.unknown()).min(1).max(documentsMax) }).safeParse(json);
  if (!shape.success)
    throw new ApiRefusal(422, 'body-invalid', `body: expected {"documents": […]} with 1 to ${documentsMax} documents`);
  const problems: (SpecProblem & { document: string })[] = [];
  const documents = new Map<string, Document>();
  for (const [index, json] of shape.data.documents.entries()) {
    if (problems.length >= problemsMax) break;
    const parsed = parseDocument(json);
    const title = parsed.ok ? `${parsed.value.kind} ${parsed.value.metadata.name}` : titleOf(json, index);
    if (!parsed.ok) problems.push(...parsed.problem.map((problem) => ({ ...problem, document: title })));
    else if (documents.has(title))
      problems.push({ path: 'metadata.name', message: `${title} stands there twice`, document: String(index) });
    else documents.set(title, parsed.value);
  }
  if (problems.length === 0) return [...documents.values()];
  const first = problems[0]!;
  throw new ApiRefusal(422, 'declaration-refused', `${first.document}: ${first.path}: ${first.message}`, { problems });
}

function titleOf(json: unknown, index: number): string {
  const { kind, metadata } = (typeof json === 'object' && json !== null ? json : {}) as {
    kind?: unknown;
    metadata?: { name?: unknown } | null;
  };
  const name = typeof metadata === 'object' ? metadata?.name : undefined;
  return typeof kind === 'string' && typeof name === 'string' ? `${kind} ${name}` : String(index);
}
