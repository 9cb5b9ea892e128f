// GET /v1/streams: all streams, declared and implied, in pages by name.
import { streamPageSchema } from '#core/api/schemas.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { nothing, pageFrom, pageOf, pageQuery } from '#functions/api/parameters.ts';
import { streamViews } from '#functions/api/stream-view.ts';

/** Counting asks the broker once a stream: a long page goes without. */
const countedMax = 50;

export const listStreams = endpoint({
  ...{ method: 'GET', path: '/v1/streams', operationId: 'listStreams', tag: 'Streams' },
  summary: 'Streams, by name',
  ...{ params: nothing, query: pageQuery },
  answers: { 200: { description: 'A page of streams.', schema: streamPageSchema } },
  handle: async (request, parts) => {
    const known = await parts.worlds.read(request.caller.tenant);
    const page = pageFrom(known.names('Stream'), (name) => name, pageOf(request.search));
    const counts = page.items.length <= countedMax ? 'with-counts' : 'without-counts';
    return jsonAnswer(200, { ...page, items: await streamViews(parts, known, page.items, counts) });
  },
});
