// Takes over the live part of a job's goal while the worker runs: whoever reads the goal at its use goes by it from then on.
import type { JobGoal } from '#core/job/job-goal.ts';
import { liveHash, type StoredLive, withLive } from '#core/job/live-settings.ts';
import type { WorkerParts } from './parts.ts';

/** True when anything was taken over. One that belongs to an older goal than the worker was started with is passed over. */
export function takeOver({ goal, log }: Pick<WorkerParts, 'goal' | 'log'>, stored: StoredLive | null): boolean {
  if (stored === null || stored.revision < goal.revision) return false;
  const isNew = stored.hash !== liveHash(goal);
  if (!isNew && stored.revision === goal.revision) return false;
  const { errors, settings } = withLive(goal, stored.live);
  const changes: Pick<JobGoal, 'revision' | 'errors' | 'settings'> = { revision: stored.revision, errors, settings };
  Object.assign(goal, changes);
  if (isNew) log.info('took over new settings', { revision: stored.revision, ...stored.live });
  return true;
}
