// GET /v1/jobs: all jobs with their state, in pages by name.
import { jobPageSchema } from '#core/api/schemas.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { assessMany, jobView, pageOfJobs } from '#functions/api/job-view.ts';
import { nothing, pageOf, pageQuery } from '#functions/api/parameters.ts';

export const listJobs = endpoint({
  ...{ method: 'GET', path: '/v1/jobs', operationId: 'listJobs', tag: 'Jobs' },
  summary: 'Jobs, by name',
  description: 'On a long page the accounts are those of the live workers; a single job’s are of its whole life.',
  ...{ params: nothing, query: pageQuery },
  answers: { 200: { description: 'A page of jobs.', schema: jobPageSchema } },
  handle: async (request, parts) => {
    const page = await pageOfJobs(parts, request.caller.tenant, pageOf(request.search));
    const statuses = await assessMany(parts, page.items);
    return jsonAnswer(200, { ...page, items: page.items.map((entry, index) => jobView(entry, statuses[index]!)) });
  },
});
