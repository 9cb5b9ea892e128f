// PUT /v1/routes/{name}: applies a route; what is declared already stays as it is.
import * as z from 'zod';
import { applyRouteSchema, planSchema } from '#core/api/schemas.ts';
import { limits } from '#core/limits.ts';
import { declaredRoute } from '#core/spec/declared.ts';
import { applyDeclaration, planDocuments, readDocument } from '#functions/api/apply-declaration.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { routeViews } from '#functions/api/job-view.ts';
import { applyQuery, named } from '#functions/api/parameters.ts';
import { etagOf } from '#functions/api/preconditions.ts';

export const putRoute = endpoint({
  ...{ method: 'PUT', path: '/v1/routes/{name}', operationId: 'putRoute', tag: 'Routes' },
  summary: 'Declare a route, or change it',
  description: 'Idempotent. With dryRun=true nothing is changed and the answer is the plan.',
  ...{
    params: named,
    query: applyQuery,
    body: { schema: declaredRoute, bytesMax: limits.documentBytesMax, checkedBy: 'handler' },
  },
  answers: {
    200: {
      description: 'Changed, or declared already; or the plan.',
      schema: z.union([applyRouteSchema, planSchema]),
      headers: ['etag'],
    },
    201: { description: 'Created.', schema: applyRouteSchema, headers: ['etag'] },
  },
  problems: [403, 409, 412],
  reads: ['if-match', 'if-none-match', 'idempotency-key', 'millrace-reason'],
  handle: async (request, parts) => {
    const { tenant } = request.caller;
    if (request.search.dryRun === 'true')
      return jsonAnswer(200, await planDocuments(parts, tenant, [readDocument(request, 'Route')]));
    const outcome = await applyDeclaration(request, 'Route', parts);
    const resource = (await routeViews(parts, outcome.known, [outcome.revision]))[0];
    const status = outcome.kind === 'created' ? 201 : 200;
    return jsonAnswer(status, { outcome: outcome.kind, resource }, { etag: etagOf(outcome.revision.revision) });
  },
});
