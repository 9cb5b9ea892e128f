// GET /v1/routes: all routes, in pages by name.
import { routePageSchema } from '#core/api/schemas.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { routeViews } from '#functions/api/job-view.ts';
import { nothing, pageOf, pageQuery } from '#functions/api/parameters.ts';

export const listRoutes = endpoint({
  ...{ method: 'GET', path: '/v1/routes', operationId: 'listRoutes', tag: 'Routes' },
  summary: 'Routes, by name',
  ...{ params: nothing, query: pageQuery },
  answers: { 200: { description: 'A page of routes.', schema: routePageSchema } },
  handle: async (request, parts) => {
    const { tenant } = request.caller;
    const page = await parts.goals.list(tenant, 'Route', pageOf(request.search));
    return jsonAnswer(200, { ...page, items: await routeViews(parts, await parts.worlds.read(tenant), page.items) });
  },
});
