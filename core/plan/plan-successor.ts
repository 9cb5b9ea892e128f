// Lower latency: a worker of a newer goal starts beside the one that runs, and takes its slot once it reports and reads.

import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import type { SlotRecord } from '#core/ports/control-store.ts';

/** Only within one source: workers that read different topics cannot share the job's splits. */
export const startsBeside = ({ goal, onRedeploy }: JobEntry, runs: Heartbeat | null): boolean =>
  onRedeploy !== 'fewer-duplicates' &&
  goal.delivery.guarantee !== 'exactly-once' &&
  runs?.splits.every(({ split }) => split.startsWith(`${goal.source.topic}/`)) === true;

/** Some of what waits, or there is nothing that waits. */
export const reads = ({ accounting, splits }: Heartbeat): boolean =>
  accounting.in > 0 || splits.every(({ lagRecords }) => lagRecords === 0);

/**
 * It reads what it holds, or has found nothing to read there. One that was given no split (the job has fewer than workers,
 * now that there is one more) has to have reported twice: by then it would have been given one.
 */
export function isReady(heartbeat: Heartbeat, { settings }: JobGoal): boolean {
  if (heartbeat.state === 'stuck' || heartbeat.state === 'draining') return false;
  if (heartbeat.splits.length === 0) return heartbeat.at - heartbeat.startedAt >= 2 * settings.heartbeatMs;
  return reads(heartbeat);
}

export function withoutSuccessor({ successor: _over, ...record }: SlotRecord): SlotRecord {
  return record;
}
