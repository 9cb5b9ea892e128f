// A worker held to limits: a rate, a loss budget, a share of dead letters, and an order that decides where records go.
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { isBalanced } from '#core/job/accounting.ts';
import { aDelivery, anErrorPolicy } from '#test/support/builders.ts';
import { addressesFromEnvironment, type StreamJobGoal, WorkerRig } from '../workers/worker-rig.ts';

// Bounds for hangs: several workers start one after the other in these.
jest.setTimeout(240_000);
const withinMs = 100_000;

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterEach(() => rig.endWorkers());
afterAll(async () => await rig.close());

const events = (count: number, key: (id: number) => string | null = (id) => `k${id % 40}`, padBytes = 0) =>
  Array.from({ length: count }, (_, id) => ({
    key: key(id),
    value: JSON.stringify({ id, pad: 'x'.repeat(padBytes) }),
    partition: id % 4,
  }));

describe('a throttle', () => {
  test('is the rate of the job as a whole, shared by two workers', async () => {
    const perSecond = 400;
    const goal = await rig.job({ where: 'id >= 0', goal: { throttle: perSecond } });
    const [first, second] = [await rig.start(goal, 1, 0), await rig.start(goal, 2, 1)];
    for (const { name } of [first, second])
      await rig.heartbeatWith(goal, name, ({ splits }) => splits.length === 2, withinMs);
    const startedMs = performance.now();
    await rig.produce(goal.source.topic, events(2_000));
    await rig.accounted(goal, 2_000, withinMs);
    const seconds = (performance.now() - startedMs) / 1_000;
    // The bucket's content and the commit's interval aside.
    expect(2_000 / seconds).toBeLessThan(perSecond * 1.2);
    expect(await rig.count(goal.sink.topic)).toBe(2_000);
  });
});

const topicResource = 2;

/** `before`: of what age records are refused; the sink then answers, and takes nothing. */
async function refuseRecords(goal: StreamJobGoal, before: 'any' | 'none'): Promise<void> {
  const configEntries = before === 'any' ? [{ name: 'message.timestamp.before.max.ms', value: '1' }] : [];
  const resources = [{ type: topicResource, name: goal.sink.topic, configEntries }];
  await rig.admin.alterConfigs({ validateOnly: false, resources });
}

