// How a worker takes leave: it is on the list of those that are there until nothing that it began can come after it.
import { expect, test } from '@jest/globals';
import type { JobGoal } from '#core/job/job-goal.ts';
import { aJobEntry, aPathReport } from '#test/support/builders.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { createMemorySplitStore } from '#test/support/memory-split-store.ts';
import { createMemoryWorkerStore } from '#test/support/memory-worker-store.ts';
import { silent } from '#test/support/silent-logger.ts';
import { until } from '#test/support/until.ts';
import { Lease } from '#workers/lease.ts';
import type { WorkerParts } from '#workers/parts.ts';
import type { OpenPath } from '#workers/path-messages.ts';
import { Worker } from '#workers/worker.ts';

const { goal, render } = aJobEntry();
const identity = { job: goal.id, worker: `${goal.id}/00000001/0`, incarnation: 1, slot: 0, render, pid: 1 };

/** A data path without splits. */
const idlePath: OpenPath = (hear) => ({
  post: ({ kind }) => {
    if (kind === 'report') hear({ kind: 'report', report: aPathReport() });
    if (kind === 'close') hear({ kind: 'closed' });
  },
});

/** One that leads a new job, and whose splits' items are not made before `make`. */
function aLeaderThatMakesItems(settings: Partial<JobGoal['settings']> = {}) {
  const workers = createMemoryWorkerStore();
  const splits = createMemorySplitStore();
  const [asked, make] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const clock = { now: () => Date.now(), monotonicMs: () => performance.now() };
  const parts = {
    ...{ identity, workers, clock, log: silent, objects: createMemoryObjectStore() },
    goal: { ...goal, settings: { ...goal.settings, ...settings } },
    splits: {
      ...splits,
      create: async (...item: Parameters<typeof splits.create>) => {
        asked.resolve();
        await make.promise;
        return await splits.create(...item);
      },
    },
    cluster: {
      topic: () => ({ topicId: 'id', leaders: [0] }),
      refresh: async () => {},
      offset: async () => 0,
    },
  } as unknown as WorkerParts;
  const lease = new Lease(parts.goal.settings.leaseMs, clock.monotonicMs);
  const worker = new Worker(parts, lease, [idlePath]);
  const isThere = async (): Promise<boolean> => (await workers.view(goal.id)).heartbeats.length > 0;
  return { worker, workers, asked: asked.promise, make: make.resolve, isThere, items: () => splits.list(goal.id) };
}

test('a worker that is told to end takes leave after the round that it is in: what that still makes comes before others see it gone', async () => {
  const { worker, asked, make, isThere, items, workers } = aLeaderThatMakesItems();
  const ended = worker.run();
  await asked;
  const drained = worker.drain();
  await until(
    async () => (await workers.view(goal.id)).heartbeats.some(({ state }) => state === 'draining') || null,
    'it to drain',
  );
  await until(async () => (await workers.view(goal.id)).leader === null || null, 'it to lead no more');
  expect({ isThere: await isThere(), items: await items() }).toEqual({ isThere: true, items: [] });
  make();
  expect(await ended).toBe('ended');
  await drained;
  expect(await isThere()).toBe(false);
  expect(await items()).toMatchObject([{ owner: null }]);
});

test('it waits for such a round no longer than its lease', async () => {
  const { worker, asked, isThere } = aLeaderThatMakesItems({ leaseMs: 200 });
  const ended = worker.run();
  await asked;
  await worker.drain();
  expect(['ended', 'fenced']).toContain(await ended);
  expect(await isThere()).toBe(false);
});
