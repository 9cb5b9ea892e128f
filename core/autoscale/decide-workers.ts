// How many workers a job should have, from what was measured: a number with its reason, or why it stays as it is. Pure.
import type { AutoscaleSettings } from '#core/autoscale/settings.ts';
import type { Traffic } from '#core/autoscale/traffic.ts';
import type { AutoscaleSpec } from '#core/spec/autoscale.ts';
import { formatDuration } from '#core/spec/quantity.ts';
import { seconds } from '#core/time/seconds.ts';

/** What stands in the way of any change, before anything is measured. */
export type Standstill = 'paused' | 'frozen' | 'under-way' | 'unobserved';

/** Why the number stays although another would be better. */
export type Obstacle =
  /** The next number would be beyond the declared bounds, or the splits. */
  | 'at-bound'
  | 'cooldown'
  /** Fewer would do for what comes, but something waits still. */
  | 'catching-up'
  /** Nothing arrives at all: whoever writes may be down, and all of it comes once he is back. */
  | 'upstream-silent'
  | 'throttled'
  | 'sink-refuses'
  /** Something waits, and nothing of it is done: more workers would stand as still. */
  | 'stalled'
  /** Most of what waits is in splits that cannot be shared any further. */
  | 'one-split'
  /** The last workers that were added have brought nothing. */
  | 'no-gain'
  /** As many jobs of the fleet as may have changed. */
  | 'budget';

export type ScaleDecision =
  | { readonly kind: 'change'; readonly to: number; readonly why: string }
  | { readonly kind: 'hold'; readonly reason: Obstacle; readonly to: number; readonly why: string }
  | { readonly kind: 'stay'; readonly reason: Standstill | 'measuring' | 'fits'; readonly why: string };

export interface LastChange {
  readonly at: number;
  readonly from: number;
  readonly to: number;
  /** Records a second that the job got through before; null: not known. */
  readonly done: number | null;
  /** When all the workers of the new number were reading; null: they are not yet. */
  readonly settledAt: number | null;
}

export interface ScaleFacts {
  readonly now: number;
  readonly spec: AutoscaleSpec;
  readonly settings: AutoscaleSettings;
  readonly workers: number;
  /** Null: not watched for long enough yet. */
  readonly traffic: Traffic | null;
  /** How long it takes until one more worker reads, as measured. */
  readonly restartMs: number;
  /** Records a second of one worker, from before this reconciler began to watch. */
  readonly capacity: number | null;
  readonly last: LastChange | null;
  /** How often lately workers were given back that were needed soon after. */
  readonly regrets: number;
  /** Records a second that the job may read at most. */
  readonly throttle: number | null;
  /** What the sink says to being written to; null: it takes what it is given. */
  readonly refused: string | null;
}

/** Room that is left above the highest rate, so that not every ripple is a change. */
const headroom = 1.2;
/** A backlog that is to be kept below the target is acted upon from here on: the reaction takes time too. */
const triggerShare = 0.5;
/** Below it a backlog is as good as none. */
const quietShare = 0.1;
/** Of what one worker should have brought: below it, workers are not what is lacking. */
const gainMin = 1.1;
const noGainMs = 3_600_000;
/** A share of the time below which it says nothing of what a worker can do. */
const busyMin = 0.02;

export const regretsMax = 4;

/** Twice as long for each time that it was too early. */
export const downCooldownMs = ({
  settings,
  restartMs,
  regrets,
}: Pick<ScaleFacts, 'settings' | 'restartMs' | 'regrets'>) =>
  Math.max(settings.calmMs, settings.calmRestarts * restartMs) * 2 ** Math.min(regrets, regretsMax);

/**
 * How many workers' worth so many workers are: a split is read by one, so whoever has most of them is done last. Of 8 splits
 * 5 workers are no more than 4.
 */
export const effectiveWorkers = (workers: number, splits: number): number =>
  splits / Math.ceil(splits / Math.min(workers, splits));

/** The fewest that are worth so much; more than there are splits where no number is. */
function fewestWorth(worth: number, splits: number): number {
  for (let workers = 1; workers <= splits; workers++) if (effectiveWorkers(workers, splits) >= worth) return workers;
  return Math.ceil(worth);
}