describe('a sink stream that is available', () => {
  test('takes what its leader acknowledges, each event once and in order', async () => {
    const delivery = { ...aDelivery, guarantee: 'loss-tolerant', lossBudget: 0.1 } as const;
    const made = await rig.job({ where: 'id >= 0', goal: { delivery } });
    const goal: StreamJobGoal = { ...made, sink: { ...made.sink, acks: 'leader' } };
    await rig.start(goal);
    await rig.produce(goal.source.topic, events(2_000));
    expect(await rig.accounted(goal, 2_000, withinMs)).toMatchObject({ in: 2_000, out: 2_000, dropped: {} });
    const ids = (await rig.read(goal.sink.topic)).map(({ value }) => (JSON.parse(String(value)) as { id: number }).id);
    for (let key = 0; key < 40; key++) {
      const own = ids.filter((id) => id % 40 === key);
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
    expect(ids).toHaveLength(2_000);
  });
});

describe('a sink that refuses', () => {
  test('for longer than the route waits stops the job; a new worker goes on where it stood, and nothing is lost', async () => {
    const errors = { ...anErrorPolicy, retryable: { giveUpAfterMs: 1_000, endsIn: 'stop' } as const };
    const goal = await rig.job({ where: 'id >= 0', goal: { errors } });
    const worker = await rig.start(goal);
    await rig.produce(goal.source.topic, events(200));
    await rig.accounted(goal, 200, withinMs);
    await refuseRecords(goal, 'any');
    await rig.produce(goal.source.topic, events(400));
    const stopped = await rig.heartbeatWith(goal, worker.name, ({ state }) => state === 'stuck', withinMs);
    expect(stopped.errors[0]!.message).toContain('as errors.retryable asks; a restart of the job tries again');
    // The broker may have taken some of them before it heard that it refuses.
    const { in: delivered } = await rig.accounting(goal);
    expect(delivered).toBeLessThan(600);
    await rig.produce(goal.source.topic, events(400));
    expect((await rig.accounting(goal)).in).toBe(delivered);
    worker.child.kill('SIGKILL');
    await refuseRecords(goal, 'none');
    await rig.start(goal, 2);
    expect(await rig.accounted(goal, 1_000, withinMs)).toMatchObject({ in: 1_000, out: 1_000 });
  });
});

describe('loss-tolerant delivery', () => {
  test('drops and counts what a refusing sink has no room for, within its budget, and delivers the rest', async () => {
    const delivery = { ...aDelivery, guarantee: 'loss-tolerant', lossBudget: 0.2 } as const;
    const goal = await rig.job({ where: 'id >= 0', goal: { delivery } });
    const worker = await rig.start(goal);
    await refuseRecords(goal, 'any');
    const count = 4_000;
    // 40 MB: more than the 16 MiB that a worker holds.
    const all = events(count, undefined, 10_000);
    for (let at = 0; at < count; at += 400) await rig.produce(goal.source.topic, all.slice(at, at + 400));
    const spent = await rig.heartbeatWith(
      goal,
      worker.name,
      ({ errors }) => errors.some(({ code }) => code === 'loss-budget-spent'),
      withinMs,
    );
    expect(spent.state).toBe('running');
    await refuseRecords(goal, 'none');
    const accounting = await rig.accounted(goal, count, withinMs);
    const dropped = accounting.dropped.overload ?? 0;
    expect(isBalanced(accounting)).toBe(true);
    expect(dropped).toBeGreaterThan(0);
    for (const { accounting: books } of await rig.records(goal))
      expect(books.dropped.overload ?? 0).toBeLessThanOrEqual(0.2 * books.in);
    expect(accounting.out).toBe(count - dropped);
    expect(await rig.count(goal.sink.topic)).toBe(count - dropped);
  });
});

describe('a limit of dead letters', () => {
  test('stops the split before the one too many, and says why', async () => {
    const errors = { ...anErrorPolicy, deadLetterRateMax: 0.1 };
    const goal = await rig.job({ partitions: 1, where: 'id >= 0', goal: { errors } });
    const messages = Array.from({ length: 300 }, (_, id) => ({ value: id < 200 ? JSON.stringify({ id }) : 'no' }));
    await rig.produce(goal.source.topic, messages);
    const worker = await rig.start(goal);
    const beat = await rig.heartbeatWith(goal, worker.name, ({ state }) => state === 'stuck', withinMs);
    expect(beat.errors.map(({ code }) => code)).toContain('dead-letter-rate');
    const accounting = await rig.accounted(goal, 200, withinMs);
    expect(accounting.out).toBe(200);
    expect(accounting.deadLettered).toBeLessThan(30);
    expect(await rig.count(goal.deadLetterTopic)).toBe(accounting.deadLettered);
  });
});

describe('an order', () => {
  const placed = async (ordering: 'none' | 'per-key' | 'per-partition', key: (id: number) => string | null) => {
    const goal = await rig.job({ goal: { delivery: { ...aDelivery, ordering } } });
    await rig.produce(goal.source.topic, events(4_000, key));
    await rig.start(goal);
    await rig.accounted(goal, 4_000, withinMs);
    const found = await rig.read(goal.sink.topic);
    return found.map(({ partition, value }) => ({ partition, id: (JSON.parse(String(value)) as { id: number }).id }));
  };

  test('per partition keeps a source partition whole and in order, whatever the keys', async () => {
    const found = await placed('per-partition', (id) => `k${id}`);
    for (const partition of [0, 1, 2, 3]) {
      const ids = found.filter((each) => each.partition === partition).map(({ id }) => id);
      expect(ids).toEqual(Array.from({ length: 1_000 }, (_, index) => index * 4 + partition));
    }
  });

  test('of none spreads what has no key over all partitions, from each source partition', async () => {
    const found = await placed('none', () => null);
    for (const source of [0, 1, 2, 3]) {
      const partitions = new Set(found.filter(({ id }) => id % 4 === source).map(({ partition }) => partition));
      expect(partitions.size).toBeGreaterThan(1);
    }
  });
});
