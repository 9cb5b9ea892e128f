// What a job's status is judged on: the goal as it goes by now, and the workers that count.
import { asScaled } from '#core/autoscale/workers-wanted.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { SightedHeartbeat } from '#core/health/sight-beats.ts';
import { type Accounting, addAccounting, noRecords } from '#core/job/accounting.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { rolledBackTo, staysAt } from '#core/plan/choose-goal.ts';
import { withoutCanary } from '#core/plan/control.ts';
import { holdBehind } from '#core/plan/hold-behind.ts';
import { isOfWorker } from '#core/plan/restart-backoff.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';

export interface JobFacts {
  readonly entry: JobEntry;
  readonly control: ControlRecord | null;
  readonly heartbeats: readonly SightedHeartbeat[];
  /** The splits' items; null when they were not read (the account is then of the live workers only). */
  readonly splits: readonly SplitRecord[] | null;
  /** Of its source; absent where the broker was not asked. */
  readonly partitions?: number | undefined;
  readonly now: number;
}

/** What is known of it, weighed. */
export interface Situation extends JobFacts {
  /** As it goes by now; `newest`: as the goal store has it. They differ while a freeze holds the newest back. */
  readonly entry: JobEntry;
  readonly newest: JobEntry;
  /** Heartbeats within the lease, of incarnations that hold a slot. */
  readonly live: readonly Heartbeat[];
  /** Of those, the ones that run the goal as it goes by now and are to stay. */
  readonly current: readonly Heartbeat[];
  readonly accounting: Accounting;
}

export function situate(facts: JobFacts): Situation {
  const { control, heartbeats, splits, now } = facts;
  const newest = holdBehind(facts.entry, control);
  const entry = asScaled(heldEntry(newest, control), control?.scale);
  const slots = Object.values(control?.slots ?? {});
  const live = heartbeats.filter(
    (heartbeat) =>
      heartbeat.certainty !== 'unsure' &&
      now - heartbeat.at <= entry.goal.settings.leaseMs &&
      slots.some((slot) => isOfWorker(slot, heartbeat)),
  );
  const current = live.filter((heartbeat) => heartbeat.render === entry.render && heartbeat.state !== 'draining');
  const accounts = splits ? splits.map((split) => split.accounting) : live.map((heartbeat) => heartbeat.accounting);
  return { ...facts, entry, newest, live, current, accounting: accounts.reduce(addAccounting, noRecords) };
}

/** Of an earlier goal only what the control record says of it is known here: enough to tell who runs as wanted. */
function heldEntry(newest: JobEntry, control: ControlRecord | null): JobEntry {
  const held = newest.freeze === null ? undefined : staysAt(control);
  const good = newest.freeze === null ? rolledBackTo(newest, control) : null;
  if (good) return { ...newest, render: good.render, goal: { ...newest.goal, revision: good.revision } };
  const workers = Object.keys(withoutCanary(control?.slots ?? {})).length;
  const { goal } = newest;
  const beside = newest.freeze === null && onTrial(newest, control) ? control?.good : undefined;
  if (beside) return { ...newest, render: beside.render, goal: { ...goal, revision: beside.revision } };
  if (held === undefined) return newest;
  if (held.render === newest.render) return { ...newest, paused: held.paused };
  return {
    ...{ ...newest, render: held.render, paused: held.paused, requested: [] },
    goal: { ...goal, revision: held.revision, resources: { ...goal.resources, workers } },
  };
}

/** The newest goal has a share of the splits, as far as the reconciler has begun with it. */
export const onTrial = ({ render, paused }: JobEntry, control: ControlRecord | null): boolean =>
  !paused && control?.canary?.render === render && control.canary.promotedAt === undefined;
