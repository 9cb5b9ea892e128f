// One worker slot: from its health to its record afterwards and what to do about it.
import type { SlotHealth } from '#core/health/worker-health.ts';
import { shortWorkerName, workerName } from '#core/names.ts';
import type { Action } from '#core/plan/action.ts';
import { needsSuccessor } from '#core/plan/job-change.ts';
import { isReady, startsBeside, withoutSuccessor } from '#core/plan/plan-successor.ts';
import { replaceWorker, startAction, startWorker, succeedWorker } from '#core/plan/replace-worker.ts';
import { isWaiting } from '#core/plan/restart-backoff.ts';
import { driftOf, isDrifting, noteListing } from '#core/plan/slot-drift.ts';
import { healthOf, type JobScope, latestHeartbeat, type SlotDecision, scopeEvent } from '#core/plan/slot-scope.ts';
import type { SlotRecord } from '#core/ports/control-store.ts';
import { seconds } from '#core/time/seconds.ts';

export function planWantedSlot(scope: JobScope, slot: number, before: SlotRecord | undefined): SlotDecision {
  if (!before) return startWorker(scope, slot, 0, scope.now, 'WorkerStarted', 'the job wants it');
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
      if (latestHeartbeat(scope, record.incarnation)?.render !== record.render)
        return replaceNamesake(scope, slot, record, stop('it bears another worker’s name'));
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
      return succeedWorker(scope, slot, record, health, outdated);
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
      return replaceWorker(scope, slot, record, [{ kind: 'fence-worker', job: goal.id, worker }], {
        reason: 'WorkerReplaced',
        why: `worker ${shortWorkerName(worker)} is stopping and silent`,
      });
    case 'silent':
      return replaceWorker(
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
      return replaceWorker(
        scope,
        slot,
        record,
        [{ kind: 'fence-worker', job: goal.id, worker }, ...stop('never reported')],
        {
          reason: 'WorkerNeverReported',
          why: `worker ${shortWorkerName(worker)} did not report within ${seconds(health.waitedMs)}`,
        },
      );
    case 'lost':
      return replaceWorker(scope, slot, record, [{ kind: 'fence-worker', job: goal.id, worker }], {
        reason: 'WorkerLost',
        why: `the runtime does not know worker ${shortWorkerName(worker)}, and it is silent`,
      });
  }
}

/** Nobody could stop it, nor see what it costs: it is fenced, by which it ends itself, and one that the runtime knows takes its place. */
function replaceUnlisted(scope: JobScope, slot: number, record: SlotRecord): SlotDecision {
  const worker = workerName(scope.entry.goal.id, record.incarnation, slot);
  return replaceWorker(scope, slot, record, [{ kind: 'fence-worker', job: scope.entry.goal.id, worker }], {
    reason: 'WorkerUnlisted',
    why: `worker ${shortWorkerName(worker)} reports, but the runtime has not known it for ${seconds(scope.now - record.unlistedSince!)}`,
    drift: driftOf(scope, record, worker),
  });
}

/** With the control record lost a name may have been given twice: both are fenced, and one of another name takes the place. */
function replaceNamesake(scope: JobScope, slot: number, record: SlotRecord, stop: readonly Action[]): SlotDecision {
  const worker = workerName(scope.entry.goal.id, record.incarnation, slot);
  return replaceWorker(scope, slot, record, [{ kind: 'fence-worker', job: scope.entry.goal.id, worker }, ...stop], {
    reason: 'WorkerReplaced',
    why: `worker ${shortWorkerName(worker)} reports to run another goal than it was started for`,
  });
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
    const started = startWorker(
      scope,
      slot,
      0,
      scope.now,
      'WorkerStarted',
      `worker ${old} runs an older goal and goes on`,
    );
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
