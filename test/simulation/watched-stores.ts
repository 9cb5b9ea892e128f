// The stores of workers, in memory, each with the watch beside it: what is written is looked at as it is written.
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { SplitStore } from '#core/ports/split-store.ts';
import type { WorkerStore } from '#core/ports/worker-store.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { createMemorySplitStore } from '#test/support/memory-split-store.ts';
import { createMemoryWorkerStore } from '#test/support/memory-worker-store.ts';
import type { Watch } from './watch.ts';

/** `onAlive`: a worker's heartbeat was accepted. */
export function watchedWorkers(watch: Watch, now: () => number, onAlive: (worker: string) => void) {
  const store = createMemoryWorkerStore();
  const watched: WorkerStore & { wipe(): void } = {
    ...store,
    beat: async (heartbeat) => {
      const outcome = await store.beat(heartbeat);
      if (outcome === 'alive') onAlive(heartbeat.worker);
      return outcome;
    },
    fence: async (job, name) => {
      watch.fenced.add(name);
      await store.fence(job, name);
    },
    remove: async (job, name) => {
      watch.fenced.add(name);
      await store.remove(job, name);
    },
    clear: async (job) => {
      watch.cleared(job);
      watch.losses.workersAt = now();
      await store.clear(job);
    },
  };
  return watched;
}

export function watchedSplits(watch: Watch) {
  let store = createMemorySplitStore();
  const watched: SplitStore & { wipe(): void } = {
    list: (job) => store.list(job),
    create: async (job, record) => {
      watch.created(job, record);
      return await store.create(job, record);
    },
    claim: async (job, seen, name) => {
      const outcome = await store.claim(job, seen, name);
      if (outcome.kind === 'claimed') watch.claimed(job, outcome.record, seen.owner);
      return outcome;
    },
    commit: async (job, held, done) => {
      const outcome = await store.commit(job, held, done);
      watch.committed(job, held, done, outcome);
      return outcome;
    },
    release: async (job, held) => {
      const outcome = await store.release(job, held);
      if (outcome === 'committed') watch.released(job, held.split, held.worker);
      return outcome;
    },
    place: async (job, seen, placement) => {
      const outcome = await store.place(job, seen, placement);
      const record = (await store.list(job)).find(({ split }) => split === seen.split);
      if (outcome === 'placed' && record) watch.placed(job, record);
      return outcome;
    },
    clear: async (job) => {
      watch.cleared(job);
      await store.clear(job);
    },
    wipe: () => {
      store = createMemorySplitStore();
      watch.splits.clear();
      watch.losses.splits = true;
    },
  };
  return watched;
}

export function watchedObjects(watch: Watch): ObjectStore {
  const store = createMemoryObjectStore();
  return {
    ...store,
    put: async (key, bytes, options) => {
      if (!key.startsWith('checkpoints/')) return await store.put(key, bytes, options);
      const wasThere = (await store.get(key)) !== null;
      const outcome = await store.put(key, bytes, options);
      watch.checkpointStored(key, bytes, wasThere, outcome);
      return outcome;
    },
    remove: async (key) => {
      const was = await store.get(key);
      await store.remove(key);
      if (was !== null) watch.objectRemoved(key, await store.list('checkpoints/'));
    },
  };
}
