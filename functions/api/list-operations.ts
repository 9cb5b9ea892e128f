// GET /v1/jobs/{name}/operations: what was asked of a job, newest first.
import { operationPageSchema } from '#core/api/schemas.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { findJob } from '#functions/api/job-view.ts';
import { jobNamed, nothing } from '#functions/api/parameters.ts';
import { operationView } from '#functions/api/views.ts';

export const listOperations = endpoint({
  ...{ method: 'GET', path: '/v1/jobs/{name}/operations', operationId: 'listOperations', tag: 'Jobs' },
  summary: 'What was asked of a job: its newest operations',
  ...{ params: jobNamed, query: nothing },
  answers: { 200: { description: 'The newest operations, at most a page.', schema: operationPageSchema } },
  handle: async (request, parts) => {
    const { tenant } = request.caller;
    const operations = await parts.goals.listOperations(tenant, request.path.name);
    if (operations.length === 0) await findJob(parts, tenant, request.path.name);
    return jsonAnswer(200, { items: operations.map(operationView) });
  },
});
