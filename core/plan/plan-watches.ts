// What watches jobs, against what their routes declare: put what differs, take away what no route wants.
import type { PlatformGoal } from '#core/graph/platform-goal.ts';
import { contentHash } from '#core/hash.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';
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
 * store that is suddenly empty is a fault and no wish (D12): then nothing is taken away but what was deleted by name. What
 * runs of a route that cannot be carried out runs on, watched.
 */
export function planWatches(
  { jobs, removed, unsupported }: Pick<PlatformGoal, 'jobs' | 'removed' | 'unsupported'>,
  observed: readonly ObservedWatch[],
): WatchPlan {
  const wanted = jobs
    .filter(({ alerts }) => Object.keys(alerts).length > 0)
    .map(({ goal, alerts }): JobWatch => ({ tenant: goal.tenant, job: goal.name, owner: goal.owner, alerts }));
  const there = new Map(observed.map((watch) => [keyOf(watch), watch.hash]));
  const keys = new Set(wanted.map(keyOf));
  const deleted = routesOf(removed);
  const left = routesOf(unsupported.map(({ revision }) => revision));
  const isToGo = (watch: ObservedWatch): boolean =>
    !keys.has(keyOf(watch)) && !left.has(routeOf(watch)) && (jobs.length > 0 || deleted.has(routeOf(watch)));
  return {
    put: wanted.filter((watch) => there.get(keyOf(watch)) !== watchHash(watch)),
    remove: observed.filter(isToGo),
  };
}

/** By tenant and name: one look a watch, however many there are. */
const routesOf = (revisions: readonly GoalRevision[]): ReadonlySet<string> =>
  new Set(revisions.filter(({ kind }) => kind === 'Route').map(({ tenant, name }) => `${tenant}/${name}`));

/** Names have no dots of their own. */
const routeOf = ({ tenant, job }: ObservedWatch): string => `${tenant}/${job.slice(0, job.indexOf('.'))}`;
