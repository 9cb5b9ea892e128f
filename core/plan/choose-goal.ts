// Which goal a job is brought to: the newest, as a rule; an earlier one while it is frozen, or where the newest got nowhere.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { liveHash, liveOf, withLive } from '#core/job/live-settings.ts';
import { hasWorkerOf, withoutCanary } from '#core/plan/control.ts';
import { holdBehind } from '#core/plan/hold-behind.ts';
import { requestedSwitch } from '#core/plan/plan-switch.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';

export type Chosen =
  | { readonly kind: 'newest'; readonly entry: JobEntry }
  /** An earlier one, as it was compiled then. */
  | { readonly kind: 'earlier'; readonly entry: JobEntry; readonly why: 'frozen' | 'rolled-back' | 'tried' }
  /** Nothing is done to the job: there is nothing that it was brought to before, or what it was cannot be read. */
  | { readonly kind: 'none'; readonly why: string };

/** The newest goal got nowhere, and another had before it. */
export function rolledBackTo(entry: JobEntry, control: ControlRecord | null): ControlRecord['good'] | null {
  return control?.failed?.render === entry.render ? (control.good ?? null) : null;
}

/** What a job stays at while it is frozen: what was carried out of it last; where that got nowhere since, what had before it. */
export function staysAt(control: ControlRecord | null): ControlRecord['acted'] {
  const { acted, failed, good } = control ?? {};
  if (acted === undefined || good === undefined || failed?.render !== acted.render) return acted;
  return { ...acted, ...good };
}

/**
 * What runs on while the newest goal is tried on a share of the splits; null where it is not, or not any more. Only another
 * revision is tried: a restart or an override is of the revision that has shown what it does. One of another number whose
 * workers would be as those that have the job's slots already is nothing new either: only their number, say, was changed. Nor is
 * a switch tried: it takes place at once, with no worker of before beside it.
 */
export function triedBeside(entry: JobEntry, control: ControlRecord | null): NonNullable<ControlRecord['good']> | null {
  const good = control?.good;
  if (control == null || good === undefined || entry.onRedeploy !== 'canary' || entry.paused) return null;
  if (good.render === entry.render || good.revision === entry.goal.revision) return null;
  if (requestedSwitch(entry)?.plan.revision === entry.goal.revision) return null;
  const isPromoted = control.canary?.render === entry.render && control.canary.promotedAt !== undefined;
  const isFailed = control.failed?.render === entry.render;
  return isPromoted || isFailed || hasWorkerOf(entry.render, withoutCanary(control.slots)) ? null : good;
}

/** Splits go to and fro between the two, so both have to read the same source and commit to the same place. */
const canBeTried = (runs: JobGoal, tried: JobGoal): boolean =>
  runs.source.topic === tried.source.topic &&
  [runs, tried].every(({ delivery, sink }) => delivery.guarantee !== 'exactly-once' && sink.kind !== 'warehouse');

/** The render whose stored goal a pass needs; null where the newest serves. */
export function earlierRender(declared: JobEntry, control: ControlRecord | null): string | null {
  const entry = holdBehind(declared, control);
  if (entry.freeze === null) return (rolledBackTo(entry, control) ?? triedBeside(entry, control))?.render ?? null;
  const held = staysAt(control);
  return held === undefined || held.render === entry.render ? null : held.render;
}

export function chooseGoal(entry: JobEntry, control: ControlRecord | null, stored: JobGoal | null): Chosen {
  return entry.freeze === null ? chooseGood(entry, control, stored) : chooseFrozen(entry, control, stored);
}

/** Where the good one cannot be read, the newest is tried on. Live settings are the newest: they are taken over by whatever runs. */
function chooseGood(entry: JobEntry, control: ControlRecord | null, stored: JobGoal | null): Chosen {
  const beside = triedBeside(entry, control);
  if (beside !== null) return chooseBeside(entry, beside, stored);
  const good = rolledBackTo(entry, control);
  if (good == null || stored === null) return { kind: 'newest', entry };
  return {
    kind: 'earlier',
    entry: asRun(entry, withLive(stored, liveOf(entry.goal)), good.render),
    why: 'rolled-back',
  };
}

/** Without what runs there is nothing to try it beside: nobody loses all of it for that. */
function chooseBeside(entry: JobEntry, runs: NonNullable<ControlRecord['good']>, stored: JobGoal | null): Chosen {
  if (stored === null)
    return { kind: 'none', why: `the goal of revision ${runs.revision}, beside which it is tried, cannot be read` };
  if (!canBeTried(stored, entry.goal)) return { kind: 'newest', entry };
  return { kind: 'earlier', entry: asRun(entry, withLive(stored, liveOf(entry.goal)), runs.render), why: 'tried' };
}

function chooseFrozen(entry: JobEntry, control: ControlRecord | null, stored: JobGoal | null): Chosen {
  const held = staysAt(control);
  if (held === undefined || control === null) return { kind: 'none', why: 'nothing of it was carried out before' };
  // Deleted, and given back since: to start it anew is a change as well.
  if (control.announced['ended'] !== undefined) return { kind: 'none', why: 'its workers have ended' };
  const asHeld = { paused: held.paused, restartSequence: control.restartSequence, requested: [] };
  if (held.render === entry.render) return { kind: 'earlier', entry: { ...entry, ...asHeld }, why: 'frozen' };
  if (stored === null) return { kind: 'none', why: `the goal of revision ${held.revision} cannot be read` };
  return { kind: 'earlier', entry: { ...asRun(entry, stored, held.render), ...asHeld }, why: 'frozen' };
}

/** Its workers take over what fits them of the newest settings, and report that: a sink of another kind gathers in its own way. */
const asRun = (entry: JobEntry, goal: JobGoal, render: string): JobEntry => ({
  ...{ ...entry, goal, render },
  live: liveHash(goal),
});
