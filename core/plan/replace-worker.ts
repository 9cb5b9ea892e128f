// A slot's next worker: at once where the last one ended in order or got somewhere, later where it fails again and again, never when its budget is spent.
import { contentHash } from '#core/hash.ts';
import type { SlotHealth } from '#core/health/worker-health.ts';
import { exitCodes, exitMeaning } from '#core/job/exit-codes.ts';
import { shortWorkerName, workerName } from '#core/names.ts';
import type { Action } from '#core/plan/action.ts';
import { forgiven } from '#core/plan/forgive-failures.ts';
import { isOwnFault } from '#core/plan/plan-rollout.ts';
import { isWaiting, startDelayMs } from '#core/plan/restart-backoff.ts';
import { type JobScope, latestHeartbeat, type SlotDecision, scopeEvent, taskOf } from '#core/plan/slot-scope.ts';
import type { PlacedWorker, SlotRecord } from '#core/ports/control-store.ts';
import { seconds } from '#core/time/seconds.ts';

export function startWorker(
  scope: JobScope,
  slot: number,
  failureCount: number,
  now: number,
  reason: string,
  why: string,
  evidence?: object,
): SlotDecision {
  const record: SlotRecord = {
    incarnation: scope.nextIncarnation(),
    render: scope.entry.render,
    startedAt: now,
    failureCount,
    nextStartAt: now,
  };
  const worker = workerName(scope.entry.goal.id, record.incarnation, slot);
  const severity = reason === 'WorkerStarted' ? 'info' : 'warning';
  return {
    record,
    actions: [startAction(scope, slot, record)],
    events: [
      scopeEvent(
        scope,
        severity,
        reason,
        `${capital(why)}: worker ${shortWorkerName(worker)} started on revision ${scope.entry.goal.revision}.`,
        evidence,
      ),
    ],
    settled: false,
  };
}

export function startAction(scope: JobScope, slot: number, record: SlotRecord): Action {
  const { goal, render } = scope.entry;
  const worker = workerName(goal.id, record.incarnation, slot);
  return {
    kind: 'start-worker',
    goal,
    worker,
    incarnation: record.incarnation,
    slot,
    render,
    clientToken: contentHash({ worker, render }),
  };
}

/** The task is over: a successor, at once where the end was wanted or the worker had lived long enough, later where it fails again and again. */
export function succeedWorker(
  scope: JobScope,
  slot: number,
  record: SlotRecord,
  health: SlotHealth & { kind: 'over' },
  outdated: boolean,
): SlotDecision {
  const { goal } = scope.entry;
  const worker = workerName(goal.id, record.incarnation, slot);
  const fence: Action = { kind: 'fence-worker', job: goal.id, worker };
  const code = health.exitCode === null ? '' : ` (${exitMeaning(health.exitCode)})`;
  if (outdated) {
    const started = startWorker(
      scope,
      slot,
      0,
      scope.now,
      'WorkerStarted',
      `worker ${shortWorkerName(worker)} has ended, and there is a newer goal`,
    );
    return { ...started, actions: [fence, ...started.actions] };
  }
  if (endedInOrder(health)) {
    const started = startWorker(
      scope,
      slot,
      0,
      scope.now,
      'WorkerStarted',
      `worker ${shortWorkerName(worker)} ended in order`,
    );
    return { ...started, actions: [fence, ...started.actions] };
  }
  return replaceWorker(scope, slot, record, [fence], {
    reason: 'WorkerDied',
    why: `worker ${shortWorkerName(worker)} is over after ${seconds(health.livedMs)}: ${health.reason}${code}`,
    ...(isOwnFault(health.exitCode, health.reason) ? { ownFault: `${health.reason}${code}` } : {}),
  });
}

/** How a worker came to be replaced, for the event. */
export interface Ending {
  readonly reason: string;
  readonly why: string;
  /** What it has to answer for itself; absent where something outside may be to blame. */
  readonly ownFault?: string;
  /** The evidence, where the runtime's word and the worker's own differ. */
  readonly drift?: object;
}

