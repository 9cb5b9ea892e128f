// One worker slot: from its health to its record afterwards and what to do about it.
import type { JobEntry } from '#core/graph/compile-platform.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { contentHash } from '#core/hash.ts';
import { judgeSlot, type SlotHealth } from '#core/health/worker-health.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import { workerName } from '#core/names.ts';
import type { Action } from '#core/plan/action.ts';
import { needsSuccessor } from '#core/plan/job-change.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { startDelayMs } from '#core/plan/restart-backoff.ts';
import { taskIncarnation } from '#core/plan/task-tags.ts';
import type { SlotRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';
import type { Json } from '#core/spec/document.ts';

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

export function planWantedSlot(scope: JobScope, slot: number, record: SlotRecord | undefined): SlotDecision {
  if (!record) return start(scope, slot, 0, scope.now, 'WorkerStarted', 'the job wants it');
  const { goal } = scope.entry;
  const worker = workerName(goal.id, record.incarnation, slot);
  const { health, task } = healthOf(scope, record);
  const outdated = needsSuccessor(record, scope.entry);
  const stop = (why: string): readonly Action[] =>
    task ? [{ kind: 'stop-worker', job: goal.id, taskId: task.taskId, why }] : [];
  switch (health.kind) {
    case 'alive':
      if (!outdated)
        return { record: { ...record, ...forgiven(scope, record) }, actions: [], events: [], settled: true };
      return {
        record,
        actions: stop('a newer goal'),
        events: [
          scopeEvent(
            scope,
            'info',
            'WorkerStopping',
            `Worker ${shortName(worker)} runs an older goal: it drains and ends, then its successor starts.`,
          ),
        ],
        settled: false,
      };
    case 'starting':
      if (outdated)
        return { record, actions: stop('a newer goal'), events: [], settled: false, nextPassAt: scope.now + 1_000 };
      return { record, actions: health.listed ? [] : [startAction(scope, slot, record)], events: [], settled: false };
    case 'stopping':
      if (health.reporting) return { record, actions: [], events: [], settled: false };
      return replace(
        scope,
        slot,
        record,
        [{ kind: 'fence-worker', job: goal.id, worker }],
        'WorkerReplaced',
        `worker ${shortName(worker)} is stopping and silent`,
      );
    case 'silent':
      return replace(
        scope,
        slot,
        record,
        [{ kind: 'fence-worker', job: goal.id, worker }, ...stop('silent for longer than its lease')],
        'WorkerSilent',
        `worker ${shortName(worker)} has been silent for ${seconds(health.silentMs)} although its task runs`,
      );
    case 'never-reported':
      return replace(
        scope,
        slot,
        record,
        [{ kind: 'fence-worker', job: goal.id, worker }, ...stop('never reported')],
        'WorkerNeverReported',
        `worker ${shortName(worker)} did not report within ${seconds(health.waitedMs)}`,
      );
    case 'lost':
      return replace(
        scope,
        slot,
        record,
        [{ kind: 'fence-worker', job: goal.id, worker }],
        'WorkerLost',
        `the runtime does not know worker ${shortName(worker)}, and it is silent`,
      );
    case 'over':
      return succeed(scope, slot, record, health, outdated);
  }
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
      `worker ${shortName(worker)} has ended, and there is a newer goal`,
    );
    return { ...started, actions: [fence, ...started.actions] };
  }
  if (endedInOrder(health)) {
    const started = start(scope, slot, 0, scope.now, 'WorkerStarted', `worker ${shortName(worker)} ended in order`);
    return { ...started, actions: [fence, ...started.actions] };
  }
  return replace(
    scope,
    slot,
    record,
    [fence],
    'WorkerDied',
    `worker ${shortName(worker)} is over after ${seconds(health.livedMs)}: ${health.reason}${code}`,
  );
}

/** Ends the slot's worker for good and starts the next, when its backoff allows. */
function replace(
  scope: JobScope,
  slot: number,
  record: SlotRecord,
  first: readonly Action[],
  reason: string,
  why: string,
): SlotDecision {
  const failuresBefore = madeProgress(scope, record) ? 0 : record.failureCount;
  // The moment of failure is taken once: later passes find `nextStartAt` already in the future of `startedAt`.
  const announcedBefore = record.nextStartAt > record.startedAt;
  const nextStartAt = announcedBefore ? record.nextStartAt : scope.now + startDelayMs(failuresBefore);
  if (nextStartAt > scope.now) {
    const waiting = { ...record, nextStartAt };
    const events = announcedBefore
      ? []
      : [
          scopeEvent(
            scope,
            'warning',
            reason,
            `${capital(why)}; failure ${failuresBefore + 1} in a row: the next starts in ${seconds(nextStartAt - scope.now)}.`,
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
  );
  return { ...started, actions: [...first, ...started.actions] };
}

function start(
  scope: JobScope,
  slot: number,
  failureCount: number,
  now: number,
  reason: string,
  why: string,
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
        `${capital(why)}: worker ${shortName(worker)} started on revision ${scope.entry.goal.revision}.`,
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
export function planEndedSlot(scope: JobScope, slot: number, record: SlotRecord): SlotDecision {
  const { goal } = scope.entry;
  const { health, task } = healthOf(scope, record);
  const worker = workerName(goal.id, record.incarnation, slot);
  const fence: Action = { kind: 'fence-worker', job: goal.id, worker };
  if (health.kind === 'over' || health.kind === 'lost')
    return { record: null, actions: [fence], events: [], settled: true };
  if (health.kind === 'stopping' || task === null)
    return { record, actions: [], events: [], settled: false, nextPassAt: scope.now + 1_000 };
  const why = scope.whyNone ?? 'the job wants fewer workers';
  return {
    record,
    actions: [{ kind: 'stop-worker', job: goal.id, taskId: task.taskId, why }],
    events: [scopeEvent(scope, 'info', 'WorkerStopping', `Worker ${shortName(worker)} drains and ends: ${why}.`)],
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

/** After a minute of reporting, earlier failures no longer count. */
function forgiven(scope: JobScope, record: SlotRecord): Partial<SlotRecord> {
  const healthyMs = scope.now - record.startedAt;
  return record.failureCount > 0 && healthyMs > forgiveAfterMs ? { failureCount: 0 } : {};
}
const forgiveAfterMs = 60_000;

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

/** The worker's name without its job, for messages that stand under the job anyway: `3/0`. */
export const shortName = (worker: string): string => {
  const [incarnation, slot] = worker.split('/').slice(-2);
  return `${Number(incarnation)}/${slot}`;
};
const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
