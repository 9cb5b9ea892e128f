// Alarms of jobs in memory, held to what the port says: for simulations of the control loop.
import { watchHash } from '#core/plan/plan-watches.ts';
import type { JobWatch, JobWatches } from '#core/ports/job-watches.ts';

export function createMemoryJobWatches(): JobWatches & { all(): readonly JobWatch[] } {
  const there = new Map<string, JobWatch>();
  const keyOf = (tenant: string, job: string): string => `${tenant}/${job}`;
  return {
    list: async () => [...there.values()].map((watch) => ({ ...watch, hash: watchHash(watch) })),
    put: async (watch) => {
      there.set(keyOf(watch.tenant, watch.job), watch);
    },
    remove: async (tenant, job) => {
      there.delete(keyOf(tenant, job));
    },
    all: () => [...there.values()],
  };
}
