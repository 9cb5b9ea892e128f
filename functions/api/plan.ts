// POST /v1/plan: documents in, what applying them would do out; nothing is changed.
import { z } from 'zod';
import { planSchema } from '#core/api/schemas.ts';
import { limits } from '#core/limits.ts';
import { declaredRoute, declaredStream } from '#core/spec/declared.ts';
import type { Document, SpecProblem } from '#core/spec/document.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import { planDocuments } from '#functions/api/apply-declaration.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { nothing } from '#functions/api/parameters.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';

const documentsMax = 500;
const bodySchema = z.strictObject({
  documents: z
    .array(z.union([declaredStream, declaredRoute]))
    .min(1)
    .max(documentsMax),
});

export const plan = endpoint({
  ...{ method: 'POST', path: '/v1/plan', operationId: 'plan', tag: 'Declarations' },
  summary: 'What applying documents would do',
  description: 'The documents are checked together, against all that is declared. Nothing is changed.',
  ...{ params: nothing, query: nothing },
  body: { schema: bodySchema, bytesMax: limits.requestBytesMax, checkedBy: 'handler' },
  answers: {
    200: { description: 'The plan; `refused` says that at least one document would be.', schema: planSchema },
  },
  handle: async (request, parts) => {
    const documents = readDocuments(request.json);
    return jsonAnswer(200, await planDocuments(parts, request.caller.tenant, documents));
  },
});

/** Documents that are wrong in themselves are told all at once; `document` is `Kind name`, or their place in the request. */
function readDocuments(json: unknown): readonly Document[] {
  const shape = z.strictObject({ documents: z.array(z.unknown()).min(1).max(documentsMax) }).safeParse(json);
  if (!shape.success)
    throw new ApiRefusal(422, 'body-invalid', `body: expected {"documents": […]} with 1 to ${documentsMax} documents`);
  const problems: (SpecProblem & { document: string })[] = [];
  const documents = new Map<string, Document>();
  for (const [index, json] of shape.data.documents.entries()) {
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
