// GET /v1/streams/{name}/revisions: who changed the stream, when, why, and what.
import { revisionPageSchema } from '#core/api/schemas.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { historyQuery, named } from '#functions/api/parameters.ts';
import { readRevisions } from '#functions/api/read-revisions.ts';

export const listStreamRevisions = endpoint({
  ...{ method: 'GET', path: '/v1/streams/{name}/revisions', operationId: 'listStreamRevisions', tag: 'Streams' },
  summary: 'Who changed the stream, when, why, and what; newest first',
  ...{ params: named, query: historyQuery },
  answers: { 200: { description: 'A page of revisions.', schema: revisionPageSchema } },
  handle: async (request, parts) => jsonAnswer(200, await readRevisions(request, 'Stream', parts)),
});
