// Settings that a running worker takes over: under load, by the same process, on the same splits, within seconds.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { storedLive } from '#core/job/live-settings.ts';
import { until } from '#test/support/until.ts';
import { addressesFromEnvironment, WorkerRig } from '#test/workers/worker-rig.ts';

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterEach(() => rig.endWorkers());
afterAll(() => rig.close());

describe('live settings', () => {
  test('change the error policy and the fetch size under load, in the same process, on the same epochs', async () => {
    const goal = await rig.job({ select: '100 / (n::int) AS share' });
    const worker = await rig.start(goal);
    let isOver = false;
    let sent = 0;
    const load = (async () => {
      for (; !isOver; sent += 20, await sleep(20))
        await rig.produce(
          goal.source.topic,
          Array.from({ length: 20 }, (_, n) => ({ value: JSON.stringify({ n: n % 2 }) })),
        );
    })();
    await until(async () => ((await rig.accounting(goal)).deadLettered > 20 ? true : null), 'dead letters');
    const epochs = (await rig.records(goal)).map(({ epoch }) => epoch);

    const settings = { ...goal.settings, fetchBytesMax: 64 * 1024 };
    const changed = { ...goal, revision: 2, errors: { ...goal.errors, poison: 'drop' as const }, settings };
    const askedMs = performance.now();
    await rig.workers.setLive(goal.id, storedLive(changed));
    const { hash } = storedLive(changed);
    const heartbeat = await rig.heartbeatWith(goal, worker.name, ({ live }) => live === hash);
    await until(async () => ((await rig.accounting(goal)).dropped.poison ?? 0) > 20 || null, 'records to be dropped');
    const tookMs = performance.now() - askedMs;
    console.info(`live settings: ${Math.round(tookMs)} ms until the new policy was seen in the committed account`);
    expect(tookMs).toBeLessThan(5_000);
    expect(heartbeat).toMatchObject({ pid: worker.child.pid, revision: 2, incarnation: 1 });
    expect((await rig.records(goal)).map(({ epoch }) => epoch)).toEqual(epochs);

    // An older goal's settings that arrive late change nothing.
    await rig.workers.setLive(goal.id, storedLive(goal));
    const letters = (await rig.accounting(goal)).deadLettered;
    await until(async () => ((await rig.accounting(goal)).dropped.poison ?? 0) > 100 || null, 'more to be dropped');
    isOver = true;
    await load;
    const account = await rig.accounted(goal, sent);
    expect(account.deadLettered).toBe(letters);
    expect(account.in).toBe(account.out + account.deadLettered + (account.dropped.poison ?? 0));
  });

  test('hold a running worker to a rate, and let it go again', async () => {
    const goal = await rig.job({ where: 'n >= 0' });
    const worker = await rig.start(goal);
    const send = async (count: number): Promise<void> =>
      await rig.produce(
        goal.source.topic,
        Array.from({ length: count }, (_, n) => ({ value: JSON.stringify({ n }) })),
      );
    await send(100);
    await rig.accounted(goal, 100);
    const perSecond = 40;
    const held = { ...goal, revision: 2, throttle: perSecond };
    const askedMs = performance.now();
    await rig.workers.setLive(goal.id, storedLive(held));
    await rig.heartbeatWith(goal, worker.name, ({ live }) => live === storedLive(held).hash);
    console.info(
      `live settings: ${Math.round(performance.now() - askedMs)} ms until the worker said that it is throttled`,
    );
    const beganMs = performance.now();
    await send(1_000);
    const { in: read } = await rig.accounted(goal, 100 + 2 * perSecond);
    const seconds = (performance.now() - beganMs) / 1_000;
    // The bucket's content and one commit's worth aside.
    expect(read - 100).toBeLessThanOrEqual(perSecond * (seconds + 0.5));

    const free = { ...held, revision: 3, throttle: null };
    await rig.workers.setLive(goal.id, storedLive(free));
    expect(await rig.accounted(goal, 1_100)).toMatchObject({ in: 1_100, out: 1_100 });
    expect((await rig.heartbeat(goal, worker.name))?.pid).toBe(worker.child.pid);
  });
});
