// What every answer of the API bears, whatever it says.
import { expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import type { Answer } from '#functions/api/endpoint.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { forApi } from '#functions/middleware.ts';

const asked = {
  requestContext: { requestId: 'request-1', http: { method: 'GET', path: '/v1/streams' } },
} as APIGatewayProxyEventV2;
const quiet = createLogger({ level: 'error', to: '/dev/null' });
const answers: readonly (() => Promise<Answer>)[] = [
  async () => ({ kind: 'json', status: 200, body: { text: '<script>' } }),
  async () => ({ kind: 'json-text', status: 200, text: '{}' }),
  async () => ({ kind: 'empty', status: 204 }),
  async () => ({ kind: 'lines', contentType: 'application/x-ndjson', lines: (async function* () {})() }),
  async () => Promise.reject(new ApiRefusal(404, 'not-found', 'there is no <script>')),
  async () => Promise.reject(new Error('a fault')),
];

test.each(answers.map((answer, index) => [index, answer] as const))(
  'answer %i is not kept by anybody on the way, and no browser takes it for what it does not say it is',
  async (_, answer) => {
    const { headers, status } = await forApi(answer, quiet)(asked, {});
    expect(headers).toMatchObject({
      ...{ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'millrace-request-id': 'request-1' },
    });
    if (status !== 204) expect(headers['content-type']).toMatch(/^application\/(json|problem\+json|x-ndjson)$/);
  },
);