/** Ends the slot's worker for good and starts the next, when its backoff allows. */
export function replaceWorker(
  scope: JobScope,
  slot: number,
  ended: SlotRecord,
  first: readonly Action[],
  { reason, why, drift, ...ending }: Ending,
): SlotDecision {
  const record = forgiven(ended, latestHeartbeat(scope, ended.incarnation));
  // What a worker of another goal ended of is no fault of the one that is started now: that may be what mends it.
  const isOfGoal = ended.render === scope.entry.render;
  const ownFault = isOfGoal ? ending.ownFault : undefined;
  const faultsBefore = isOfGoal ? record.faults : undefined;
  if (ownFault !== undefined && !isWaiting(record)) {
    const held = quarantine(scope, slot, record, ownFault);
    if (held !== null) return { ...held, actions: [...first, ...held.actions] };
  }
  const { drifts: _all, ...withoutDrifts } = record;
  const recent = recentDrifts(scope, record);
  const drifts = drift === undefined || isWaiting(record) ? recent : [...recent, scope.now];
  // Beyond the budget its successors wait, however far each of them got: what cuts it off again and again is not cured by a start.
  const drifted = Math.max(0, drifts.length - scope.entry.restartBudget.count);
  const drifting = drifts.length === 0 ? {} : { drifts };
  const failuresBefore = Math.max(drifted, madeProgress(scope, record) ? 0 : record.failureCount);
  // The moment of failure is taken once: later passes find `nextStartAt` already in the future of `startedAt`.
  const announcedBefore = isWaiting(record);
  const nextStartAt = announcedBefore ? record.nextStartAt : scope.now + startDelayMs(failuresBefore);
  if (nextStartAt > scope.now) {
    const waiting = { ...withoutDrifts, nextStartAt, ...drifting };
    const events = announcedBefore
      ? []
      : [
          scopeEvent(
            scope,
            drifted > 0 ? 'error' : 'warning',
            reason,
            `${capital(why)}; failure ${failuresBefore + 1} in a row: the next starts in ${seconds(nextStartAt - scope.now)}.`,
            drift,
          ),
        ];
    return { record: waiting, actions: announcedBefore ? [] : first, events, settled: false, nextPassAt: nextStartAt };
  }
  const started = startWorker(
    scope,
    slot,
    failuresBefore + 1,
    scope.now,
    announcedBefore ? 'WorkerStarted' : reason,
    announcedBefore ? 'its backoff is over' : why,
    drift,
  );
  const faults = ownFault === undefined ? faultsBefore : blame(scope, record, ownFault);
  const memory = { ...(faults === undefined ? {} : { faults }), ...drifting };
  return { ...started, record: { ...started.record!, ...memory }, actions: [...first, ...started.actions] };
}

/** Those that the budget counts: forgotten with its span, whatever the slot's next worker ends of. */
const recentDrifts = ({ entry, now }: JobScope, { drifts = [] }: SlotRecord): readonly number[] =>
  drifts.filter((at) => now - at < entry.restartBudget.perMs).slice(1 - restartsMax);

/** Those that the budget counts are forgotten with its span. */
function blame({ entry, now }: JobScope, { faults }: PlacedWorker, last: string): NonNullable<PlacedWorker['faults']> {
  const recent = (faults?.at ?? []).filter((at) => now - at < entry.restartBudget.perMs);
  return { count: (faults?.count ?? 0) + 1, last, at: [...recent, now].slice(-restartsMax) };
}

/** As many as a budget can count. */
const restartsMax = 100;

/** Its restart budget is spent: it stays down, which is told with its last words; the others go on. Null: it may start again. */
function quarantine(scope: JobScope, slot: number, record: SlotRecord, ownFault: string): SlotDecision | null {
  const { goal, restartBudget } = scope.entry;
  const faults = blame(scope, record, ownFault);
  const recent = faults.at ?? [];
  if (recent.length <= restartBudget.count) return null;
  const worker = workerName(goal.id, record.incarnation, slot);
  const message = `Worker ${shortWorkerName(worker)} ended ${recent.length} times within ${seconds(restartBudget.perMs)} by its own fault (${ownFault}): it is not started again. Change the route, or restart the job once the cause is gone.`;
  const errors = latestHeartbeat(scope, record.incarnation)?.errors ?? [];
  const task = taskOf(scope, record.incarnation);
  const event = scopeEvent(scope, 'error', 'WorkerQuarantined', message, { fault: ownFault, errors });
  const actions: readonly Action[] = task ? [{ kind: 'tell-with-log', taskId: task.taskId, event }] : [];
  const held = { ...record, faults, quarantinedAt: scope.now };
  return { record: held, actions, events: task ? [] : [event], settled: true };
}

/** It was told to end, by whoever stopped the runtime, and drained: no failure. One that ends at once is not believed. */
const endedInOrder = (health: SlotHealth & { kind: 'over' }): boolean =>
  health.exitCode !== null && toldToEnd.includes(health.exitCode) && health.livedMs > orderlyAfterMs;
const toldToEnd: readonly number[] = [exitCodes.ended, exitCodes.stuck, exitCodes.drainTimeout];
const orderlyAfterMs = 1_000;

/**
 * A worker that got somewhere before it died is no crash loop: its successor need not wait. One that dies at a record
 * stands before it at its next start, gets nowhere, and from then on it does wait.
 */
const madeProgress = (scope: JobScope, record: SlotRecord): boolean =>
  (latestHeartbeat(scope, record.incarnation)?.accounting.in ?? 0) > 0;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
