// One pass: read the goal, observe, plan, act. It trusts nothing that an earlier pass did; it looks again.
import { messageOf } from '#core/errors.ts';
import { readJobId } from '#core/names.ts';
import type { Decision } from '#core/plan/action.ts';
import { fairOrder } from '#core/plan/fair-order.ts';
import { planPass } from '#core/plan/plan-pass.ts';
import { startDelayMs } from '#core/plan/restart-backoff.ts';
import type { GoalSnapshot } from '#core/ports/goal-store.ts';
import { act } from '#functions/reconcile/act.ts';
import { type BeatMemory, observe } from '#functions/reconcile/observe.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';
import { readGoals } from '#functions/reconcile/read-goals.ts';
import { type Watching, watchJobs } from '#functions/reconcile/watch-jobs.ts';

export interface PassReport {
  readonly decisions: number;
  readonly overtaken: number;
  /** Targets whose actions failed, and parts of the world that could not be read. */
  readonly failures: readonly string[];
  /** Jobs whose books did not balance when they were last looked at. */
  readonly unbalanced: number;
  /** The goal store went back in time, and the fleet stands frozen for it. */
  readonly wentBack: boolean;
  readonly settled: boolean;
  /** When the next pass is worth its while (epoch ms); absent when settled. */
  readonly nextPassAt?: number;
}

/** A target whose actions fail is left alone for a while, in this process's memory; the others are not held up by it. */
export type TargetBackoff = Map<string, { failureCount: number; notBefore: number }>;

const jobsAtOnce = 8;
/** Sweeps come at least this often. */
const sweepMs = 60_000;

/** `beats`: of this process, from pass to pass. */
export async function runPass(
  parts: ReconcileParts,
  backoff: TargetBackoff,
  watching: Watching = { lastAt: 0 },
  beats: BeatMemory = { sightings: new Map() },
): Promise<PassReport> {
  const begunAt = parts.clock.now();
  const { snapshot, wentBack, failures: unread } = await readGoals(parts);
  const goal = parts.compile(snapshot);
  const { observed, failures: unseen } = await observe(goal, parts, beats);
  const failures = [...unread, ...unseen];
  const planned = planPass(goal, observed, parts.settings);
  if (failures.length === 0) forgetBut(planned, backoff);
  const decisions = planned.filter((decision) => isDue(decision, backoff, observed.at));
  const tally = { overtaken: 0, failures: [...failures] };
  const topics = decisions.filter((decision) => decision.target.startsWith('topic/'));
  const jobs = decisions.filter((decision) => !decision.target.startsWith('topic/'));
  await inParallel(topics, jobsAtOnce, (decision) => attempt(decision, begunAt, parts, backoff, tally));
  await inParallel(fairOrder(jobs, tenantOf), jobsAtOnce, (decision) =>
    attempt(decision, begunAt, parts, backoff, tally),
  );
  await watchJobs(goal, observed, parts, watching);
  for (const { revision, problems } of goal.unsupported)
    parts.logger.warn('declaration cannot be carried out; what runs of it is left alone', {
      kind: revision.kind,
      name: revision.name,
      problems,
    });
  const expiry = nextExpiry(snapshot.config, observed.at);
  const settled =
    tally.failures.length === 0 &&
    tally.overtaken === 0 &&
    decisions.length === planned.length &&
    expiry === null &&
    decisions.every((decision) => decision.settled);
  return {
    decisions: decisions.length,
    overtaken: tally.overtaken,
    failures: tally.failures,
    unbalanced: (observed.controls ?? []).filter(({ announced }) => announced['books'] !== undefined).length,
    wentBack,
    settled,
    ...(settled ? {} : { nextPassAt: nextPassAt(planned, backoff, expiry, observed.at) }),
  };
}

/** Something may need a look again that nobody foresaw. */
const unsettledPauseMsMax = 30_000;

