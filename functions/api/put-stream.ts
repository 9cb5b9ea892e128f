// PUT /v1/streams/{name}: applies a stream; what is declared already stays as it is.
import * as z from 'zod';
import { applyStreamSchema, planSchema } from '#core/api/schemas.ts';
import { limits } from '#core/limits.ts';
import { declaredStream } from '#core/spec/declared.ts';
import { applyDeclaration, planDocuments, readDocument } from '#functions/api/apply-declaration.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { applyQuery, named } from '#functions/api/parameters.ts';
import { etagOf } from '#functions/api/preconditions.ts';
import { streamViews } from '#functions/api/stream-view.ts';

export const putStream = endpoint({
  ...{ method: 'PUT', path: '/v1/streams/{name}', operationId: 'putStream', tag: 'Streams' },
  summary: 'Declare a stream, or change it',
  description: 'Idempotent. With dryRun=true nothing is changed and the answer is the plan.',
  ...{
    params: named,
    query: applyQuery,
    body: { schema: declaredStream, bytesMax: limits.documentBytesMax, checkedBy: 'handler' },
  },
  answers: {
    200: {
      description: 'Changed, or declared already; or the plan.',
      schema: z.union([applyStreamSchema, planSchema]),
      headers: ['etag'],
    },
    201: { description: 'Created.', schema: applyStreamSchema, headers: ['etag'] },
  },
  problems: [403, 409, 412],
  reads: ['if-match', 'if-none-match', 'idempotency-key', 'millrace-reason'],
  handle: async (request, parts) => {
    const { tenant } = request.caller;
    if (request.search.dryRun === 'true')
      return jsonAnswer(200, await planDocuments(parts, tenant, [readDocument(request, 'Stream')]));
    const outcome = await applyDeclaration(request, 'Stream', parts);
    const resource = (await streamViews(parts, outcome.known, [outcome.revision.name], 'without-counts'))[0];
    const status = outcome.kind === 'created' ? 201 : 200;
    return jsonAnswer(status, { outcome: outcome.kind, resource }, { etag: etagOf(outcome.revision.revision) });
  },
});
