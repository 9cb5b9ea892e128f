// DELETE /v1/streams/{name}: takes the declaration away; the reconciler then takes away what ran for it.
import { deleteDeclaration } from '#functions/api/apply-declaration.ts';
import { endpoint } from '#functions/api/endpoint.ts';
import { deleteQuery, named } from '#functions/api/parameters.ts';

export const deleteStream = endpoint({
  ...{ method: 'DELETE', path: '/v1/streams/{name}', operationId: 'deleteStream', tag: 'Streams' },
  summary: 'Delete a stream',
  description:
    'Refused while a route reads what would be gone. What it leaves is kept for a while, in which the deletion can be undone; with purge=true it is removed at once.',
  ...{ params: named, query: deleteQuery },
  answers: { 204: { description: 'Deleted. Its history stays.' } },
  problems: [403, 409, 412],
  reads: ['if-match', 'idempotency-key', 'millrace-reason'],
  handle: async (request, parts) => {
    await deleteDeclaration(request, 'Stream', parts);
    return { kind: 'empty', status: 204 };
  },
});
