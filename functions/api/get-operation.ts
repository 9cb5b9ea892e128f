// GET /v1/jobs/{name}/operations/{id}: what became of an operation.
import * as z from 'zod';
import { operationSchema } from '#core/api/schemas.ts';
import { endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { missing } from '#functions/api/missing.ts';
import { jobNamed, nothing } from '#functions/api/parameters.ts';
import { operationView } from '#functions/api/views.ts';

export const getOperation = endpoint({
  ...{ method: 'GET', path: '/v1/jobs/{name}/operations/{id}', operationId: 'getOperation', tag: 'Jobs' },
  summary: 'What became of an operation',
  params: jobNamed.extend({ id: z.uuid() }),
  query: nothing,
  answers: { 200: { description: 'The operation.', schema: operationSchema } },
  handle: async (request, parts) => {
    const { name, id } = request.path;
    const operation = await parts.goals.readOperation(request.caller.tenant, id);
    if (operation?.job === name) return jsonAnswer(200, operationView(operation));
    const known = await parts.goals.listOperations(request.caller.tenant, name);
    throw missing(
      'operation',
      id,
      known.map((one) => one.id),
    );
  },
});
