// A goal on its way to a job: whether it has got somewhere, or has to make room for the last one that had.
import { workersOf } from '#core/autoscale/workers-wanted.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { exitCodes, ownFaults } from '#core/job/exit-codes.ts';
import { type Heartbeat, hasReportedFor } from '#core/job/heartbeat.ts';
import { placedWorkers } from '#core/plan/control.ts';
import { forgiven } from '#core/plan/forgive-failures.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { reads } from '#core/plan/plan-successor.ts';
import { isOfWorker } from '#core/plan/restart-backoff.ts';
import { taskRender } from '#core/plan/task-tags.ts';
import type { ControlRecord, PlacedWorker, SlotRecord } from '#core/ports/control-store.ts';

export type Rollout =
  /** It has got somewhere before, or is not tried at all. */
  | { readonly kind: 'none' }
  | { readonly kind: 'under-way'; readonly marks: RolloutMarks }
  /** `killed`: workers of other goals that have ended meanwhile without draining. */
  | { readonly kind: 'progressed'; readonly marks: RolloutMarks; readonly killed: number }
  | { readonly kind: 'failed'; readonly why: string };

export type RolloutMarks = Omit<NonNullable<ControlRecord['rollout']>, 'render'>;

export interface RolloutFacts {
  readonly entry: JobEntry;
  readonly observed: ObservedJob;
  /** Before this pass, and the slots as it leaves them. */
  readonly before: ControlRecord;
  readonly slots: Readonly<Record<string, SlotRecord>>;
  /** Why no worker is wanted now; null where some are. */
  readonly whyNone: string | null;
  /** Whether this pass asks a worker to end. */
  readonly stops: boolean;
}

export function judgeRollout(facts: RolloutFacts): Rollout {
  const { entry, observed, before, slots, whyNone } = facts;
  const { render } = entry;
  if (whyNone !== null || before.good?.render === render) return { kind: 'none' };
  const current = currentHeartbeats(entry, observed, slots);
  const marks = markRollout(facts, current);
  const { since } = marks;
  if (hasProgressed(entry, current))
    return {
      kind: 'progressed',
      marks,
      killed: killedSince(Math.min(since, marks.stoppedAt ?? since), entry, observed),
    };
  const why = observed.at - since < entry.progressWithinMs || !before.good ? null : ownFault(slots, render, current);
  return why === null ? { kind: 'under-way', marks } : { kind: 'failed', why };
}

function markRollout({ entry, observed, before, stops }: RolloutFacts, current: readonly Heartbeat[]): RolloutMarks {
  const known = before.rollout?.render === entry.render ? before.rollout : atRest(before);
  const stoppedAt = known.stoppedAt ?? (stops ? observed.at : undefined);
  const flowsAt = known.flowsAt ?? (stoppedAt === undefined ? undefined : flowing(entry, current, observed.at));
  return {
    since: known.since ?? observed.at,
    ...(known.after === undefined ? {} : { after: known.after }),
    ...(stoppedAt === undefined ? {} : { stoppedAt }),
    ...(flowsAt === undefined || flowsAt < stoppedAt! ? {} : { flowsAt }),
  };
}

/** What a goal that is tried from now on finds: nobody to make room, where all have ended before for something else. */
function atRest({ acted, rewindBegunAt, slots }: ControlRecord): Partial<RolloutMarks> {
  const isPlaced = rewindBegunAt !== undefined && Object.keys(slots).length === 0;
  if (isPlaced) return { after: 'placing', stoppedAt: rewindBegunAt };
  return acted?.paused === true ? { after: 'pause' } : {};
}

/** When the last of the splits was read again, by the workers' word; undefined while one of them is not. */
function flowing(entry: JobEntry, current: readonly Heartbeat[], now: number): number | undefined {
  const splits = current.flatMap((heartbeat) => heartbeat.splits);
  if (current.length < workersOf(entry) || splits.length === 0 || !current.every(reads)) return undefined;
  return Math.min(now, Math.max(...splits.map(({ movedAt }) => movedAt)));
}

const drained: readonly number[] = [exitCodes.ended, exitCodes.stuck];

const killedSince = (since: number, entry: JobEntry, { tasks }: ObservedJob): number =>
  tasks.filter(
    (task) =>
      task.state === 'stopped' &&
      (task.stoppedAt ?? 0) >= since &&
      taskRender(task) !== entry.render &&
      !drained.includes(task.exitCode ?? -1),
  ).length;

const currentHeartbeats = (entry: JobEntry, { at, heartbeats }: ObservedJob, slots: RolloutFacts['slots']) =>
  heartbeats.filter(
    (heartbeat) =>
      heartbeat.render === entry.render &&
      at - heartbeat.at <= entry.goal.settings.leaseMs &&
      Object.values(slots).some((slot) => isOfWorker(slot, heartbeat)),
  );

/** All workers report, for the length of their lease at least, and what they hold is read, or has nothing to be read. */
function hasProgressed(entry: JobEntry, current: readonly Heartbeat[]): boolean {
  const { goal } = entry;
  if (current.length < workersOf(entry)) return false;
  if (current.some((heartbeat) => heartbeat.state === 'stuck' || !hasReportedFor(goal.settings.leaseMs, heartbeat)))
    return false;
  const splits = current.flatMap((heartbeat) => heartbeat.splits);
  if (splits.length === 0) return false;
  return current.some(({ accounting }) => accounting.in > 0) || splits.every(({ lagRecords }) => lagRecords === 0);
}

/**
 * Only what its workers did themselves counts against a goal: that they stand before a record they may not pass, or ended
 * again and again by a fault of their own. What is down outside would stop the last goal as well.
 */
export function ownFault(slots: RolloutFacts['slots'], render: string, current: readonly Heartbeat[]): string | null {
  const stuck = current.find(({ state }) => state === 'stuck');
  if (stuck) return stuck.errors[0]?.message ?? 'a worker cannot go on';
  const workers = placedWorkers(Object.values(slots)).filter((worker) => worker.render === render);
  const failing = workers.find((worker) => {
    const { faults } = forgiven(worker, beatOf(worker, current));
    return faults !== undefined && faults.count >= ownFaultsMin;
  });
  if (failing) return `a worker ended ${failing.faults!.count} times by its own fault: ${failing.faults!.last}`;
  // Nothing starts it again, so nothing more can come of the goal.
  const quarantined = workers.find((worker) => worker.quarantinedAt !== undefined && worker.faults !== undefined);
  return quarantined ? `a worker has spent its restart budget: ${quarantined.faults!.last}` : null;
}

const beatOf = ({ incarnation }: PlacedWorker, heartbeats: readonly Heartbeat[]) =>
  heartbeats.find((heartbeat) => heartbeat.incarnation === incarnation);

const ownFaultsMin = 2;

/** An end that only the goal, or the program, is to blame for; by code, or by the runtime's word that it took too much memory. */
export const isOwnFault = (exitCode: number | null, reason: string): boolean =>
  (exitCode !== null && ownFaults.includes(exitCode)) || /OutOfMemory/i.test(reason);
