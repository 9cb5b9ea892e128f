// POST /v1/plan: documents in, what applying them would do out; nothing is changed.
import * as z from 'zod';
import { planSchema } from '#core/api/schemas.ts';
import { limits } from '#core/limits.ts';
import { planDocuments } from '#functions/api/apply-declaration.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { nothing } from '#functions/api/parameters.ts';
import { documentsKeysMax, documentsSchema, readDocuments } from '#functions/api/read-documents.ts';

const bodySchema = z.strictObject({ documents: documentsSchema });

export const plan = endpoint({
  ...{ method: 'POST', path: '/v1/plan', operationId: 'plan', tag: 'Declarations' },
  summary: 'What applying documents would do',
  description: 'The documents are checked together, against all that is declared. Nothing is changed.',
  ...{ params: nothing, query: nothing },
  body: {
    ...{ schema: bodySchema, bytesMax: limits.requestBytesMax, keysMax: documentsKeysMax },
    checkedBy: 'handler',
  },
  answers: {
    200: { description: 'The plan; `refused` says that at least one document would be.', schema: planSchema },
  },
  handle: async (request, parts) => {
    const documents = readDocuments(request.json);
    return jsonAnswer(200, await planDocuments(parts, request.caller.tenant, documents));
  },
});
