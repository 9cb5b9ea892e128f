// Events under an Idempotency-Key, where the store of keys fails behind the append: they are in the log, and whoever sent them is told so.
import { beforeAll, expect, test } from '@jest/globals';
import { unavailable } from '#core/errors.ts';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { unlimitedRequests } from '#core/ports/request-budget.ts';
import type { BegunRequest, RequestLedger } from '#core/ports/request-ledger.ts';
import { createLambda } from '#functions/api/handler.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { WorldCache } from '#functions/api/world-cache.ts';
import { theTime } from '#test/support/builders.ts';
import { createMemoryGoalStore } from '#test/support/memory-goal-store.ts';
import { silent } from '#test/support/silent-logger.ts';

beforeAll(loadParser);

/** Keys in memory, whose store is gone for the first so many answers. */
function ledgerOf(failures: number): RequestLedger {
  const keys = new Map<string, BegunRequest>();
  let failed = 0;
  return {
    begin: async (_, key) => {
      const known = keys.get(key);
      if (known === undefined) keys.set(key, { kind: 'running' });
      return known ?? { kind: 'begun' };
    },
    answer: async (_, key, answer) => {
      if (failed++ < failures) throw unavailable('postgres', new Error('Connection terminated unexpectedly'));
      keys.set(key, { kind: 'answered', answer });
    },
    abandon: async (_, key) => void keys.delete(key),
  };
}

async function rig(failures: number) {
  const goals = createMemoryGoalStore({ now: () => theTime });
  const metadata = { name: 'plays', owner: 'playback', labels: {} };
  const by = { tenant: 'default', author: 'ann', reason: '' };
  await goals.apply({ ...by, kind: 'Stream', metadata, declared: { partitions: 1 } });
  const warned: string[] = [];
  let appended = 0;
  const parts = {
    ...{ goals, identity: 'header', settings: localSettings, budget: unlimitedRequests, planRoute },
    logger: { ...silent, warn: (message: string) => void warned.push(message) },
    worlds: new WorldCache(goals, planRoute),
    ledger: ledgerOf(failures),
    clock: { now: () => theTime },
    records: {
      append: async (_: string, records: readonly unknown[]) =>
        records.map(() => ({ kind: 'appended', partition: 0, offset: String(appended++) })),
    },
  } as unknown as ApiParts;
  const api = createLambda(parts);
  const path = '/v1/streams/plays/records';
  const send = async () => {
    const event = {
      ...{ rawPath: path, rawQueryString: '', body: '[{"id":1}]', isBase64Encoded: false },
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k1' },
      requestContext: { requestId: 'request-1', http: { method: 'POST', path } },
    };
    const { statusCode, body = '' } = await api(event as never, { getRemainingTimeInMillis: () => 20_000 } as never);
    return { status: statusCode, json: JSON.parse(Buffer.from(body, 'base64').toString()) };
  };
  return { send, warned, appended: () => appended };
}

test('a store that is gone for a moment is asked again, and the same request is answered the same', async () => {
  const { send, warned, appended } = await rig(2);
  const first = await send();
  expect(first).toMatchObject({ status: 200, json: { acknowledged: 1, results: [{ offset: '0' }] } });
  expect(await send()).toEqual(first);
  expect([appended(), warned]).toEqual([1, []]);
});

test('where it stays gone, events that are in the log are still told to be there, and somebody is warned', async () => {
  const { send, warned, appended } = await rig(Number.POSITIVE_INFINITY);
  expect(await send()).toMatchObject({ status: 200, json: { acknowledged: 1, results: [{ offset: '0' }] } });
  expect(warned).toEqual([expect.stringMatching(/is not kept/)]);
  expect(await send()).toMatchObject({ status: 409, json: { code: 'request-running' } });
  expect(appended()).toBe(1);
});
