// A split store in memory, held to the same contract as the real one: for simulations of the control loop.
import type { SplitRecord, SplitStore } from '#core/ports/split-store.ts';
import { frozenCopy } from '#test/support/plain-copy.ts';

export function createMemorySplitStore(): SplitStore {
  const records = new Map<string, SplitRecord>();
  const keyOf = (job: string, split: string): string => `${job}\n${split}`;
  const read = (job: string, split: string): SplitRecord | null => records.get(keyOf(job, split)) ?? null;
  const write = (job: string, record: SplitRecord): SplitRecord => {
    const kept = frozenCopy(record);
    records.set(keyOf(job, record.split), kept);
    return kept;
  };
  const keysOf = (job: string): string[] => [...records.keys()].filter((key) => key.startsWith(keyOf(job, '')));
  return {
    list: async (job) => keysOf(job).map((key) => records.get(key)!),
    create: async (job, record) => read(job, record.split) ?? write(job, record),
    claim: async (job, seen, worker) => {
      const there = read(job, seen.split);
      if (there === null) return { kind: 'lost', record: null };
      const isAsSeen = there.owner === seen.owner && there.epoch === seen.epoch;
      const record = isAsSeen ? write(job, { ...there, owner: worker, epoch: seen.epoch + 1 }) : there;
      const isOurs = record.owner === worker && record.epoch === seen.epoch + 1;
      return { kind: isOurs ? 'claimed' : 'lost', record };
    },
    commit: async (job, held, done) => {
      const there = read(job, held.split);
      if (there?.owner !== held.worker || there.epoch !== held.epoch) return 'fenced';
      const isLate = there.topicId === done.topicId && BigInt(there.position) > BigInt(done.position);
      if (!isLate) write(job, { ...there, ...done });
      return 'committed';
    },
    release: async (job, held) => {
      const there = read(job, held.split);
      if (there?.epoch !== held.epoch) return 'fenced';
      if (there.owner === held.worker) write(job, { ...there, owner: null });
      return there.owner === held.worker || there.owner === null ? 'committed' : 'fenced';
    },
    place: async (job, seen, placement) => {
      const there = read(job, seen.split);
      if (there?.placed?.operation === placement.operation) return 'placed';
      if (there === null || there.epoch !== seen.epoch || there.topicId !== seen.topicId) return 'moved';
      write(job, { ...there, owner: null, epoch: seen.epoch + 1, position: placement.to, placed: placement });
      return 'placed';
    },
    clear: async (job) => {
      for (const key of keysOf(job)) records.delete(key);
    },
  };
}
