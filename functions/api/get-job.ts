// GET /v1/jobs/{name}: a job's state, with the evidence that it stands on.
import { jobSchema } from '#core/api/schemas.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { assessOne, findJob, jobView } from '#functions/api/job-view.ts';
import { jobNamed, nothing } from '#functions/api/parameters.ts';

export const getJob = endpoint({
  ...{ method: 'GET', path: '/v1/jobs/{name}', operationId: 'getJob', tag: 'Jobs' },
  summary: 'A job: phase, conditions with evidence, lag, workers',
  ...{ params: jobNamed, query: nothing },
  answers: { 200: { description: 'The job.', schema: jobSchema } },
  handle: async (request, parts) => {
    const entry = await findJob(parts, request.caller.tenant, request.path.name);
    return jsonAnswer(200, jobView(entry, await assessOne(parts, entry)));
  },
});
