// GET /v1/jobs/{name}/dead-letters/summary: how many events a job could not process, by why.
import { deadLetterSummarySchema } from '#core/api/schemas.ts';
import { summarizeDeadLetters } from '#functions/api/dead-letters.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { findJob } from '#functions/api/job-view.ts';
import { deadLetterFilterOf, deadLetterQuery, jobNamed } from '#functions/api/parameters.ts';
import { topicMissing } from '#functions/api/tail-topic.ts';

export const getDeadLetterSummary = endpoint({
  ...{
    method: 'GET',
    path: '/v1/jobs/{name}/dead-letters/summary',
    operationId: 'getDeadLetterSummary',
    tag: 'Records',
  },
  summary: 'How many events a job could not process, by why',
  description: 'Counted from the oldest; `isComplete` false: there are more than could be looked through at once.',
  ...{ params: jobNamed, query: deadLetterQuery },
  answers: {
    200: { description: 'By error class and code, the most frequent first.', schema: deadLetterSummarySchema },
  },
  handle: async (request, parts) => {
    const { goal } = await findJob(parts, request.caller.tenant, request.path.name);
    const [topic] = await parts.broker.describe([goal.deadLetterTopic], []);
    if (!topic) throw topicMissing(goal.deadLetterTopic);
    const filter = deadLetterFilterOf(request.search);
    return jsonAnswer(200, await summarizeDeadLetters(parts, goal, filter, request.signal));
  },
});
