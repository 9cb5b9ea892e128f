// A split store in memory, held to the same contract as the real one: for simulations of the control loop.
import type { SplitRecord, SplitStore } from '#core/ports/split-store.ts';
import { frozenCopy } from '#test/support/plain-copy.ts';

export function createMemorySplitStore(): SplitStore {
  /** By job and split. */
  const jobs = new Map<string, Map<string, SplitRecord>>();
  const read = (job: string, split: string): SplitRecord | null => jobs.get(job)?.get(split) ?? null;
  const write = (job: string, record: SplitRecord): SplitRecord => {
    const kept = frozenCopy(record);
    const records = jobs.get(job) ?? new Map<string, SplitRecord>();
    jobs.set(job, records.set(record.split, kept));
    return kept;
  };
  return {
    list: async (job) => [...(jobs.get(job)?.values() ?? [])],
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
      jobs.delete(job);
    },
  };
}
