// GET /v1/streams/{name}/records: a stream's events, line by line, filtered if wished, and followed if wished.
import * as z from 'zod';
import { recordPageSchema } from '#core/api/schemas.ts';
import { topicOfStream } from '#core/names.ts';
import { endpoint } from '#functions/api/endpoint.ts';
import { formatOf } from '#functions/api/formatted-records.ts';
import { missing } from '#functions/api/missing.ts';
import { named, recordsQuery } from '#functions/api/parameters.ts';
import { lineTypes, tailTopic } from '#functions/api/tail-topic.ts';

export const readRecords = endpoint({
  ...{ method: 'GET', path: '/v1/streams/{name}/records', operationId: 'readRecords', tag: 'Records' },
  summary: 'A stream’s events',
  description:
    'NDJSON, a line a record; with `accept: text/event-stream` as server-sent events, with `accept: application/json` a page. Ends at `limit`, at `timeout`, or at the stream’s end as it was when the answer began; with `follow`, at the client’s leave.',
  ...{ params: named, query: recordsQuery },
  answers: {
    200: {
      description: 'The events: each value as it is, or with metadata=true as a RecordLine.',
      schema: z.union([recordPageSchema, z.string()]),
      contentTypes: lineTypes,
    },
  },
  handle: async (request, parts) => {
    const known = await parts.worlds.readOrRecall(request.caller.tenant);
    const node = known.stream(request.path.name);
    if (node === null) throw missing('stream', request.path.name, known.names('Stream'));
    const source = { tenant: request.caller.tenant, format: formatOf(node, parts) };
    return await tailTopic(request, parts, {
      ...source,
      topic: topicOfStream(source.tenant, node.name),
      row: node.row,
    });
  },
});
