// GET /v1/streams/{name}: a stream as declared (or implied by a route), and what the broker holds of it.
import { streamSchema } from '#core/api/schemas.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { missing } from '#functions/api/missing.ts';
import { named, nothing } from '#functions/api/parameters.ts';
import { etagOf } from '#functions/api/preconditions.ts';
import { streamViews } from '#functions/api/stream-view.ts';

export const getStream = endpoint({
  ...{ method: 'GET', path: '/v1/streams/{name}', operationId: 'getStream', tag: 'Streams' },
  summary: 'A stream: what is declared of it, and its state',
  ...{ params: named, query: nothing },
  answers: { 200: { description: 'The stream.', schema: streamSchema, headers: ['etag'] } },
  handle: async (request, parts) => {
    const known = await parts.worlds.read(request.caller.tenant);
    const { name } = request.path;
    if (known.stream(name) === null) throw missing('stream', name, known.names('Stream'));
    const [view] = await streamViews(parts, known, [name], 'with-counts');
    return jsonAnswer(200, view, { etag: etagOf(view!.revision) });
  },
});
