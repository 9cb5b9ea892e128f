// A worker that delivers exactly once: what a reader of committed records sees, whatever dies, wakes up or is lost.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { initProducerIdV5 } from '@platformatic/kafka';
import { isBalanced } from '#core/job/accounting.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { transactionalId } from '#core/names.ts';
import { aDelivery, anErrorPolicy } from '#test/support/builders.ts';
import { plannedRoute } from '#test/support/run-chain.ts';
import { until } from '#test/support/until.ts';
import { type AnswerOf, Cluster, parseBrokers } from '#workers/kafka/cluster.ts';
import { errorCodes } from '#workers/kafka/error-codes.ts';
import { startLoad } from '../workers/load.ts';
import { readCommitted } from '../workers/read-committed.ts';
import {
  addressesFromEnvironment,
  type GoalWishes,
  type StreamJobGoal,
  shapes,
  WorkerRig,
} from '../workers/worker-rig.ts';

// Bounds for hangs: several workers start one after the other in these.
jest.setTimeout(240_000);
const withinMs = 100_000;

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterEach(async () => await rig.endWorkers());
afterAll(async () => await rig.close());

/** Who is to lose it is fenced by hand: it need only outlast what a busy machine stands still. */
const leaseMs = 6_000;
const goalWith = async (more: GoalWishes = {}): Promise<StreamJobGoal> =>
  await rig.job({
    where: 'id >= 0',
    ...more,
    settings: { leaseMs, transactionMs: 100, ...more.settings },
    goal: { delivery: { ...aDelivery, guarantee: 'exactly-once' }, ...more.goal },
  });

/** A transaction is committed before its markers are everywhere: readers see it a moment later. */
const committedOf = async (topic: string, count: number) =>
  await until(async () => {
    const records = await readCommitted(rig.addresses.kafka, topic);
    return records.length >= count ? records : null;
  }, `${count} committed records of ${topic}`);

/** Ids from 0 to `count` that a reader of committed records misses, and arrivals beyond one. */
async function compare(goal: StreamJobGoal, count: number): Promise<{ lost: number; duplicates: number }> {
  const ids = (await committedOf(goal.sink.topic, count)).map(
    ({ value }) => (JSON.parse(String(value)) as { id: number }).id,
  );
  const seen = new Set(ids);
  return { lost: count - seen.size, duplicates: ids.length - seen.size };
}

/** Takes the transactional ids of all splits, as a successor does that nobody else knows of. */
async function seize(goal: StreamJobGoal): Promise<void> {
  const cluster = new Cluster(parseBrokers(rig.addresses.kafka), [goal.source.topic], 'test-successor');
  await cluster.refresh();
  for (const { split } of await rig.records(goal)) {
    const id = transactionalId(goal.id, split);
    await until(async () => {
      const link = await cluster.coordinator('transaction', id);
      const { errorCode } = await link.call<AnswerOf<typeof initProducerIdV5>>((connection, done) =>
        initProducerIdV5.api(connection, id, 10_000, -1n, -1, done),
      );
      return errorCode === errorCodes.none ? true : null;
    }, `the transactional id of ${split}`);
  }
  await cluster.close();
}

const exact = { lost: 0, duplicates: 0 };

describe('exactly once', () => {
  test('every event arrives, with the dead letters, the position and the account in one transaction', async () => {
    // Nobody dies in this, and nobody would start another worker: the lease is one that a busy machine does not let lapse.
    const goal = await goalWith({ where: 'id / (id % 10 - 5) > -1000000', settings: { leaseMs: 20_000 } });
    await rig.start(goal);
    const events = Array.from({ length: 2_000 }, (_, id) => ({ key: `k${id % 7}`, value: JSON.stringify({ id }) }));
    await rig.produce(goal.source.topic, events);
    const accounting = await rig.accounted(goal, 2_000, withinMs);
    expect(accounting).toMatchObject({ in: 2_000, out: 1_800, deadLettered: 200 });
    expect(isBalanced(accounting)).toBe(true);
    expect(await committedOf(goal.sink.topic, 1_800)).toHaveLength(1_800);
    expect(await committedOf(goal.deadLetterTopic, 200)).toHaveLength(200);
  });
});

describe.each(shapes)('when a worker of $shape dies in the middle of transactions', ({ resources }) => {
  test('its replacement loses and doubles nothing, and the books balance', async () => {
    const goal = await goalWith({ goal: { resources } });
    let worker = await rig.start(goal, 1);
    const producing = startLoad(rig, goal, { perTurn: 20 });
    for (let incarnation = 2; incarnation <= 4; incarnation++) {
      await rig.accounted(goal, producing.count(), withinMs);
      worker.child.kill('SIGKILL');
      await worker.exited;
      await rig.workers.fence(goal.id, worker.name);
      worker = await rig.start(goal, incarnation);
    }
    const count = await producing.stop();
    expect(await rig.accounted(goal, count, withinMs)).toMatchObject({ in: count, out: count });
    expect(await compare(goal, count)).toEqual(exact);
  });
});

