// Whom a worker takes for gone, when what it is told of the others takes its time to arrive.
import { describe, expect, test } from '@jest/globals';
import { noRecords } from '#core/job/accounting.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { aHeartbeat, aJobEntry } from '#test/support/builders.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { createMemorySplitStore } from '#test/support/memory-split-store.ts';
import { createMemoryWorkerStore } from '#test/support/memory-worker-store.ts';
import { Membership } from '#workers/membership.ts';
import type { WorkerParts } from '#workers/parts.ts';

const entry = aJobEntry();
const { goal } = entry;
const { leaseMs } = goal.settings;

const aRecord = {
  ...{ split: `${goal.source.topic}/0`, owner: null, epoch: 0, position: '0', topicId: 'topic-1' },
  accounting: noRecords,
};

/** Two workers of a job of which the other leads, and says nothing more. */
async function besideASilentLeader() {
  let nowMs = 0;
  let answerMs = 0;
  const lease = { isOver: false };
  let isTopicKnown = false;
  const store = createMemoryWorkerStore();
  const splits = createMemorySplitStore();
  const leader = aHeartbeat(entry, 1, { slot: 0 });
  const me = aHeartbeat(entry, 2, { slot: 1 });
  for (const heartbeat of [leader, me]) await store.beat(heartbeat);
  const lead = (await store.lead(goal.id, leader.worker, null))!;
  let beforeSplitsAreRead = async (): Promise<void> => {};
  let beforeAnItemIsMade = async (): Promise<void> => {};
  const workers: WorkerParts['workers'] = {
    ...store,
    view: async (job) => {
      const view = await store.view(job);
      nowMs += answerMs;
      return view;
    },
  };
  const identity = { job: goal.id, worker: me.worker, incarnation: 2, slot: 1, render: entry.render, pid: 1 };
  const membership = new Membership(
    {
      ...{ workers, objects: createMemoryObjectStore(), identity, goal },
      splits: {
        ...splits,
        list: async (job: string) => {
          await beforeSplitsAreRead();
          return await splits.list(job);
        },
        create: async (job: string, record: SplitRecord) => {
          await beforeAnItemIsMade();
          return await splits.create(job, record);
        },
      },
      clock: { now: () => nowMs, monotonicMs: () => nowMs },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      cluster: {
        topic: () => (isTopicKnown ? { topic: goal.source.topic, topicId: 'topic-1', leaders: [1] } : undefined),
        offset: async () => 0,
      },
    } as unknown as WorkerParts,
    lease,
    { note: () => {} },
  );
  return {
    membership,
    lease,
    /** The split is mine by the assignment; somebody who has come meanwhile took it before. */
    someoneComesBeforeSplitsAreRead: async (): Promise<void> => {
      await store.assign(goal.id, lead, { [aRecord.split]: me.worker });
      const free = await splits.create(goal.id, aRecord);
      beforeSplitsAreRead = async () => {
        const other = aHeartbeat(entry, 3, { slot: 2 });
        await store.beat(other);
        await splits.claim(goal.id, free, other.worker);
      };
    },
    /** I lead; somebody who has come since I looked makes the split's item, and takes it, right before I would. */
    someoneComesBeforeIMakeTheItem: async (): Promise<void> => {
      isTopicKnown = true;
      await store.remove(goal.id, leader.worker);
      beforeAnItemIsMade = async () => {
        const other = aHeartbeat(entry, 3, { slot: 2 });
        await store.beat(other);
        await splits.claim(goal.id, await splits.create(goal.id, aRecord), other.worker);
      };
    },
    counter: async (): Promise<number | undefined> => (await store.view(goal.id)).leader?.counter,
    /** Whether it leads after a round that is begun then, and is answered after so long. */
    leadsAfter: async (begunMs: number, afterMs: number): Promise<boolean> => {
      [nowMs, answerMs] = [begunMs, afterMs];
      await membership.round([]);
      return membership.leads;
    },
  };
}

describe('a worker', () => {
  test('takes nobody for gone who may have reported since it asked: an answer that is late says nothing of meanwhile', async () => {
    const { leadsAfter } = await besideASilentLeader();
    expect(await leadsAfter(0, 0)).toBe(false);
    expect(await leadsAfter(leaseMs - 1, 1_000)).toBe(false);
    expect(await leadsAfter(leaseMs + 1_000, 0)).toBe(true);
  });

  test('takes no split from somebody who came while it looked: who holds one of the records that it has read is known to it', async () => {
    const { membership, someoneComesBeforeSplitsAreRead } = await besideASilentLeader();
    await someoneComesBeforeSplitsAreRead();
    const round = await membership.round([]);
    expect(round).toMatchObject({ kind: 'decided', decision: { claim: [], waitingFor: [aRecord.split] } });
  });

  test('takes no split of which another has made the item since it looked: who holds it may be missing in its view', async () => {
    const { membership, someoneComesBeforeIMakeTheItem } = await besideASilentLeader();
    await someoneComesBeforeIMakeTheItem();
    expect(await membership.round([])).toMatchObject({ kind: 'decided', decision: { claim: [] } });
    expect(membership.leads).toBe(true);
    expect(await membership.round([])).toMatchObject({ decision: { claim: [], waitingFor: [aRecord.split] } });
  });

  test('whose own lease is over does not lead, whoever else is gone: it stood still, and its job may be cleared by now', async () => {
    const { leadsAfter, membership, lease } = await besideASilentLeader();
    await leadsAfter(0, 0);
    lease.isOver = true;
    expect(await leadsAfter(leaseMs + 1_000, 0)).toBe(false);
    expect(await membership.round([])).toMatchObject({ kind: 'fenced' });
  });

  test('watches for a whole lease from when the first answer was there', async () => {
    const { leadsAfter } = await besideASilentLeader();
    expect(await leadsAfter(0, 1_000)).toBe(false);
    expect(await leadsAfter(leaseMs + 999, 0)).toBe(false);
    expect(await leadsAfter(leaseMs + 1_000, 0)).toBe(true);
  });

  test('that leads renews its lease once a heartbeat, however often it looks, and goes on leading', async () => {
    const { leadsAfter, counter } = await besideASilentLeader();
    await leadsAfter(0, 0);
    const { heartbeatMs } = goal.settings;
    const rounds = 10;
    for (let round = 0; round <= rounds; round++)
      expect(await leadsAfter(leaseMs + (round * 2 * heartbeatMs) / rounds, 0)).toBe(true);
    expect(await counter()).toBe(3);
  });
});
