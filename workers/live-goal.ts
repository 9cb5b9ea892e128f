// Takes over the live part of a job's goal while the worker runs: whoever reads the goal at its use goes by it from then on.
import type { JobGoal } from '#core/job/job-goal.ts';
import { liveHash, type StoredLive, withLive } from '#core/job/live-settings.ts';
import type { WorkerParts } from './parts.ts';

const known = new WeakMap<JobGoal, { readonly settings: JobGoal['settings']; readonly hash: string }>();

/** Asked for with every heartbeat and round. Whatever is taken over brings settings of its own, so they tell whether it is still the same. */
export function currentLiveHash(goal: JobGoal): string {
  const before = known.get(goal);
  if (before?.settings === goal.settings) return before.hash;
  const hash = liveHash(goal);
  known.set(goal, { settings: goal.settings, hash });
  return hash;
}

/** True when anything was taken over. One that belongs to an older goal than the worker was started with is passed over. */
export function takeOver({ goal, log }: Pick<WorkerParts, 'goal' | 'log'>, stored: StoredLive | null): boolean {
  if (stored === null || stored.revision < goal.revision) return false;
  const before = currentLiveHash(goal);
  if (stored.hash === before && stored.revision === goal.revision) return false;
  const taken = withLive(goal, stored.live);
  // Of settings that were made for another sink, or by another release, only what fits is taken: once, and not at each look.
  const isNew = stored.hash !== before && liveHash(taken) !== before;
  if (!isNew && stored.revision === goal.revision) return false;
  const { errors, throttle, settings, sink } = taken;
  const changes: Pick<JobGoal, 'revision' | 'errors' | 'throttle' | 'settings'> = {
    ...{ revision: stored.revision, errors, throttle, settings },
  };
  Object.assign(goal, changes);
  // In place: the sink holds its own part of the goal.
  Object.assign(goal.sink, sink);
  if (isNew) log.info('took over new settings', { revision: stored.revision, ...stored.live });
  return true;
}