describe('when a worker is stopped and wakes up', () => {
  test('its open transaction was aborted by its successor, and it can neither write nor commit', async () => {
    const goal = await goalWith();
    const first = await rig.start(goal, 1);
    const producing = startLoad(rig, goal, { perTurn: 20 });
    await rig.accounted(goal, 1_000, withinMs);
    first.child.kill('SIGSTOP');
    await rig.workers.fence(goal.id, first.name);
    await rig.start(goal, 2);
    await rig.accounted(goal, (await rig.accounting(goal)).in + 500, withinMs);
    first.child.kill('SIGCONT');
    expect(await first.exited).toBe(exitCodes.fenced);
    const count = await producing.stop();
    expect(await rig.accounted(goal, count, withinMs)).toMatchObject({ in: count, out: count });
    expect(await compare(goal, count)).toEqual(exact);
  });

  test('and believes in its lease, the cluster shuts it out all the same', async () => {
    // A lease that outlasts the sleep: nothing but the transactional id stands between the two.
    const goal = await goalWith({ settings: { leaseMs: 60_000 } });
    const first = await rig.start(goal, 1);
    const producing = startLoad(rig, goal, { perTurn: 20 });
    await rig.accounted(goal, 1_000, withinMs);
    first.child.kill('SIGSTOP');
    await seize(goal);
    first.child.kill('SIGCONT');
    await sleep(500);
    const count = await producing.stop();
    expect(await rig.accounted(goal, count, withinMs)).toMatchObject({ in: count, out: count });
    expect(await compare(goal, count)).toEqual(exact);
    const beat = await rig.heartbeatWith(goal, first.name, ({ errors }) =>
      errors.some(({ code }) => code === 'replay'),
    );
    expect(beat.state).toBe('running');
  });
});

describe('a record of which one part can never be written', () => {
  test('stops its split where the route says so, and none of its parts is committed, however often it is tried', async () => {
    const { operators, programs } = plannedRoute({
      operators: [{ explode: { field: 'tags', as: 'tag' } }],
      select: 'id, tag',
    });
    const goal = await goalWith({
      partitions: 1,
      sinkConfig: { 'max.message.bytes': '2000' },
      goal: {
        ...{ operators, program: programs.get('out')!, errors: { ...anErrorPolicy, poison: 'stop', schema: 'stop' } },
        delivery: { ...aDelivery, guarantee: 'exactly-once' },
      },
    });
    await rig.produce(goal.source.topic, [
      { value: '{"id":0,"tags":["a","b"]}' },
      { value: JSON.stringify({ id: 1, tags: ['c', 'd', 'x'.repeat(4_000)] }) },
      { value: '{"id":2,"tags":["e"]}' },
    ]);
    for (const incarnation of [1, 2]) {
      const worker = await rig.start(goal, incarnation);
      const isStuck = ({ state, splits }: Heartbeat): boolean => state === 'stuck' && splits[0]?.position === '1';
      await rig.heartbeatWith(goal, worker.name, isStuck);
      worker.child.kill('SIGTERM');
      await worker.exited;
    }
    const committed = await readCommitted(rig.addresses.kafka, goal.sink.topic);
    expect(committed.map(({ value }) => String(value)).sort()).toEqual(['{"id":0,"tag":"a"}', '{"id":0,"tag":"b"}']);
    expect(await rig.accounting(goal)).toMatchObject({ in: 1, out: 1, emitted: 2 });
  });
});

describe('splits', () => {
  test('move between workers that come and go, and nothing is lost or doubled', async () => {
    // Nobody dies in this: the lease is one that a busy machine does not let lapse.
    const goal = await goalWith({ settings: { leaseMs: 20_000 } });
    const producing = startLoad(rig, goal, { perTurn: 20 });
    const first = await rig.start(goal, 1, 0);
    await rig.heartbeatWith(goal, first.name, ({ splits }) => splits.length === 4, withinMs);
    const second = await rig.start(goal, 2, 1);
    await rig.heartbeatWith(goal, second.name, ({ splits }) => splits.length === 2, withinMs);
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(exitCodes.ended);
    await rig.heartbeatWith(goal, second.name, ({ splits }) => splits.length === 4, withinMs);
    const count = await producing.stop();
    expect(await rig.accounted(goal, count, withinMs)).toMatchObject({ in: count, out: count });
    expect(await compare(goal, count)).toEqual(exact);
  });

  test('whose items are lost go on from what their transactions committed', async () => {
    const goal = await goalWith({ settings: { checkpointMs: 60_000 } });
    const first = await rig.start(goal, 1);
    const events = Array.from({ length: 1_000 }, (_, id) => ({ key: `k${id % 7}`, value: JSON.stringify({ id }) }));
    await rig.produce(goal.source.topic, events);
    await rig.accounted(goal, 1_000, withinMs);
    first.child.kill('SIGKILL');
    await first.exited;
    await rig.workers.fence(goal.id, first.name);
    await rig.splits.clear(goal.id);
    await rig.start(goal, 2);
    expect(await rig.accounted(goal, 1_000, withinMs)).toMatchObject({ in: 1_000, out: 1_000 });
    expect(await compare(goal, 1_000)).toEqual(exact);
  });
});
