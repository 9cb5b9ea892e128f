// One worker slot: from its health to its record afterwards and what to do about it.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { contentHash } from '#core/hash.ts';
import { judgeSlot, type SlotHealth } from '#core/health/worker-health.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import { shortWorkerName, workerName } from '#core/names.ts';
import type { Action } from '#core/plan/action.ts';
import { forgiven } from '#core/plan/forgive-failures.ts';
import { needsSuccessor } from '#core/plan/job-change.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { isOwnFault } from '#core/plan/plan-rollout.ts';
import { isReady, startsBeside, withoutSuccessor } from '#core/plan/plan-successor.ts';
import { isWaiting, startDelayMs } from '#core/plan/restart-backoff.ts';
import { taskIncarnation } from '#core/plan/task-tags.ts';
import type { PlacedWorker, SlotRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';
import type { Json } from '#core/spec/json.ts';
import { seconds } from '#core/time/seconds.ts';

/** What is decided for one slot: its record afterwards (null: the slot is gone), and what to do. */
export interface SlotDecision {
  readonly record: SlotRecord | null;
  readonly actions: readonly Action[];
  readonly events: readonly PlatformEvent[];
  readonly settled: boolean;
  readonly nextPassAt?: number;
}

export interface JobScope {
  readonly entry: JobEntry;
  readonly observed: ObservedJob;
  readonly settings: PlatformSettings;
  readonly now: number;
  /** Why no worker is wanted at all; null where some are. */
  readonly whyNone: string | null;
  /** Hands out incarnations, each once. */
  readonly nextIncarnation: () => number;
  /** So many jobs ail at once that the cause lies outside: whoever works is left alone. */
  readonly isFleetWide: boolean;
}

const latestHeartbeat = (scope: JobScope, incarnation: number) =>
  scope.observed.heartbeats.find((heartbeat) => heartbeat.incarnation === incarnation) ?? null;

const taskOf = (scope: JobScope, incarnation: number) =>
  scope.observed.tasks.find((task) => taskIncarnation(task) === incarnation) ?? null;

function healthOf(scope: JobScope, record: SlotRecord): { health: SlotHealth; task: ObservedTask | null } {
  const task = taskOf(scope, record.incarnation);
  const heartbeat = latestHeartbeat(scope, record.incarnation);
  const deadlines = { ...scope.settings, leaseMs: scope.entry.goal.settings.leaseMs };
  return { health: judgeSlot({ now: scope.now, slot: record, task, heartbeat }, deadlines), task };
}

export function planWantedSlot(scope: JobScope, slot: number, before: SlotRecord | undefined): SlotDecision {
  if (!before) return start(scope, slot, 0, scope.now, 'WorkerStarted', 'the job wants it');
  // One that was started beside it for a goal that is not wanted any more is nobody's: it is stopped as such.
  const isWanted = before.successor !== undefined && !needsSuccessor(before.successor, scope.entry);
  const kept = isWanted ? before : withoutSuccessor(before);
  const { goal } = scope.entry;
  const worker = workerName(goal.id, kept.incarnation, slot);
  const { health, task } = healthOf(scope, kept);
  const record = noteListing(scope, health.kind === 'alive' ? withoutWait(kept) : kept, health);
  const outdated = needsSuccessor(record, scope.entry);
  if (!outdated && record.successor) return planWantedSlot(scope, slot, withoutSuccessor(record));
  if (!outdated && record.quarantinedAt !== undefined && health.kind !== 'alive')
    return { record, actions: [], events: [], settled: true };
  if (outdated && record.successor && !['alive', 'starting', 'unsure'].includes(health.kind)) {
    const next = planWantedSlot(scope, slot, record.successor);
    return { ...next, actions: [{ kind: 'fence-worker', job: goal.id, worker }, ...next.actions] };
  }
  const stop = (why: string): readonly Action[] =>
    task ? [{ kind: 'stop-worker', job: goal.id, taskId: task.taskId, why }] : [];
  switch (health.kind) {
    case 'alive':
      if (isDrifting(scope, record)) return replaceUnlisted(scope, slot, record);
      if (!outdated) return { record, actions: [], events: [], ...awaited(scope, record, health.lookAgain) };
      if (startsBeside(scope.entry, latestHeartbeat(scope, record.incarnation)))
        return planBeside(scope, slot, record, stop('a newer goal'));
      return {
        record,
        actions: stop('a newer goal'),
        events: [
          scopeEvent(
            scope,
            'info',
            'WorkerStopping',
            `Worker ${shortWorkerName(worker)} runs an older goal: it drains and ends, then its successor starts.`,
          ),
        ],
        settled: false,
      };
    case 'unsure':
      return { record, actions: [], events: [], ...again(scope, true) };
    case 'starting':
      if (outdated)
        return { record, actions: stop('a newer goal'), events: [], settled: false, nextPassAt: scope.now + 1_000 };
      return { record, actions: health.listed ? [] : [startAction(scope, slot, record)], events: [], settled: false };
    case 'over':
      return succeed(scope, slot, record, health, outdated);
    default:
      return planGone(scope, slot, record, health, stop);
  }
}

/** It was given up, and reports again, since nobody had fenced it: there is no successor to wait for. */
const withoutWait = (record: SlotRecord): SlotRecord =>
  isWaiting(record) ? { ...record, nextStartAt: record.startedAt } : record;

type GoneHealth = SlotHealth & { readonly kind: 'stopping' | 'silent' | 'never-reported' | 'lost' };

/** On its way out, or as good as over: fenced before another has its place. */
function planGone(
  scope: JobScope,
  slot: number,
  record: SlotRecord,
  health: GoneHealth,
  stop: (why: string) => readonly Action[],
): SlotDecision {
  const { goal } = scope.entry;
  const worker = workerName(goal.id, record.incarnation, slot);
  switch (health.kind) {
    case 'stopping':
      if (health.reporting) return { record, actions: [], events: [], settled: false };
      return replace(scope, slot, record, [{ kind: 'fence-worker', job: goal.id, worker }], {
        reason: 'WorkerReplaced',
        why: `worker ${shortWorkerName(worker)} is stopping and silent`,
      });
    case 'silent':
      return replace(
        scope,
        slot,
        record,
        [{ kind: 'fence-worker', job: goal.id, worker }, ...stop('silent for longer than its lease')],
        {
          reason: 'WorkerSilent',
          why: `worker ${shortWorkerName(worker)} has been silent for ${seconds(health.silentMs)} although its task runs`,
          drift: driftOf(scope, record, worker),
        },
      );
    case 'never-reported':
      return replace(scope, slot, record, [{ kind: 'fence-worker', job: goal.id, worker }, ...stop('never reported')], {
        reason: 'WorkerNeverReported',
        why: `worker ${shortWorkerName(worker)} did not report within ${seconds(health.waitedMs)}`,
      });
    case 'lost':
      return replace(scope, slot, record, [{ kind: 'fence-worker', job: goal.id, worker }], {
        reason: 'WorkerLost',
        why: `the runtime does not know worker ${shortWorkerName(worker)}, and it is silent`,
      });
  }
}

/** A listing may lag: from when on it did not show a worker that reports is remembered, and forgotten when it does. */
function noteListing(scope: JobScope, record: SlotRecord, health: SlotHealth): SlotRecord {
  if (health.kind !== 'alive') return record;
  const { unlistedSince, ...rest } = record;
  if (health.listed) return unlistedSince === undefined ? record : rest;
  const isYoung = scope.now - record.startedAt <= scope.settings.listingGraceMs;
  return isYoung || unlistedSince !== undefined ? record : { ...record, unlistedSince: scope.now };
}

/** No blink: not listed for twice as long as a listing may lag. */
export const isUnlistedForLong = ({ unlistedSince }: SlotRecord, now: number, listingGraceMs: number): boolean =>
  unlistedSince !== undefined && now - unlistedSince > listingGraceMs;

const isDrifting = (scope: JobScope, record: SlotRecord): boolean =>
  !scope.isFleetWide && isUnlistedForLong(record, scope.now, scope.settings.listingGraceMs);

/** Nobody could stop it, nor see what it costs: it is fenced, by which it ends itself, and one that the runtime knows takes its place. */
function replaceUnlisted(scope: JobScope, slot: number, record: SlotRecord): SlotDecision {
  const worker = workerName(scope.entry.goal.id, record.incarnation, slot);
  return replace(scope, slot, record, [{ kind: 'fence-worker', job: scope.entry.goal.id, worker }], {
    reason: 'WorkerUnlisted',
    why: `worker ${shortWorkerName(worker)} reports, but the runtime has not known it for ${seconds(scope.now - record.unlistedSince!)}`,
    drift: driftOf(scope, record, worker),
  });
}

/** What the two say, side by side. */
function driftOf(scope: JobScope, record: SlotRecord, worker: string): object {
  const heartbeat = latestHeartbeat(scope, record.incarnation);
  const task = taskOf(scope, record.incarnation);
  return {
    ...{ worker, runtime: task?.state ?? 'unknown', task: task?.taskId ?? null },
    ...{ lastBeatAt: heartbeat?.at ?? null, beat: heartbeat?.beat ?? null, splits: heartbeat?.splits.length ?? 0 },
  };
}

/** Whether a lease's length of watching is still to tell something. */
const again = (scope: JobScope, isOpen: boolean): Pick<SlotDecision, 'settled' | 'nextPassAt'> =>
  isOpen ? { settled: false, nextPassAt: scope.now + scope.entry.goal.settings.leaseMs } : { settled: true };

/** The same, of a worker that is not listed: what its runtime says when the listing can lag no longer. */
function awaited(scope: JobScope, record: SlotRecord, isOpen: boolean): Pick<SlotDecision, 'settled' | 'nextPassAt'> {
  if (record.unlistedSince === undefined || scope.isFleetWide) return again(scope, isOpen);
  return { settled: false, nextPassAt: record.unlistedSince + scope.settings.listingGraceMs + 1 };
}

/** The old one goes on until the new one reports and reads; what becomes of the new one meanwhile is as with any worker. */
function planBeside(scope: JobScope, slot: number, record: SlotRecord, stopOld: readonly Action[]): SlotDecision {
  const { goal } = scope.entry;
  const { successor } = record;
  const old = shortWorkerName(workerName(goal.id, record.incarnation, slot));
  if (successor === undefined) {
    const started = start(scope, slot, 0, scope.now, 'WorkerStarted', `worker ${old} runs an older goal and goes on`);
    return { ...started, record: { ...record, successor: started.record! } };
  }
  const heartbeat = latestHeartbeat(scope, successor.incarnation);
  if (healthOf(scope, successor).health.kind === 'alive' && heartbeat !== null && isReady(heartbeat, goal)) {
    const name = shortWorkerName(workerName(goal.id, successor.incarnation, slot));
    const message = `Worker ${name} reports and reads: worker ${old} of the older goal drains and ends.`;
    const events = [scopeEvent(scope, 'info', 'WorkerStopping', message)];
    return { record: successor, actions: stopOld, events, settled: false };
  }
  const next = planWantedSlot(scope, slot, successor);
  return { ...next, record: { ...record, ...(next.record ? { successor: next.record } : {}) }, settled: false };
}

/** The task is over: a successor, at once where the end was wanted or the worker had lived long enough, later where it fails again and again. */
function succeed(
  scope: JobScope,
  slot: number,
  record: SlotRecord,
  health: SlotHealth & { kind: 'over' },
  outdated: boolean,
): SlotDecision {
  const { goal } = scope.entry;
  const worker = workerName(goal.id, record.incarnation, slot);
  const fence: Action = { kind: 'fence-worker', job: goal.id, worker };
  const code = health.exitCode === null ? '' : ` (exit code ${health.exitCode})`;
  if (outdated) {
    const started = start(
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
    const started = start(
      scope,
      slot,
      0,
      scope.now,
      'WorkerStarted',
      `worker ${shortWorkerName(worker)} ended in order`,
    );
    return { ...started, actions: [fence, ...started.actions] };
  }
  return replace(scope, slot, record, [fence], {
    reason: 'WorkerDied',
    why: `worker ${shortWorkerName(worker)} is over after ${seconds(health.livedMs)}: ${health.reason}${code}`,
    ...(isOwnFault(health.exitCode, health.reason) ? { ownFault: `${health.reason}${code}` } : {}),
  });
}

/** How a worker came to be replaced, for the event. */
interface Ending {
  readonly reason: string;
  readonly why: string;
  /** What it has to answer for itself; absent where something outside may be to blame. */
  readonly ownFault?: string;
  /** The evidence, where the runtime's word and the worker's own differ. */
  readonly drift?: object;
}

/** Ends the slot's worker for good and starts the next, when its backoff allows. */
function replace(
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
  const drifts = drift === undefined || isWaiting(record) ? record.drifts : [...recentDrifts(scope, record), scope.now];
  // Beyond the budget its successors wait, however far each of them got: what cuts it off again and again is not cured by a start.
  const drifted = Math.max(0, (drifts?.length ?? 0) - scope.entry.restartBudget.count);
  const failuresBefore = Math.max(drifted, madeProgress(scope, record) ? 0 : record.failureCount);
  // The moment of failure is taken once: later passes find `nextStartAt` already in the future of `startedAt`.
  const announcedBefore = isWaiting(record);
  const nextStartAt = announcedBefore ? record.nextStartAt : scope.now + startDelayMs(failuresBefore);
  if (nextStartAt > scope.now) {
    const waiting = { ...record, nextStartAt, ...(drifts === undefined ? {} : { drifts }) };
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
  const started = start(
    scope,
    slot,
    failuresBefore + 1,
    scope.now,
    announcedBefore ? 'WorkerStarted' : reason,
    announcedBefore ? 'its backoff is over' : why,
    drift,
  );
  const faults = ownFault === undefined ? faultsBefore : blame(scope, record, ownFault);
  const memory = { ...(faults === undefined ? {} : { faults }), ...(drifts === undefined ? {} : { drifts }) };
  return { ...started, record: { ...started.record!, ...memory }, actions: [...first, ...started.actions] };
}

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

function start(
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

function startAction(scope: JobScope, slot: number, record: SlotRecord): Action {
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

/** A slot that is wanted no more (paused, fewer workers): stopped, and forgotten when over. */
export function planEndedSlot(scope: JobScope, slot: number, before: SlotRecord): SlotDecision {
  const { goal } = scope.entry;
  const { health, task } = healthOf(scope, before);
  const worker = workerName(goal.id, before.incarnation, slot);
  const record = noteListing(scope, before, health);
  const fence: Action = { kind: 'fence-worker', job: goal.id, worker };
  if (health.kind === 'over' || health.kind === 'lost' || (health.kind === 'alive' && isDrifting(scope, record)))
    return { record: null, actions: [fence], events: [], settled: true };
  const alone = withoutSuccessor(record);
  if (health.kind === 'stopping' || task === null)
    return { record: alone, actions: [], events: [], settled: false, nextPassAt: scope.now + 1_000 };
  const why = scope.whyNone ?? 'the job wants fewer workers';
  return {
    record: alone,
    actions: [{ kind: 'stop-worker', job: goal.id, taskId: task.taskId, why }],
    events: [scopeEvent(scope, 'info', 'WorkerStopping', `Worker ${shortWorkerName(worker)} drains and ends: ${why}.`)],
    settled: false,
  };
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

export const scopeEvent = (
  scope: JobScope,
  severity: PlatformEvent['severity'],
  reason: string,
  message: string,
  evidence?: object,
): PlatformEvent => {
  const { goal } = scope.entry;
  // A replay's story is told among its job's.
  return jobEvent(
    goal,
    scope.now,
    severity,
    reason,
    goal.replay ? `Replay: ${message}` : message,
    evidence as Json | undefined,
  );
};

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
