// After a pass: figures of all jobs once a minute, and alarms and dashboards for those that declare alerts.
import { once } from 'node:events';
import { messageOf } from '#core/errors.ts';
import type { PlatformGoal } from '#core/graph/platform-goal.ts';
import type { Observed } from '#core/plan/observed.ts';
import { planWatches } from '#core/plan/plan-watches.ts';
import type { JobMeasure } from '#core/ports/job-measures.ts';
import type { JobWatches } from '#core/ports/job-watches.ts';
import { assessJob } from '#core/status/assess-job.ts';
import { measureOf } from '#core/status/job-measures.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';

const minuteMs = 60_000;
/** The next pass waits so long at most. CloudWatch lists 100 alarms at a time, nine times a second: of 20,000 in 23 s. */
const keepMsMax = 30_000;

/** By the clock: sweeps are a minute apart but for some ms, and one that comes a little early has a minute of its own all the same. */
const minuteOf = (at: number): number => Math.floor(at / minuteMs);

/** When this process last did; a process that starts does so at once. */
export interface Watching {
  lastAt: number;
}

/** What fails is logged and tried again in a minute: no job waits for its alarms. */
export async function watchJobs(
  goal: PlatformGoal,
  observed: Observed,
  parts: ReconcileParts,
  watching: Watching,
  keepMs = keepMsMax,
): Promise<void> {
  if (minuteOf(observed.at) === minuteOf(watching.lastAt)) return;
  watching.lastAt = observed.at;
  parts.measures?.(measuresOf(goal, observed), observed.at);
  try {
    if (parts.watches) await keepWatches(goal, parts.watches, keepMs);
  } catch (error) {
    parts.logger.warn('alarms of jobs could not be brought to what is declared', { error: messageOf(error) });
  }
}

/** What is not done in time is found to be left in a minute, and done then. */
async function keepWatches(goal: PlatformGoal, watches: JobWatches, keepMs: number): Promise<void> {
  const late = AbortSignal.timeout(keepMs);
  const tooLate = once(late, 'abort').then(() => {
    throw new Error(`it took longer than ${keepMs} ms; what is left is done in a minute`);
  });
  await Promise.race([keepUntil(late, goal, watches), tooLate]);
}

async function keepUntil(late: AbortSignal, goal: PlatformGoal, watches: JobWatches): Promise<void> {
  const { put, remove } = planWatches(goal, await watches.list());
  for (const watch of put) if (!late.aborted) await watches.put(watch);
  for (const { tenant, job } of remove) if (!late.aborted) await watches.remove(tenant, job);
}

/**
 * Of jobs that are to run, where the world could be observed: an unknown world has no figures. Each figure costs something
 * a month, so beside their health only those of jobs that declare alerts are told.
 */
function measuresOf(goal: PlatformGoal, { heartbeats, controls, topics, at }: Observed): readonly JobMeasure[] {
  if (heartbeats === null || controls === null) return [];
  const heartbeatsOf = Map.groupBy(heartbeats, ({ job }) => job);
  const controlOf = new Map(controls.map((control) => [control.job, control]));
  const partitionsOf = new Map(topics?.map(({ topic, partitions }) => [topic, partitions]));
  return goal.jobs
    .filter(({ paused }) => !paused)
    .map((entry) => {
      const { id, tenant, name, source } = entry.goal;
      const partitions = partitionsOf.get(source.topic);
      const known = { heartbeats: heartbeatsOf.get(id) ?? [], control: controlOf.get(id) ?? null, partitions };
      const measure = measureOf(tenant, name, assessJob({ entry, ...known, splits: null, now: at }));
      const isWatched = Object.keys(entry.alerts).length > 0;
      return isWatched ? measure : { ...measure, lagMs: null, deadLetterShare: null };
    });
}
