// GET …/{name}/events of jobs and of streams: what the platform did, and why, newest first.
import { eventPageSchema } from '#core/api/schemas.ts';
import { type Answer, type ApiRequest, endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { findJob } from '#functions/api/job-view.ts';
import { missing } from '#functions/api/missing.ts';
import { historyQuery, jobNamed, named, type PageQuery, pageOf } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { eventView } from '#functions/api/views.ts';

type Request = ApiRequest<{ readonly name: string }, PageQuery, unknown>;

const answers = { 200: { description: 'A page of events, newest first.', schema: eventPageSchema } };

/** Events outlive what they tell of, so a name is missing only where there are none of it either. */
async function listEvents(
  request: Request,
  parts: ApiParts,
  subject: string,
  requireKnown: () => Promise<unknown>,
): Promise<Answer> {
  const page = pageOf(request.search);
  const events = await parts.goals.listEvents(request.caller.tenant, subject, page);
  if (events.items.length === 0) await requireKnown();
  return jsonAnswer(200, { ...events, items: events.items.map(eventView) });
}

export const listJobEvents = endpoint({
  ...{ method: 'GET', path: '/v1/jobs/{name}/events', operationId: 'listJobEvents', tag: 'Jobs' },
  summary: 'What the platform did to a job, and why',
  ...{ params: jobNamed, query: historyQuery, answers },
  handle: (request, parts) =>
    listEvents(request, parts, `job/${request.path.name}`, () =>
      findJob(parts, request.caller.tenant, request.path.name),
    ),
});

export const listStreamEvents = endpoint({
  ...{ method: 'GET', path: '/v1/streams/{name}/events', operationId: 'listStreamEvents', tag: 'Streams' },
  summary: 'What the platform did to a stream, and why',
  ...{ params: named, query: historyQuery, answers },
  handle: (request, parts) =>
    listEvents(request, parts, `stream/${request.path.name}`, async () => {
      const known = await parts.worlds.read(request.caller.tenant);
      const { name } = request.path;
      if (known.stream(name) === null) throw missing('stream', name, known.names('Stream'));
    }),
});
