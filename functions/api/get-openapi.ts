// GET /v1/openapi.json: the API's description, as it is committed in docs/reference.

import * as z from 'zod';
import { type Endpoint, endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { nothing } from '#functions/api/parameters.ts';

export const getOpenapi = (described: readonly Endpoint[]): Endpoint => {
  const self: Endpoint = endpoint({
    ...{ method: 'GET', path: '/v1/openapi.json', operationId: 'getOpenapi', tag: 'Platform' },
    summary: 'This description',
    open: true,
    ...{ params: nothing, query: nothing },
    answers: { 200: { description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.unknown()) } },
    handle: async () => {
      // Loaded when it is asked for: few instances of the function ever are.
      const { describeApi } = await import('#functions/api/openapi.ts');
      document ??= describeApi([...described, self]);
      return jsonAnswer(200, document);
    },
  });
  let document: unknown = null;
  return self;
};
