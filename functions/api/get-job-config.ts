// GET /v1/jobs/{name}/config: each parameter of a job with its layer, its source and its history.
import { configSchema } from '#core/api/config-schemas.ts';
import { explainConfig } from '#core/config/explain.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { findJob } from '#functions/api/job-view.ts';
import { jobNamed, nothing } from '#functions/api/parameters.ts';

export const getJobConfig = endpoint({
  ...{ method: 'GET', path: '/v1/jobs/{name}/config', operationId: 'getJobConfig', tag: 'Configuration' },
  summary: 'What each parameter of a job is, which layer says so, and what it was before',
  ...{ params: jobNamed, query: nothing },
  answers: { 200: { description: 'All parameters that the job has.', schema: configSchema } },
  handle: async (request, parts) => {
    const { tenant } = request.caller;
    const { config, goal } = await findJob(parts, tenant, request.path.name);
    if (config === undefined) throw new Error(`job ${goal.name} was compiled without its configuration`);
    const [ofJob, ofTeam, revisions] = await Promise.all([
      parts.goals.configHistory(tenant, { scope: 'job', subject: goal.name, uid: goal.uid }),
      parts.goals.configHistory(tenant, { scope: 'team', subject: goal.owner }),
      parts.goals.revisions(tenant, 'Route', goal.route),
    ]);
    return jsonAnswer(200, explainConfig(config, { entries: [...ofJob, ...ofTeam], revisions }));
  },
});
