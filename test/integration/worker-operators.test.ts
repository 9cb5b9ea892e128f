// A worker as a process on the real parts: chains of operators, what they remember over restarts, and the secrets they need.
import { createHmac } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { secretVariable } from '#adapters/environment/secret-store.ts';
import { secretFiles } from '#adapters/local/secret-files.ts';
import { isBalanced } from '#core/job/accounting.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import { deadLetterHeaders, environment } from '#core/names.ts';
import { plannedRoute } from '#test/support/run-chain.ts';
import { until } from '#test/support/until.ts';
import { addressesFromEnvironment, WorkerRig } from '../workers/worker-rig.ts';

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterEach(() => rig.endWorkers());
afterAll(async () => await rig.close());

/** The goal of a job with such a route. */
async function jobOf(route: object, partitions: number, keyed = false) {
  const { operators, programs, problems } = plannedRoute(
    keyed ? { ...route, to: [{ name: 'out', stream: 'sink', key: 'id' }] } : route,
  );
  expect(problems).toEqual([]);
  const goal = { operators, program: programs.get('out')! };
  return await rig.job({ partitions, goal, ...(keyed ? { key: 'id' } : {}) });
}
const valuesOf = async (topic: string): Promise<readonly string[]> =>
  (await rig.read(topic)).map(({ value }) => String(value)).sort();

describe('a chain of operators', () => {
  test('makes several records of one, keyed each by its own, and the books say how many', async () => {
    const route = {
      where: 'ok',
      operators: [{ hygiene: { email: 'hash' } }, { explode: { field: 'tags', as: 'tag' } }],
      select: 'id || tag AS id, email, 6 / n AS part',
    };
    const goal = await jobOf(route, 2, true);
    await rig.produce(goal.source.topic, [
      ...Array.from({ length: 1_000 }, (_, id) => ({
        partition: id % 2,
        value: JSON.stringify({ ok: id % 10 > 0, id: `i${id}-`, n: 2, email: 'a@b.c', tags: ['x', 'y', 'z'] }),
      })),
      { partition: 0, value: '{"ok":true,"id":"none","tags":[]}' },
      { partition: 1, value: '{"ok":true,"id":"bad-","n":0,"tags":["x"]}', headers: { trace: 't1' } },
      { partition: 1, value: null },
    ]);
    const worker = await rig.start(goal, 1, 0, { [secretVariable('pii-salt')]: 'salt & pepper' });
    const accounting = await rig.accounted(goal, 1_003);
    expect(accounting).toEqual({ in: 1_003, out: 900, filtered: 102, deadLettered: 1, dropped: {}, emitted: 2_700 });
    expect(isBalanced(accounting)).toBe(true);
    const records = await rig.read(goal.sink.topic);
    expect(records).toHaveLength(2_700);
    const email = createHmac('sha256', 'salt & pepper').update('a@b.c').digest('hex');
    for (const { key, value } of records) {
      const event = JSON.parse(String(value)) as { id: string };
      expect(event).toEqual({ id: expect.stringMatching(/^i\d+-[xyz]$/), email, part: 3 });
      expect(String(key)).toBe(event.id);
    }
    const [dead] = await rig.read(goal.deadLetterTopic);
    expect(String(dead!.value)).toBe('{"ok":true,"id":"bad-","n":0,"tags":["x"]}');
    expect(String(dead!.headers[deadLetterHeaders.errorCode])).toBe('division_by_zero');
    expect(String(dead!.headers['trace'])).toBe('t1');
    worker.child.kill('SIGTERM');
    expect(await worker.exited).toBe(exitCodes.ended);
  });

  test('reads nothing while a secret that it needs is missing, says which, and goes on once it is set', async () => {
    const goal = await jobOf({ operators: [{ hygiene: { email: { hash: { salt: 'mail-salt' } } } }] }, 1);
    await rig.produce(goal.source.topic, [{ value: '{"email":"a@b.c"}' }]);
    const folder = await mkdtemp(join(tmpdir(), 'millrace-secrets-'));
    const worker = await rig.start(goal, 1, 0, { [environment.secretsDir]: folder });
    const waiting = await rig.heartbeatWith(goal, worker.name, ({ errors }) => errors.length > 0);
    expect(waiting.errors[0]).toMatchObject({ code: 'secret-missing', message: expect.stringContaining('mail-salt') });
    expect(await rig.count(goal.sink.topic)).toBe(0);
    await secretFiles(folder).set('default', 'mail-salt', 'pepper');
    await rig.accounted(goal, 1);
    const email = createHmac('sha256', 'pepper').update('a@b.c').digest('hex');
    expect(await valuesOf(goal.sink.topic)).toEqual([`{"email":"${email}"}`]);
  });
});

describe('dedup', () => {
  const route = { operators: [{ dedup: { key: 'id', within: '1h', events: 1_000 } }] };
  const send = async (topic: string, ids: readonly number[], partitions = 2) =>
    await rig.produce(
      topic,
      ids.map((id) => ({ partition: id % partitions, value: `{"id":${id}}` })),
    );
  const upTo = (count: number) => Array.from({ length: count }, (_, id) => id);

  test('knows after a kill -9 and after an orderly handover what was there before, and loses nothing', async () => {
    const goal = await jobOf(route, 2);
    await send(goal.source.topic, [...upTo(400), ...upTo(400)]);
    const first = await rig.start(goal);
    expect(await rig.accounted(goal, 800)).toMatchObject({ out: 400, filtered: 400 });
    first.child.kill('SIGKILL');
    await first.exited;
    await send(goal.source.topic, [...upTo(400), 1_000, 1_001]);
    const second = await rig.start(goal, 2);
    expect(await rig.accounted(goal, 1_202)).toEqual({
      ...{ in: 1_202, out: 402, filtered: 800, deadLettered: 0, dropped: {} },
    });
    second.child.kill('SIGTERM');
    expect(await second.exited).toBe(exitCodes.ended);
    await send(goal.source.topic, [5, 1_000, 1_001, 2_000]);
    await rig.start(goal, 3);
    expect(await rig.accounted(goal, 1_206)).toMatchObject({ out: 403, filtered: 803 });
    const ids = (await rig.read(goal.sink.topic)).map(({ value }) => (JSON.parse(String(value)) as { id: number }).id);
    expect(ids.sort((a, b) => a - b)).toEqual([...upTo(400), 1_000, 1_001, 2_000]);
  });

  test('goes on where retention has taken what it would have read again', async () => {
    const goal = await jobOf(route, 1);
    await send(goal.source.topic, upTo(300), 1);
    const first = await rig.start(goal);
    await rig.accounted(goal, 300);
    first.child.kill('SIGTERM');
    await first.exited;
    const deletion = { topic: goal.source.topic, partitions: [{ partition: 0, offset: '200' }] };
    await until(
      async () =>
        await rig.admin.deleteTopicRecords(deletion).then(
          () => true,
          () => null,
        ),
      'the admin client to know the leader',
    );
    await send(goal.source.topic, [10, 250, 500], 1);
    await rig.start(goal, 2);
    // The event 10 was there before, but its first occurrence is gone; the event 250 is still known.
    expect(await rig.accounted(goal, 303)).toEqual({
      ...{ in: 303, out: 302, filtered: 1, deadLettered: 0, dropped: {} },
    });
  });
});