export function decideWorkers(facts: ScaleFacts): ScaleDecision {
  const { traffic, spec, workers } = facts;
  if (traffic === null) return stay('measuring', 'what arrives and what is got through is being measured');
  const upper = Math.min(spec.max, traffic.splits);
  const lower = Math.min(spec.min, upper);
  if (workers < lower) return change(lower, `at least ${lower} are declared`);
  if (workers > upper)
    return change(
      upper,
      traffic.splits < workers ? `${traffic.splits} splits cannot keep more busy` : `at most ${upper} are declared`,
    );
  const each = capacityOf(facts, traffic);
  if (each === null)
    return stay('measuring', `no worker has had enough to do to tell what it can do (${rates(traffic)})`);
  return (
    decideMore({ ...facts, traffic, each, lower, upper }) ?? decideFewer({ ...facts, traffic, each, lower, upper })
  );
}

interface Measured extends ScaleFacts {
  readonly traffic: Traffic;
  /** Records a second that a worker can do. */
  readonly each: number;
  readonly lower: number;
  readonly upper: number;
}

/** Seen with more waiting than could be done, now or before; else judged by the share of its time that it was busy, which is a guess. */
function capacityOf({ capacity }: ScaleFacts, traffic: Traffic): number | null {
  const { done, workers, busy } = traffic;
  const seen = done === null || done <= 0 ? 0 : done / effectiveWorkers(workers, traffic.splits);
  const known = traffic.capacity ?? capacity;
  if (known !== null && known > 0) return Math.max(known, seen);
  return seen > 0 && busy >= busyMin ? seen / Math.min(1, busy) : null;
}

/** Null: no more are needed. */
function decideMore(facts: Measured): ScaleDecision | null {
  const { traffic, each, workers, spec } = facts;
  const reach = reachOf(facts);
  const waitsMs = (traffic.backlog * 1_000) / reach;
  const needed = neededWorkers(facts);
  if (needed <= workers || !endangersTarget(facts, reach)) return null;
  const why = `${rates(traffic)}; the ${count(traffic.backlog)} that wait take ${span(waitsMs)}, to be below ${formatDuration(spec.drainMs)}: ${workers} worker(s) of ${count(each)}/s are too few, ${needed} would do`;
  const useful = usefulUpper(facts);
  const obstacle = obstacleToMore(facts, needed, useful);
  return obstacle === null
    ? change(Math.min(needed, useful), why)
    : hold(obstacle.reason, needed, `${why}; but ${obstacle.why}`);
}

/** Records a second of all of them. */
const reachOf = ({ workers, each, traffic }: Measured): number => each * effectiveWorkers(workers, traffic.splits);

/** The fewest that are worth as much as the most that may be. */
const usefulUpper = ({ upper, traffic }: Measured): number =>
  fewestWorth(effectiveWorkers(upper, traffic.splits), traffic.splits);

/** As many as keep up with what arrives, and get through what waits in the time allowed. */
function neededWorkers(facts: Measured): number {
  const { traffic, each, spec, restartMs } = facts;
  const behind = Math.max(0, traffic.arrival - reachOf(facts)) * (restartMs / 1_000);
  const drain = (traffic.backlog + behind) / (spec.drainMs / 1_000);
  return fewestWorth((traffic.arrival + drain) / each, traffic.splits);
}

/** What waits takes too long already, or will by the time that more workers read. */
function endangersTarget({ traffic, spec, settings, restartMs }: Measured, reach: number): boolean {
  const growth = traffic.isSaturated ? Math.max(0, traffic.arrival - (traffic.done ?? 0)) : 0;
  const then = traffic.backlog + (growth * (2 * restartMs + settings.windowMs)) / 1_000;
  const limit = (spec.drainMs / 1_000) * reach;
  return traffic.backlog > triggerShare * limit || then > limit;
}

