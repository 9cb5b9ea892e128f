// PUT /v1/routes/{name}: applies a route; what is declared already stays as it is.
import * as z from 'zod';
import { applySchema, planSchema } from '#core/api/schemas.ts';
import { limits } from '#core/limits.ts';
import { declaredRoute } from '#core/spec/declared.ts';
import { applyDeclaration, planDocuments, readDocument } from '#functions/api/apply-declaration.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { applyQuery, named } from '#functions/api/parameters.ts';
import { etagOf } from '#functions/api/preconditions.ts';
import { declaredView } from '#functions/api/views.ts';

export const putRoute = endpoint({
  ...{ method: 'PUT', path: '/v1/routes/{name}', operationId: 'putRoute', tag: 'Routes' },
  summary: 'Declare a route, or change it',
  description:
    'Idempotent. The answer says what is declared now; what has become of it, GET tells. With dryRun=true nothing is changed and the answer is the plan.',
  ...{
    params: named,
    query: applyQuery,
    body: { schema: declaredRoute, bytesMax: limits.documentBytesMax, checkedBy: 'handler' },
  },
  answers: {
    200: {
      description: 'Changed, or declared already; or the plan.',
      schema: z.union([applySchema, planSchema]),
      headers: ['etag'],
    },
    201: { description: 'Created.', schema: applySchema, headers: ['etag'] },
  },
  problems: [403, 409, 412],
  reads: ['if-match', 'if-none-match', 'idempotency-key', 'millrace-reason'],
  handle: async (request, parts) => {
    const { tenant } = request.caller;
    if (request.search.dryRun === 'true')
      return jsonAnswer(200, await planDocuments(parts, tenant, [readDocument(request, 'Route')]));
    const { kind, revision } = await applyDeclaration(request, 'Route', parts);
    const answer = { outcome: kind, resource: declaredView(revision) };
    return jsonAnswer(kind === 'created' ? 201 : 200, answer, { etag: etagOf(revision.revision) });
  },
});
