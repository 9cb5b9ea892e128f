// What people are told of a job's number of workers: how many, whose word that is, and what would be better.
import { workersOf } from '#core/autoscale/workers-wanted.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { ScaleRecord } from '#core/ports/control-store.ts';
import { formatDuration } from '#core/spec/quantity.ts';
import type { Condition, ScaleStatus } from '#core/status/job-status.ts';

/** `entry`: as it is scaled now. */
export function scaleStatus(entry: JobEntry, scale: ScaleRecord | undefined): ScaleStatus {
  const { mode, min, max, drainMs } = entry.autoscale;
  const chosen = entry.scaled === undefined ? null : (scale?.last ?? null);
  const wish = mode === 'off' ? undefined : scale?.wish;
  return {
    ...{ mode, min, max, drainMs, declared: entry.goal.resources.workers, workers: workersOf(entry) },
    by: entry.scaled === undefined ? 'declaration' : 'autoscaler',
    ...{ since: chosen?.at ?? null, why: chosen?.why ?? null },
    wish: wish === undefined ? null : { state: wish.state, workers: wish.to, why: wish.why, since: wish.at },
    ...{ restartMs: scale?.restartMs ?? null, capacityPerSecond: scale?.capacity ?? null },
  };
}

/** Only where there is something to tell: the autoscaler is on, or would have another number. */
export function scaled({
  mode,
  by,
  workers,
  declared,
  min,
  max,
  drainMs,
  why,
  wish,
}: ScaleStatus): readonly Condition[] {
  const type = 'Scaled';
  if (wish !== null) {
    const message = `${wish.workers} workers instead of ${workers} ${wish.state === 'advised' ? 'are advised' : 'would be better'}: ${wish.why}`;
    return [{ type, status: 'false', reason: camelCase(wish.state), message }];
  }
  if (mode !== 'on') return [];
  const range = `between ${min} and ${max} by the autoscaler, for what waits to be done within ${formatDuration(drainMs)}`;
  const message =
    by === 'declaration'
      ? `${workers} worker(s) as declared, kept ${range}`
      : `${workers} worker(s) instead of the ${declared} declared, kept ${range}${why === null ? '' : `; last change: ${why}`}`;
  return [{ type, status: 'true', reason: by === 'declaration' ? 'AsDeclared' : 'Autoscaled', message }];
}

const camelCase = (kebab: string): string =>
  kebab.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
