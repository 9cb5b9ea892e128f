// What watches jobs, against what their routes declare: put what differs, take away what no route wants.
import type { PlatformGoal } from '#core/graph/platform-goal.ts';
import { contentHash } from '#core/hash.ts';
import type { JobWatch, ObservedWatch } from '#core/ports/job-watches.ts';

export interface WatchPlan {
  readonly put: readonly JobWatch[];
  readonly remove: readonly Pick<JobWatch, 'tenant' | 'job'>[];
}

/** Stands on what is put, so that it is seen without reading all of it again whether it is what is wanted. */
export const watchHash = (watch: JobWatch): string => contentHash(watch).slice(0, 16);

const keyOf = ({ tenant, job }: Pick<JobWatch, 'tenant' | 'job'>): string => `${tenant}/${job}`;

/**
 * An alarm of a job that is gone says nothing any more, so it may go as soon as no declared job wants it. But a goal
 * store that is suddenly empty is a fault and no wish (D12): then nothing is taken away but what was deleted by name.
 */
export function planWatches(
  { jobs, removed }: Pick<PlatformGoal, 'jobs' | 'removed'>,
  observed: readonly ObservedWatch[],
): WatchPlan {
  const wanted = jobs
    .filter(({ alerts }) => Object.keys(alerts).length > 0)
    .map(({ goal, alerts }): JobWatch => ({ tenant: goal.tenant, job: goal.name, owner: goal.owner, alerts }));
  const there = new Map(observed.map((watch) => [keyOf(watch), watch.hash]));
  const keys = new Set(wanted.map(keyOf));
  const isDeleted = ({ tenant, job }: ObservedWatch): boolean =>
    removed.some(({ kind, ...gone }) => kind === 'Route' && gone.tenant === tenant && job.startsWith(`${gone.name}.`));
  return {
    put: wanted.filter((watch) => there.get(keyOf(watch)) !== watchHash(watch)),
    remove: observed.filter((watch) => !keys.has(keyOf(watch)) && (jobs.length > 0 || isDeleted(watch))),
  };
}
