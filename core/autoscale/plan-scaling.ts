// The autoscaler's part of a pass: of each job how many workers it is to have from now on, what is remembered of it, and what is told.
import {
  decideWorkers,
  downCooldownMs,
  type LastChange,
  type Obstacle,
  type ScaleDecision,
} from '#core/autoscale/decide-workers.ts';
import { findStandstill } from '#core/autoscale/standstill.ts';
import type { Traffic } from '#core/autoscale/traffic.ts';
import { asScaled, workersOf } from '#core/autoscale/workers-wanted.ts';
import { canarySlot } from '#core/canary/canary-slot.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { isSame } from '#core/hash.ts';
import { fairOrder } from '#core/plan/fair-order.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { taskSlot } from '#core/plan/task-tags.ts';
import type { ScaleRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';

export interface ScaleStep {
  /** What is remembered from now on; undefined: there is nothing to remember. */
  readonly record: ScaleRecord | undefined;
  readonly events: readonly PlatformEvent[];
  /** When there is more to be seen; absent where a sweep is soon enough. */
  readonly nextPassAt?: number;
}

interface Judged {
  readonly entry: JobEntry;
  readonly observed: ObservedJob;
  readonly traffic: Traffic | null;
  readonly before: ScaleRecord | undefined;
  /** Before this pass. */
  readonly workers: number;
  readonly restartMs: number;
  readonly decision: ScaleDecision;
}

const hourMs = 3_600_000;

export function planScaling(
  jobs: readonly (readonly [JobEntry, ObservedJob])[],
  settings: PlatformSettings,
): ReadonlyMap<string, ScaleStep> {
  const judged = jobs
    .filter(([{ autoscale }, { control }]) => autoscale.mode !== 'off' || control?.scale !== undefined)
    .map(([entry, observed]) => judge(entry, observed, settings));
  const held = beyondBudget(judged, jobs, settings);
  return new Map(
    judged.map((one) => {
      const { id } = one.entry.goal;
      return [id, takeStep(held.has(id) ? { ...one, decision: heldByBudget(one.decision) } : one, settings)];
    }),
  );
}

function judge(entry: JobEntry, observed: ObservedJob, settings: PlatformSettings): Judged {
  const before = recordBefore(entry, observed);
  const workers = workersOf(asScaled(entry, before));
  const mostMs = settings.startDeadlineMs + entry.goal.settings.drainMs;
  const traffic = observed.traffic ?? null;
  const still = entry.autoscale.mode === 'off' ? null : findStandstill(entry, observed, workers);
  const settled = still === null ? settle(before, observed, traffic, mostMs) : before;
  const restartMs = Math.min(mostMs, restartMsOf(settled, observed, settings));
  const decision =
    still === null
      ? decideWorkers({
          ...{ now: observed.at, spec: entry.autoscale, settings: settings.autoscale, workers, traffic },
          ...{ restartMs, capacity: before?.capacity ?? null },
          ...{ last: settled?.last ?? null, regrets: before?.regrets ?? 0 },
          ...{ throttle: entry.goal.throttle, refused: refusalOf(observed, settings.autoscale.windowMs) },
        })
      : ({ kind: 'stay', ...still } as const);
  return { entry, observed, traffic, before: settled, workers, restartMs, decision };
}

/** Another declared number begins anew; other workers have to show anew what they can do. Under a freeze all stays, and where the goal went back in time. */
function recordBefore(
  { goal, autoscale, freeze, render }: JobEntry,
  { control, tasks }: ObservedJob,
): ScaleRecord | undefined {
  const known = control?.scale;
  const declared = goal.resources.workers;
  if (freeze !== null || (control !== null && control.revisionActed > goal.revision)) return known;
  if (autoscale.mode === 'off') return undefined;
  if (control === null && autoscale.mode === 'on') {
    // Its memory is lost: what runs was chosen by somebody who knew more.
    const alive = tasks.filter(({ state }) => state === 'running' || state === 'starting').map(taskSlot);
    const running = new Set(alive.filter((slot) => slot !== canarySlot)).size;
    const workers = Math.min(autoscale.max, Math.max(autoscale.min, running));
    return running > declared ? { declared, render, workers, changes: [] } : undefined;
  }
  if (known === undefined || known.declared !== declared) return undefined;
  const { workers, last, ...rest } = known;
  if (autoscale.mode !== 'on') return rest;
  if (known.render === render) return known;
  const { capacity: _of, wish: _too, ...kept } = known;
  return { ...kept, render };
}

/** How long a change of their number takes, as far as is known. */
export const restartMsOf = (
  record: ScaleRecord | undefined,
  observed: Pick<ObservedJob, 'control' | 'heartbeats'>,
  { stopStartPauseMs }: Pick<PlatformSettings, 'stopStartPauseMs'>,
): number => record?.restartMs ?? startedWithin(observed) ?? stopStartPauseMs;

/** From being asked for to reporting, the slowest of those that run; null where nobody can tell. */
function startedWithin({ control, heartbeats }: Pick<ObservedJob, 'control' | 'heartbeats'>): number | null {
  const slots = Object.values(control?.slots ?? {});
  const took = heartbeats.flatMap(({ incarnation, startedAt }) => {
    const slot = slots.find((one) => one.incarnation === incarnation);
    return slot === undefined || startedAt <= slot.startedAt ? [] : [startedAt - slot.startedAt];
  });
  return took.length === 0 ? null : Math.max(1_000, ...took);
}

/**
 * The first pass that sees all workers of the last change reading learns how long that took; the slowest counts for long.
 * `mostMs`: until a worker is given up that has not reported, and until splits are given up by whoever has them. What took
 * longer was no start: the job was paused, frozen, rolled back, or there was no pass. Nothing is learnt of that, since a pass
 * that was not made cannot take note of it, and the cooldowns would last many times as long.
 */
function settle(
  before: ScaleRecord | undefined,
  { at }: ObservedJob,
  traffic: Traffic | null,
  mostMs: number,
): ScaleRecord | undefined {
  const last = before?.last;
  if (before === undefined || last === undefined || last.settledAt !== null) return before;
  if (traffic !== null && traffic.workers < Math.min(last.to, traffic.splits)) return before;
  const tookMs = Math.max(1_000, at - last.at);
  const known = Math.min(mostMs, before.restartMs ?? 0);
  const isNoMeasure = last.to < last.from || tookMs > mostMs;
  const restartMs = isNoMeasure ? known : Math.round(Math.max(tookMs, 0.7 * known + 0.3 * tookMs));
  return { ...before, last: { ...last, settledAt: at }, ...(restartMs === 0 ? {} : { restartMs }) };
}

/** What a sink said lately and again: to write to it with more workers would not help it. */
function refusalOf({ heartbeats, at }: ObservedJob, windowMs: number): string | null {
  const errors = heartbeats.flatMap((heartbeat) => heartbeat.errors);
  const refusal = errors.find(
    (error) => error.code.startsWith('sink-') && error.count > 1 && at - error.at <= windowMs,
  );
  return refusal?.code ?? null;
}

/** Jobs that wait longest for more workers come first, tenant by tenant; who would give some back can wait. */
function beyondBudget(
  judged: readonly Judged[],
  jobs: readonly (readonly [JobEntry, ObservedJob])[],
  { autoscale }: PlatformSettings,
): ReadonlySet<string> {
  const changing = judged.filter(({ entry, decision }) => entry.autoscale.mode === 'on' && decision.kind === 'change');
  if (changing.length === 0) return new Set();
  const scaled = jobs.filter(([entry]) => entry.autoscale.mode === 'on').length;
  const perHour = Math.max(autoscale.changesPerHour.min, Math.floor(autoscale.changesPerHour.share * scaled));
  const spent = judged.reduce((sum, { before, observed }) => sum + recent(before, observed.at).length, 0);
  const left = Math.max(0, Math.min(autoscale.changesPerPass, perHour - spent));
  const urgency = ({ workers, decision, traffic }: Judged): number =>
    decision.kind === 'change' && decision.to > workers ? (traffic?.backlog ?? 0) / workers : -1;
  const inTurn = fairOrder(
    changing.toSorted((a, b) => urgency(b) - urgency(a)),
    ({ entry }) => entry.goal.tenant,
  );
  return new Set(inTurn.slice(left).map(({ entry }) => entry.goal.id));
}

const heldByBudget = (decision: ScaleDecision): ScaleDecision =>
  decision.kind !== 'change'
    ? decision
    : {
        ...{ kind: 'hold', reason: 'budget', to: decision.to },
        why: `${decision.why}; but as many jobs as may within an hour, or one pass, have changed: it has to wait its turn`,
      };

const recent = (record: ScaleRecord | undefined, now: number): readonly number[] =>
  (record?.changes ?? []).filter((at) => now - at < hourMs);

function takeStep(judged: Judged, settings: PlatformSettings): ScaleStep {
  const { entry, before, decision } = judged;
  if (entry.freeze !== null || entry.autoscale.mode === 'off') return { record: before, events: [] };
  const step =
    entry.autoscale.mode === 'on' && decision.kind === 'change'
      ? carryOut(judged, decision, settings)
      : tell(judged, settings);
  const isWatched = entry.autoscale.mode === 'on' && isOpen(judged, step.record);
  const record = isSame(step.record ?? null, judged.observed.control?.scale ?? null)
    ? judged.observed.control?.scale
    : step.record;
  return { record, events: step.events, ...(isWatched ? { nextPassAt: lookAgainAt(judged, settings) } : {}) };
}

/** Something waits, or a change has yet to show what it brought: a sweep would be late. */
const isOpen = ({ decision, traffic }: Judged, record: ScaleRecord | undefined): boolean =>
  record?.last?.settledAt === null ||
  (traffic?.isSaturated ?? false) ||
  (decision.kind === 'hold' && decision.reason === 'budget');

const lookAgainAt = ({ observed }: Judged, { autoscale }: PlatformSettings): number =>
  observed.at + Math.round(autoscale.windowMs / 4);

function carryOut(
  judged: Judged,
  { to, why }: ScaleDecision & { kind: 'change' },
  settings: PlatformSettings,
): ScaleStep {
  const { entry, observed, before, workers, traffic, restartMs } = judged;
  const { at } = observed;
  const isRegret = to > workers && isSoonAfterGivingBack(judged, settings);
  const last: LastChange & { readonly why: string } = {
    at,
    from: workers,
    to,
    done: traffic?.done ?? null,
    settledAt: null,
    why,
  };
  const { wish: _granted, ...kept } = before ?? { declared: entry.goal.resources.workers };
  const regrets = nextRegrets(before, isRegret, at);
  const record: ScaleRecord = {
    ...kept,
    ...{ render: entry.render, workers: to, last, changes: [...recent(before, at), at] },
    ...(regrets === 0 ? {} : { regrets }),
    ...learnedCapacity(judged),
  };
  const [reason, what] = to > workers ? (['ScaledUp', 'more'] as const) : (['ScaledDown', 'fewer'] as const);
  const message = `${to} workers instead of ${workers}, ${Math.abs(to - workers)} ${what}: ${why}.`;
  const evidence = { from: workers, to, ...traffic, restartMs };
  return { record, events: [jobEvent(entry.goal, at, 'info', reason, message, evidence)] };
}

const isSoonAfterGivingBack = ({ before, observed, restartMs }: Judged, { autoscale }: PlatformSettings): boolean => {
  const last = before?.last;
  if (last === undefined || last.to > last.from) return false;
  return observed.at - last.at < 2 * downCooldownMs({ settings: autoscale, restartMs, regrets: before?.regrets ?? 0 });
};

/** A day without is forgiven by the next change. */
function nextRegrets(before: ScaleRecord | undefined, isRegret: boolean, now: number): number {
  const regrets = before?.regrets ?? 0;
  if (isRegret) return Math.min(regrets + 1, 4);
  return before?.last !== undefined && now - before.last.at > 24 * hourMs ? Math.max(0, regrets - 1) : regrets;
}

/** Two digits are all that it is worth. */
function learnedCapacity({ traffic, before }: Judged): Pick<ScaleRecord, 'capacity'> {
  const capacity = traffic?.capacity ?? before?.capacity ?? null;
  return capacity === null || capacity <= 0 ? {} : { capacity: Number(capacity.toPrecision(2)) };
}

/** Obstacles that last, and that somebody could do something about; of the others it is enough that they pass. */
const lasting: readonly Obstacle[] = [
  'at-bound',
  'throttled',
  'sink-refuses',
  'stalled',
  'one-split',
  'no-gain',
  'budget',
];

type Wish = NonNullable<ScaleRecord['wish']>;

/** For so long what was told stands, also when it is over. */
export const adviceRestMs = (restartMs: number, { autoscale }: Pick<PlatformSettings, 'autoscale'>): number =>
  Math.max(autoscale.windowMs * 3, 2 * restartMs);

/** What it would do, or cannot do: told when that is another than was told last, and not more often than a change could be made. */
function tell(judged: Judged, settings: PlatformSettings): ScaleStep {
  const { entry, observed, before, workers, decision, restartMs } = judged;
  const { at } = observed;
  const told = before?.wish;
  const wish = wishOf(judged);
  const isNews = wish === null ? told !== undefined && isOver(told, judged) : !isSameWish(wish, told);
  if (!isNews || (told !== undefined && at - told.at < adviceRestMs(restartMs, settings)))
    return { record: before, events: [] };
  const { wish: _over, ...kept } = before ?? {
    declared: entry.goal.resources.workers,
    render: entry.render,
    changes: [],
  };
  const record: ScaleRecord = wish === null ? kept : { ...kept, wish, ...learnedCapacity(judged) };
  const evidence = { workers, ...judged.traffic, restartMs };
  const event = (severity: PlatformEvent['severity'], reason: string, message: string): PlatformEvent =>
    jobEvent(entry.goal, at, severity, reason, message, evidence);
  if (wish === null) {
    const message = `${told!.to} workers instead of ${workers} would be better no more: ${decision.why}.`;
    return { record, events: [event('info', 'ScaleAdviceOver', message)] };
  }
  const isAdvice = wish.state === 'advised';
  const message = `${wish.to} workers instead of ${workers} ${isAdvice ? 'are advised' : 'would be better'}: ${wish.why}.`;
  const severity = entry.autoscale.mode === 'on' ? 'warning' : 'info';
  return { record, events: [event(severity, isAdvice ? 'ScaleAdvised' : 'ScaleHeld', message)] };
}

function wishOf({ decision, observed: { at } }: Judged): Wish | null {
  if (decision.kind === 'stay') return null;
  const { to, why } = decision;
  if (decision.kind === 'change') return { state: 'advised', to, why, at };
  return lasting.includes(decision.reason) ? { state: decision.reason, to, why, at } : null;
}

/** The number is right by now, or wrong on its other side; or more were wanted, and nothing waits. */
function isOver(told: Wish, { decision, workers, traffic }: Judged): boolean {
  if (decision.kind !== 'stay') return decision.to > workers !== told.to > workers;
  return decision.reason === 'fits' || (told.to > workers && traffic?.backlog === 0);
}

/** Of something that is in the way the number says little: it grows while it is. */
const isSameWish = (wish: Wish, told: Wish | undefined): boolean =>
  wish.state === told?.state && (wish.state !== 'advised' || wish.to === told.to);
