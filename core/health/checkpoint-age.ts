// How old a job's newest checkpoint is, against what it may be: by the word of the worker that leads.
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { WorkerSettings } from '#core/job/job-goal.ts';

export type CheckpointAge =
  | { readonly kind: 'no-leader' }
  /** `agedMs`: since it was taken, or seen to hold all; of a leader that has none yet, since it began to lead. */
  | {
      readonly kind: 'led';
      readonly leader: Heartbeat;
      readonly agedMs: number;
      readonly allowedMs: number;
      /** Something was committed that it does not hold, or is about to be. */
      readonly movedSince: boolean;
    };

/** Of several that say so (one of them hangs, and has not noticed that it was succeeded), the one that began last. */
export const leaderOf = (live: readonly Heartbeat[]): Heartbeat | undefined =>
  live
    .filter(({ leader }) => leader)
    .reduce<Heartbeat | undefined>(
      (last, one) => (last && leadsSince(last) >= leadsSince(one) ? last : one),
      undefined,
    );

const leadsSince = ({ leadingSince, startedAt }: Heartbeat): number => leadingSince ?? startedAt;

export function checkpointAge(live: readonly Heartbeat[], settings: WorkerSettings, now: number): CheckpointAge {
  const leader = leaderOf(live);
  if (leader === undefined) return { kind: 'no-leader' };
  const takenAt = leader.lastCheckpoint?.at;
  // What was taken before somebody else led says nothing of this one.
  const freshAt = Math.max(takenAt ?? 0, leadsSince(leader));
  const movedSince = live
    .flatMap(({ splits }) => splits)
    .some(({ lagRecords, movedAt }) => lagRecords > 0 || movedAt > (takenAt ?? leader.startedAt));
  const allowedMs = 3 * settings.checkpointMs + settings.leaseMs;
  return { kind: 'led', leader, agedMs: now - freshAt, allowedMs, movedSince };
}