/** As soon as the first of the unsettled targets can go on, or the first that failed may be tried again. */
function nextPassAt(planned: readonly Decision[], backoff: TargetBackoff, expiry: number | null, now: number): number {
  let next = Math.min(now + unsettledPauseMsMax, expiry ?? Infinity);
  for (const { target, settled, nextPassAt: wanted } of planned) {
    const notBefore = backoff.get(target)?.notBefore ?? 0;
    if (notBefore > now) next = Math.min(next, notBefore);
    else if (!settled) next = Math.min(next, wanted ?? now);
  }
  return next;
}

/** A target that nothing is planned for has nothing to be tried again. Only after a look at the whole world. */
function forgetBut(planned: readonly Decision[], backoff: TargetBackoff): void {
  const targets = new Set(planned.map(({ target }) => target));
  for (const target of backoff.keys()) if (!targets.has(target)) backoff.delete(target);
}

/** When the next setting expires by the store's clock, which may be behind ours; null where a sweep comes before. */
function nextExpiry(config: GoalSnapshot['config'], now: number): number | null {
  const soon = config.flatMap(({ expiresAt }) => (expiresAt === null || expiresAt > now + sweepMs ? [] : [expiresAt]));
  return soon.length === 0 ? null : Math.max(now + 1_000, Math.min(...soon));
}

const tenantOf = ({ target }: Decision): string => readJobId(target)?.tenant ?? '';

const isDue = (decision: Decision, backoff: TargetBackoff, now: number): boolean =>
  (backoff.get(decision.target)?.notBefore ?? 0) <= now;

async function attempt(
  decision: Decision,
  begunAt: number,
  parts: ReconcileParts,
  backoff: TargetBackoff,
  tally: { overtaken: number; failures: string[] },
): Promise<void> {
  try {
    const outcome = await act(decision, begunAt, parts);
    if (outcome === 'overtaken') tally.overtaken++;
    // One that merely waited for something has not shown that its actions succeed again.
    else if (decision.actions.length > 0) backoff.delete(decision.target);
    const kinds = decision.actions.map((action) => action.kind);
    if (outcome === 'overtaken' || kinds.length > 0)
      parts.logger.info(outcome === 'done' ? 'acted' : 'overtaken by another pass', {
        target: decision.target,
        actions: kinds,
      });
  } catch (error) {
    const failureCount = (backoff.get(decision.target)?.failureCount ?? 0) + 1;
    const delayMs = Math.min(30_000, startDelayMs(failureCount));
    backoff.set(decision.target, { failureCount, notBefore: parts.clock.now() + delayMs });
    tally.failures.push(`${decision.target}: ${messageOf(error)}`);
    const facts = { target: decision.target, failureCount, delayMs, error: messageOf(error) };
    parts.logger.warn('a target could not be brought to its goal', facts);
    if (failureCount === 1) await tellOfFailure(decision, messageOf(error), parts);
  }
}

/** Told once a row of failures, not once a try. That it cannot be told (the goal store is gone as well) must not end the pass. */
async function tellOfFailure(decision: Decision, message: string, parts: ReconcileParts): Promise<void> {
  const job = readJobId(decision.target);
  const subject = decision.events[0]?.subject ?? (job ? `job/${job.name}` : 'platform');
  const tenant = decision.events[0]?.tenant ?? job?.tenant ?? 'default';
  const event = { tenant, subject, at: parts.clock.now(), severity: 'warning', reason: 'ActionFailed' } as const;
  const told = `${message}. It is tried again with growing pauses.`;
  await parts.goals.appendEvents([{ ...event, message: told }]).catch(() => undefined);
}

/** Runs at most `atOnce` at a time, in order of the list; `run` must not throw. */
async function inParallel<Item>(
  items: readonly Item[],
  atOnce: number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  if (items.length === 0) return;
  const queue = items.values();
  const lanes = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    for (const item of queue) await run(item);
  });
  await Promise.all(lanes);
}
