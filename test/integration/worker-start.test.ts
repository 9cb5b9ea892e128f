// Where a new job begins to read, also when its first leader dies while it makes the splits' items.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { JobGoal } from '#core/job/job-goal.ts';
import { workerName } from '#core/names.ts';
import type { SplitRecord, SplitStore } from '#core/ports/split-store.ts';
import { Checkpoints } from '#workers/checkpoints.ts';
import { Cluster, parseBrokers } from '#workers/kafka/cluster.ts';
import { Leader } from '#workers/leader.ts';
import type { WorkerParts } from '#workers/parts.ts';
import { addressesFromEnvironment, WorkerRig } from '../workers/worker-rig.ts';

const partitionCount = 3;

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterAll(async () => await rig.close());

async function goalFromLatest(): Promise<JobGoal> {
  const goal = await rig.job({ partitions: partitionCount });
  const fresh = { ...goal, source: { ...goal.source, start: { kind: 'latest' as const } } };
  await produceToEach(fresh, partitionCount);
  return fresh;
}

async function produceToEach(goal: JobGoal, count: number): Promise<void> {
  // A producer that knew the topic before would not know its new partitions.
  const producer = rig.kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: count }, (_, partition) => ({ value: '{}', partition }));
  await producer.send({ topic: goal.source.topic, messages });
  await producer.disconnect();
}

/** One leader's discovery on the real stores and broker. */
async function discover(goal: JobGoal, splits: SplitStore): Promise<readonly SplitRecord[]> {
  const worker = workerName(goal.id, 1, 0);
  const cluster = new Cluster(parseBrokers(rig.addresses.kafka), [goal.source.topic], worker);
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const parts = { goal, cluster, splits, objects: rig.objects, log } as unknown as WorkerParts;
  try {
    await cluster.refresh();
    return await new Leader(parts, new Checkpoints(parts)).ensureItems(await rig.records(goal));
  } finally {
    await cluster.close();
  }
}

/** The split store of a leader that dies before it has made the item of one partition. */
const dyingAt = (partition: number): SplitStore => ({
  ...rig.splits,
  create: async (job, record) => {
    if (record.split.endsWith(`/${partition}`)) throw new Error(`died ${randomUUID()}`);
    return await rig.splits.create(job, record);
  },
});

const positions = (records: readonly SplitRecord[]): string[] =>
  [...records].sort((a, b) => (a.split < b.split ? -1 : 1)).map(({ position }) => position);

test.each(Array.from({ length: partitionCount }, (_, partition) => partition))(
  'a first leader that dies before the item of partition %i leaves the route’s start to the next',
  async (partition) => {
    const goal = await goalFromLatest();
    await expect(discover(goal, dyingAt(partition))).rejects.toThrow('died');
    expect((await rig.records(goal)).length).toBeLessThan(partitionCount);
    expect(positions(await discover(goal, rig.splits))).toEqual(['1', '1', '1']);
  },
);

test('partitions that come after the first discovery are read from their first record, also by a leader that follows one that died', async () => {
  const goal = await goalFromLatest();
  await discover(goal, rig.splits);
  await rig.admin.createPartitions({ topicPartitions: [{ topic: goal.source.topic, count: partitionCount + 2 }] });
  await produceToEach(goal, partitionCount + 2);
  await expect(discover(goal, dyingAt(partitionCount))).rejects.toThrow('died');
  expect(positions(await discover(goal, rig.splits))).toEqual(['1', '1', '1', '0', '0']);
});

test('a taken split says that the discovery was complete, even if the first item is lost: nothing is passed over then', async () => {
  const goal = await goalFromLatest();
  const records = await discover(goal, rig.splits);
  const taken = await rig.splits.claim(goal.id, records[2]!, workerName(goal.id, 1, 0));
  await rig.splits.clear(goal.id);
  if (taken.kind === 'claimed') await rig.splits.create(goal.id, taken.record);
  expect(positions(await discover(goal, rig.splits))).toEqual(['0', '0', '1']);
});