function obstacleToMore(
  facts: Measured,
  needed: number,
  useful: number,
): { readonly reason: Obstacle; readonly why: string } | null {
  const { traffic, workers, upper, throttle, refused, last, now, restartMs, settings, spec } = facts;
  if (throttle !== null && traffic.arrival >= 0 && (traffic.done ?? 0) >= 0.9 * throttle)
    return { reason: 'throttled', why: `the job is held to ${throttle} records/s, however many there are` };
  if (refused !== null) return { reason: 'sink-refuses', why: `the sink holds it up (${refused})` };
  if (traffic.isSaturated && traffic.done === 0)
    return { reason: 'stalled', why: 'nothing moves, and more workers would stand as still' };
  if (needed > useful && workers >= useful)
    return {
      reason: 'at-bound',
      why: upper < spec.max ? `the source has ${traffic.splits} splits` : `at most ${upper} are declared`,
    };
  if (traffic.aloneShare > 0.8)
    return { reason: 'one-split', why: 'most of it waits in splits that a worker has to itself already' };
  if (last === null) return null;
  if (last.to > last.from && traffic.isSaturated && now - last.at < noGainMs && gained(last, traffic) < gainMin)
    return {
      reason: 'no-gain',
      why: `going from ${last.from} to ${last.to} has brought nothing: something else is slow`,
    };
  const restMs = Math.max(settings.windowMs / 2, restartMs);
  if (last.settledAt === null || now - last.settledAt < restMs)
    return { reason: 'cooldown', why: `the last change is to take effect first (${span(restMs)} after it)` };
  return null;
}

const gained = ({ done }: LastChange, traffic: Traffic): number =>
  done === null || done <= 0 || traffic.done === null ? Number.POSITIVE_INFINITY : traffic.done / done;

function decideFewer(facts: Measured): ScaleDecision {
  const { traffic, each, workers, spec, lower } = facts;
  const waitsMs = (traffic.backlog * 1_000) / reachOf(facts);
  const fitting = Math.max(lower, fewestWorth((traffic.peak * headroom) / each, traffic.splits));
  const fits = `${rates(traffic)}, ${count(each)}/s each; what waits takes ${span(waitsMs)}, to be below ${formatDuration(spec.drainMs)}`;
  if (fitting >= workers) return stay('fits', fits);
  // Half at most at once: what is known of a worker was measured beside others.
  const to = Math.max(fitting, Math.ceil(workers / 2));
  const obstacle = obstacleToFewer(facts);
  if (obstacle !== null) return hold(obstacle.reason, to, `${fits}: ${fitting} would do; but ${obstacle.why}`);
  const watched = formatDuration(Math.round(traffic.peakWatchedMs / 1_000) * 1_000);
  return change(
    to,
    `${fits}; at most ${count(traffic.peak)}/s arrived within ${watched}, for which ${fitting} would do`,
  );
}

function obstacleToFewer(facts: Measured): { readonly reason: Obstacle; readonly why: string } | null {
  const { traffic, spec, settings, last, now, refused } = facts;
  const quiet = quietShare * (spec.drainMs / 1_000) * reachOf(facts);
  if (traffic.arrival === 0)
    return { reason: 'upstream-silent', why: 'nothing arrives: when it does again, it may be all at once' };
  if (traffic.backlog > quiet || traffic.backlogGrows)
    return { reason: 'catching-up', why: traffic.backlogGrows ? 'the backlog grows' : 'what waits is done first' };
  if (refused !== null) return { reason: 'sink-refuses', why: `the sink holds it up (${refused})` };
  const coolMs = downCooldownMs(facts);
  if (traffic.peakWatchedMs < settings.calmMs || (last !== null && now - last.at < coolMs))
    return { reason: 'cooldown', why: `it has to be so for ${span(last === null ? settings.calmMs : coolMs)}` };
  return null;
}

const change = (to: number, why: string): ScaleDecision => ({ kind: 'change', to, why });
const hold = (reason: Obstacle, to: number, why: string): ScaleDecision => ({ kind: 'hold', reason, to, why });
const stay = (reason: 'measuring' | 'fits', why: string): ScaleDecision => ({ kind: 'stay', reason, why });

const rates = ({ arrival, done }: Traffic): string =>
  `${count(arrival)} records/s arrive${done === null ? '' : `, ${count(done)}/s are done`}`;

const count = (value: number): string => String(value < 10 ? Number(value.toPrecision(2)) : Math.round(value));

/** 90500 → `1m30s` is more than anybody wants to know: seconds below two minutes, minutes below two hours. */
function span(ms: number): string {
  if (ms < 120_000) return seconds(ms);
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
