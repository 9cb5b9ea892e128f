// A switch as the API takes it: which job it keeps, what it calls the new sink, and what becomes of it where others change something meanwhile.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { Operation } from '#core/ports/goal-store.ts';
import { unlimitedRequests } from '#core/ports/request-budget.ts';
import type { Json } from '#core/spec/json.ts';
import { createLambda } from '#functions/api/handler.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { WorldCache } from '#functions/api/world-cache.ts';
import { theTime } from '#test/support/builders.ts';
import { createMemoryControlStore } from '#test/support/memory-control-store.ts';
import { createMemoryGoalStore } from '#test/support/memory-goal-store.ts';
import { silent } from '#test/support/silent-logger.ts';

beforeAll(loadParser);

/** The stream `s1`, read by the route `r` with the job `r.out`; and `s2`. */
async function rig() {
  const goals = createMemoryGoalStore({ now: () => theTime });
  const by = { tenant: 'default', author: 'ann', reason: '' };
  const declare = async (kind: 'Stream' | 'Route', name: string, declared: Json) =>
    await goals.apply({ ...by, kind, metadata: { name, owner: 'playback', labels: {} }, declared });
  for (const name of ['s1', 's2']) await declare('Stream', name, { partitions: 1 });
  await declare('Route', 'r', { from: 's1', to: [{ name: 'out', stream: 'o' }] });
  let meanwhile: () => Promise<unknown> = async () => {};
  const parts = {
    ...{ goals, logger: silent, identity: 'header', settings: localSettings, budget: unlimitedRequests, planRoute },
    worlds: new WorldCache(goals, planRoute),
    controls: createMemoryControlStore(),
    clock: { now: () => theTime },
    splits: { list: async () => [] },
    broker: {
      describe: async (topics: readonly string[]) => topics.map((topic) => ({ topic, topicId: `id-${topic}` })),
      positions: async () => [{ partition: 0, earliest: '0', latest: '0' }],
    },
  } as unknown as ApiParts;
  const requestOperation = goals.requestOperation.bind(goals);
  goals.requestOperation = async (request) => {
    await meanwhile();
    return await requestOperation(request);
  };
  const api = createLambda(parts);
  const path = '/v1/jobs/r.out/operations';
  return {
    ...{ goals, by, declare },
    /** Done by others after the switch was planned, and before it is declared. */
    meanwhile: (work: () => Promise<unknown>) => {
      meanwhile = work;
    },
    switchTo: async ({ dryRun = false, ...wish }: Readonly<Record<string, unknown>>) => {
      const event = {
        ...{
          rawPath: path,
          rawQueryString: dryRun ? 'dryRun=true' : '',
          headers: { 'content-type': 'application/json' },
        },
        ...{ body: JSON.stringify({ kind: 'switch', ...wish }), isBase64Encoded: false },
        requestContext: { requestId: 'request-1', http: { method: 'POST', path } },
      };
      const { statusCode, body = '' } = await api(event as never, { getRemainingTimeInMillis: () => 20_000 } as never);
      return { status: statusCode, json: JSON.parse(Buffer.from(body, 'base64').toString()) };
    },
    declared: async () =>
      (await goals.read('default', 'Route', 'r'))?.declared as { from: string; to: readonly Json[] },
    operations: async (): Promise<readonly Operation[]> => await goals.listOperations('default', 'r.out'),
  };
}

