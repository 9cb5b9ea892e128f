// GET /v1/routes/{name}: a route as declared, and the state of its jobs.
import { routeSchema } from '#core/api/schemas.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { routeViews } from '#functions/api/job-view.ts';
import { missing } from '#functions/api/missing.ts';
import { named, nothing } from '#functions/api/parameters.ts';
import { etagOf } from '#functions/api/preconditions.ts';

export const getRoute = endpoint({
  ...{ method: 'GET', path: '/v1/routes/{name}', operationId: 'getRoute', tag: 'Routes' },
  summary: 'A route: what is declared of it, and its jobs',
  ...{ params: named, query: nothing },
  answers: { 200: { description: 'The route.', schema: routeSchema, headers: ['etag'] } },
  handle: async (request, parts) => {
    const { tenant } = request.caller;
    const known = await parts.worlds.read(tenant);
    const revision = known.revision('Route', request.path.name);
    if (!revision) throw missing('route', request.path.name, known.names('Route'));
    const [view] = await routeViews(parts, known, [revision]);
    return jsonAnswer(200, view, { etag: etagOf(revision.revision) });
  },
});
