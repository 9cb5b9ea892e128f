// A control store in memory, held to the same contract as the real one: for simulations of the control loop.
import { isSame } from '#core/hash.ts';
import type { ControlRecord, ControlStore } from '#core/ports/control-store.ts';
import { frozenCopy } from '#test/support/plain-copy.ts';

export function createMemoryControlStore(): ControlStore & { wipe(): void } {
  const records = new Map<string, ControlRecord>();
  return {
    read: async (job) => records.get(job) ?? null,
    readMany: async (jobs) =>
      new Map(jobs.flatMap((job) => (records.has(job) ? [[job, records.get(job)!] as const] : []))),
    list: async () => [...records.values()],
    write: async (record) => {
      const there = records.get(record.job);
      const isNext = (there?.version ?? 0) === record.version - 1;
      if (isNext) records.set(record.job, frozenCopy(record));
      const isThere = isNext || (there !== undefined && isSame(there, record));
      return isThere ? 'written' : 'stale';
    },
    remove: async (job, version) => {
      if ((records.get(job)?.version ?? version) !== version) return 'stale';
      records.delete(job);
      return 'removed';
    },
    wipe: () => records.clear(),
  };
}
