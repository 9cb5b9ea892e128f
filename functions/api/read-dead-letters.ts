// GET /v1/jobs/{name}/dead-letters: events that a job could not process, with why, read as a stream's are.
import * as z from 'zod';
import { recordPageSchema } from '#core/api/schemas.ts';
import { deadLetterFilter } from '#functions/api/dead-letters.ts';
import { endpoint } from '#functions/api/endpoint.ts';
import { findJob } from '#functions/api/job-view.ts';
import { deadLetterFilterOf, deadLetterQuery, jobNamed, recordsQuery } from '#functions/api/parameters.ts';
import { lineTypes, tailTopic } from '#functions/api/tail-topic.ts';

export const readDeadLetters = endpoint({
  ...{ method: 'GET', path: '/v1/jobs/{name}/dead-letters', operationId: 'readDeadLetters', tag: 'Records' },
  summary: 'Events that a job could not process',
  description: 'As a stream’s records. The headers of each (metadata=true) tell where it came from and why it failed.',
  ...{ params: jobNamed, query: recordsQuery.extend(deadLetterQuery.shape) },
  answers: {
    200: {
      description: 'The dead letters, with the original’s bytes as value.',
      schema: z.union([recordPageSchema, z.string()]),
      contentTypes: lineTypes,
    },
  },
  handle: async (request, parts) => {
    const { goal } = await findJob(parts, request.caller.tenant, request.path.name);
    const keep = deadLetterFilter(parts, deadLetterFilterOf(request.search));
    return await tailTopic(request, parts, {
      ...{ tenant: goal.tenant, format: goal.source.format },
      ...{ topic: goal.deadLetterTopic, row: null, keep },
    });
  },
});
