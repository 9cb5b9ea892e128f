// The API as a Lambda function: an answer leaves as a whole, so what fails while its lines are made is an answer too.
import { beforeAll, expect, test } from '@jest/globals';
import { PlatformError, unavailable } from '#core/errors.ts';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { Logger } from '#core/ports/logger.ts';
import type { RecordLog } from '#core/ports/record-log.ts';
import { unlimitedRequests } from '#core/ports/request-budget.ts';
import { createLambda } from '#functions/api/handler.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { WorldCache } from '#functions/api/world-cache.ts';
import { theTime } from '#test/support/builders.ts';
import { createMemoryGoalStore } from '#test/support/memory-goal-store.ts';
import { silent } from '#test/support/silent-logger.ts';

beforeAll(loadParser);

const aRecord = (text: string) => ({
  ...{ partition: 0, offset: '0', timestamp: theTime, key: null, headers: [] },
  value: new TextEncoder().encode(text),
});

/** A stream of one record, after which reading goes on as `then` says. */
async function ask(then: () => void, accept: string, text = '{"n":1}') {
  const goals = createMemoryGoalStore({ now: () => theTime });
  const declared = { partitions: 1 };
  const metadata = { name: 'plays', owner: 'playback', labels: {} };
  await goals.apply({ tenant: 'default', kind: 'Stream', metadata, declared, author: 'ann', reason: '' });
  const read: RecordLog['read'] = async function* () {
    yield aRecord(text);
    then();
  };
  const logged: unknown[] = [];
  const logger: Logger = { ...silent, info: (_, fields) => logged.push(fields) };
  const parts = {
    ...{ goals, logger, identity: 'header', settings: localSettings, budget: unlimitedRequests },
    worlds: new WorldCache(goals, planRoute),
    records: { read },
    broker: { describe: async () => [{}] },
  } as unknown as ApiParts;
  const path = '/v1/streams/plays/records';
  const event = {
    ...{ rawPath: path, rawQueryString: '', headers: { accept }, isBase64Encoded: false },
    requestContext: { requestId: 'request-1', http: { method: 'GET', path } },
  };
  const context = { getRemainingTimeInMillis: () => 20_000 };
  const { statusCode, headers, body = '' } = await createLambda(parts)(event as never, context as never);
  return { statusCode, headers, text: Buffer.from(body, 'base64').toString(), logged };
}

test.each(['application/x-ndjson', 'application/json', 'text/event-stream'])(
  'records that end well leave as one answer, as %s',
  async (accept) => {
    const { statusCode, headers, text } = await ask(() => {}, accept);
    expect([statusCode, headers?.['content-type']]).toEqual([200, accept]);
    expect(text).toContain('{"n":1}');
  },
);

test.each(['\r', '\n', '\r\n'])('a record stays one event, whatever line breaks (%j) stand in it', async (br) => {
  const forged = `{"n":${br}${br}data: {"forged":true}${br}${br}id: 7${br}1}`;
  const { text } = await ask(() => {}, 'text/event-stream', forged);
  expect(text).toBe(`data: ${forged.replaceAll(/[\r\n]/g, ' ')}\n\n`);
  const lines = await ask(() => {}, 'application/x-ndjson', forged);
  expect(lines.text).toBe(`${forged.replaceAll(/[\r\n]/g, ' ')}\n`);
});

const truncated = new PlatformError('topic-truncated', 'what was being read is gone', {
  fault: 'external',
  retry: 'no-retry',
});
test.each([
  ['the registry is down', unavailable('schema-registry', new Error('refused')), 'schema-registry-unavailable'],
  ['what was being read is gone', truncated, 'topic-truncated'],
] as const)(
  'of records that cannot be read to the end because %s nothing is told but that, and when to try again',
  async (_, error, code) => {
    const fail = () => {
      throw error;
    };
    for (const accept of ['application/x-ndjson', 'application/json']) {
      const { statusCode, headers, text, logged } = await ask(fail, accept);
      expect([statusCode, JSON.parse(text).code]).toEqual([503, code]);
      expect(headers).toMatchObject({
        ...{ 'content-type': 'application/problem+json', 'retry-after': '2', 'millrace-request-id': 'request-1' },
      });
      expect(logged).toMatchObject([{ requestId: 'request-1', status: 503 }]);
    }
  },
);