describe('a new sink', () => {
  test('of another name is refused, since it would be another job; of the same name, or none, the job goes on', async () => {
    const { switchTo, declared, operations } = await rig();
    const other = await switchTo({ sink: { name: 'other', stream: 'elsewhere' } });
    expect([other.status, other.json.code]).toEqual([422, 'body-invalid']);
    expect(other.json.detail).toMatch(/^body sink.name: got "other", expected "out", or no name/);
    expect(await operations()).toEqual([]);
    const same = await switchTo({ sink: { name: 'out', stream: 'elsewhere' } });
    expect(same.status).toBe(202);
    expect((await declared()).to).toEqual([{ name: 'out', stream: 'elsewhere' }]);
  });

  test.each([
    [{ stream: 'elsewhere' }, 'elsewhere'],
    [{ key: 'id', stream: 'elsewhere' }, 'elsewhere'],
    [{ where: 'id is not null', http: { url: 'http://127.0.0.1:9200/in' } }, 'http http://127.0.0.1:9200/in'],
    [{ opensearch: { index: 'plays', url: 'http://127.0.0.1:9200' } }, 'opensearch 127.0.0.1:9200/plays'],
  ])('%j is called %p, as in lists', async (sink, title) => {
    const { switchTo } = await rig();
    const { status, json } = await switchTo({ sink });
    expect([status, json.plan ?? json.detail]).toMatchObject([202, { from: 'o', to: title }]);
  });
});

test('a new sink of a job whose revisions are tried first has the effects of a switch only: all its workers end, none is tried', async () => {
  const { declare, switchTo } = await rig();
  await declare('Stream', 's1', { partitions: 4 });
  const to = [{ name: 'out', stream: 'o' }];
  await declare('Route', 'r', { from: 's1', to, delivery: { onRedeploy: 'canary' } });
  const { status, json } = await switchTo({ sink: { stream: 'elsewhere' }, dryRun: true });
  expect([status, json.effects]).toEqual([
    200,
    [
      'the route is declared anew, with elsewhere instead of o',
      'all workers deliver what they read to o, commit and end; then elsewhere gets what comes after that',
      'topic elsewhere: created with 4 partition(s)',
      'what o holds stays there',
    ],
  ]);
});

describe('what others declare while a switch is planned', () => {
  const earliest = { source: 's2', at: 'earliest' };

  test('and is what it needs, fails it: the route stays as it is, and the operation says why', async () => {
    const { goals, by, switchTo, declared, operations, meanwhile } = await rig();
    meanwhile(async () => await goals.remove({ ...by, kind: 'Stream', name: 's2' }));
    const { status, json } = await switchTo(earliest);
    expect([status, json.code]).toEqual([422, 'declaration-refused']);
    expect((await declared()).from).toBe('s1');
    expect(await operations()).toMatchObject([
      { state: 'failed', outcome: expect.stringMatching(/^nothing was switched: Route r: spec.from: .*s2/) },
    ]);
  });

  test('and closes a ring with it, fails it', async () => {
    const { declare, switchTo, declared, operations, meanwhile } = await rig();
    meanwhile(async () => await declare('Route', 'back', { from: 'o', to: [{ name: 'out', stream: 's2' }] }));
    expect((await switchTo(earliest)).json.code).toBe('declaration-refused');
    expect((await declared()).from).toBe('s1');
    expect(await operations()).toMatchObject([{ state: 'failed' }]);
  });

  test('and is another revision of the route, fails it', async () => {
    const { declare, switchTo, declared, operations, meanwhile } = await rig();
    meanwhile(async () => await declare('Route', 'r', { from: 's1', to: [{ name: 'out', stream: 'mine' }] }));
    const { status, json } = await switchTo(earliest);
    expect([status, json.code]).toEqual([409, 'moved']);
    expect(await declared()).toMatchObject({ from: 's1', to: [{ stream: 'mine' }] });
    expect(await operations()).toMatchObject([{ state: 'failed' }]);
  });

  test('and has nothing to do with it, does not hold it up', async () => {
    const { declare, switchTo, declared, operations, meanwhile } = await rig();
    meanwhile(async () => await declare('Stream', 'another', { partitions: 1 }));
    expect((await switchTo(earliest)).status).toBe(202);
    expect((await declared()).from).toBe('s2');
    expect(await operations()).toMatchObject([{ state: 'requested', plan: { revision: 2 } }]);
  });
});
