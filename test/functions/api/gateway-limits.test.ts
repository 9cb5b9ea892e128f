// What API Gateway and Lambda hand on at most: no endpoint takes or answers more, and none takes longer.
import { expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { unlimitedRequests } from '#core/ports/request-budget.ts';
import { answerBytesMax, createLambda } from '#functions/api/handler.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { endpoints } from '#functions/api/routes.ts';

const gateway = { requestBytes: 10 * 1024 * 1024, lambdaBytes: 6 * 1024 * 1024 } as const;

test('no endpoint says that it takes more than the gateway lets through', () => {
  for (const { operationId, body } of endpoints)
    if (body) expect([operationId, body.bytesMax <= gateway.requestBytes]).toEqual([operationId, true]);
});

test('an answer that cannot leave at once is told to be too large, and says what to do; the largest that can fits Lambda', async () => {
  const audit = (bytes: number) => ({
    verify: async () => ({ ok: false, entries: 0, at: 0, problem: 'x'.repeat(bytes) }),
  });
  const ask = async (bytes: number) => {
    const logger = createLogger({ level: 'error', fields: {} });
    const parts = {
      identity: 'authorizer',
      logger,
      audit: audit(bytes),
      budget: unlimitedRequests,
    } as unknown as ApiParts;
    const event = {
      ...{ rawPath: '/v1/audit/verification', rawQueryString: '', headers: {}, isBase64Encoded: false },
      requestContext: { requestId: 'r', http: { method: 'GET', path: '/' }, authorizer: { iam: { userArn: 'arn:x' } } },
    };
    const context = { getRemainingTimeInMillis: () => 20_000 } as Context;
    return await createLambda(parts)(event as unknown as APIGatewayProxyEventV2, context);
  };
  const largest = await ask(answerBytesMax - 100);
  expect(largest.statusCode).toBe(200);
  expect(JSON.stringify(largest).length).toBeLessThan(gateway.lambdaBytes);
  const { statusCode, body = '', headers } = await ask(answerBytesMax + 1);
  const problem = JSON.parse(Buffer.from(body, 'base64').toString());
  expect([statusCode, problem.code, problem.fix]).toEqual([422, 'answer-too-large', 'ask for fewer: limit']);
  expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'millrace-request-id': 'r' });
});
