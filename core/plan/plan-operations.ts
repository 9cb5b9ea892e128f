// One-shot verbs: when the world shows what was asked for, the operation gets its receipt (D8).
import { workersOf } from '#core/autoscale/workers-wanted.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { rewindReceipt } from '#core/operations/rewind.ts';
import { switchReceipt } from '#core/operations/switch.ts';
import type { Action } from '#core/plan/action.ts';
import { rolledBackTo } from '#core/plan/choose-goal.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { type Rewind, rewindStep } from '#core/plan/plan-rewind.ts';
import { type Switch, switchStep } from '#core/plan/plan-switch.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { Operation, OperationEnding } from '#core/ports/goal-store.ts';

/** `newest`: as the goal store has it, where the job is brought to an earlier goal. */
export function planOperations(
  entry: JobEntry,
  control: ControlRecord,
  observed: ObservedJob,
  newest: JobEntry = entry,
): readonly Action[] {
  return entry.requested.flatMap((operation) => {
    const newer = entry.requested.some((other) => other.sequence > operation.sequence && sameFamily(operation, other));
    if (newer)
      return [finish(operation, { state: 'superseded', outcome: 'a newer operation asks for something else' })];
    const ending = givenUp(operation, newest, control) ?? endingOf(operation, entry, control, observed);
    return ending === null ? [] : [finish(operation, ending)];
  });
}

const families: Readonly<Record<Operation['kind'], string>> = {
  pause: 'pause',
  resume: 'pause',
  restart: 'restart',
  rewind: 'rewind',
  switch: 'switch',
  'replay-dead-letters': 'replay',
};
/** Replays stand beside each other: each is of its own dead letters. */
const sameFamily = (a: Operation, b: Operation): boolean =>
  families[a.kind] === families[b.kind] && families[a.kind] !== 'replay';

export const finish = (operation: Operation, ending: OperationEnding): Action => ({
  kind: 'finish-operation',
  tenant: operation.tenant,
  id: operation.id,
  ending,
});

const succeeded = (outcome: string): OperationEnding => ({ state: 'succeeded', outcome });

/** What it asked for was tried and got nowhere: workers that report are of the revision before. */
function givenUp(operation: Operation, newest: JobEntry, control: ControlRecord): OperationEnding | null {
  const good = rolledBackTo(newest, control);
  if (!good) return null;
  const { kind, plan } = operation;
  const isDeclared = plan?.kind === 'switch' && newest.goal.revision >= plan.revision;
  if (kind !== 'restart' && !isDeclared) return null;
  const { revision, why } = control.failed!;
  return {
    state: 'failed',
    outcome: `revision ${revision} got nowhere (${why}): revision ${good.revision} runs again`,
  };
}

/** Null while the world does not show it yet. */
function endingOf(
  operation: Operation,
  entry: JobEntry,
  control: ControlRecord,
  observed: ObservedJob,
): OperationEnding | null {
  const slots = Object.values(control.slots);
  switch (operation.kind) {
    case 'pause':
      return slots.length === 0 && observed.tasks.every((task) => task.state === 'stopped')
        ? succeeded('all workers have stopped; their positions are committed')
        : null;
    case 'resume':
      return allNew(entry, control, observed) ? succeeded(`${slots.length} worker(s) run and report`) : null;
    case 'restart':
      if (entry.paused) return succeeded('the job is paused, so there was nothing to restart');
      return allNew(entry, control, observed) ? succeeded(`${slots.length} worker(s) were replaced and report`) : null;
    case 'rewind':
      return rewindEnding(operation as Rewind, entry, control, observed);
    case 'switch':
      return switchEnding(operation as Switch, entry, control, observed);
    case 'replay-dead-letters':
      // Its own entry knows: plan-replay.ts.
      return null;
  }
}

function allNew(entry: JobEntry, control: ControlRecord, observed: ObservedJob): boolean {
  const slots = Object.values(control.slots);
  return (
    slots.length === workersOf(entry) &&
    slots.every((slot) => slot.render === entry.render && reports(slot.incarnation, observed))
  );
}

/** Reported since the operation's worker was started: its heartbeat stands under its own incarnation. */
const reports = (incarnation: number, observed: ObservedJob): boolean =>
  observed.heartbeats.some((heartbeat) => heartbeat.incarnation === incarnation && heartbeat.state !== 'draining');

function rewindEnding(
  operation: Rewind,
  entry: JobEntry,
  control: ControlRecord,
  observed: ObservedJob,
): OperationEnding | null {
  if (observed.splits === null) return null;
  const tookMs = Math.max(0, observed.at - (control.rewindBegunAt ?? operation.requestedAt));
  const receipt = rewindReceipt(operation.plan, operation.id, observed.splits, tookMs);
  const step = rewindStep(entry, observed, control);
  if (step.kind === 'failed') {
    const done =
      receipt.splits.length === 0 ? 'nothing was set back' : `${receipt.splits.length} split(s) were set back`;
    return { state: 'failed', outcome: `${step.why}: ${done}`, receipt };
  }
  if (step.kind !== 'none' || !(entry.paused || allNew(entry, control, observed))) return null;
  const goesOn = entry.paused
    ? 'the job is paused and goes on from there when it is resumed'
    : 'the job runs from there';
  const again = receipt.duplicates.absorbed ? 'the sink takes them as the ones it has' : 'the sink gets them again';
  return {
    state: 'succeeded',
    outcome: `${receipt.splits.length} split(s) set back by ${receipt.records} record(s) (${again}); ${goesOn}`,
    receipt,
  };
}

function switchEnding(
  operation: Switch,
  entry: JobEntry,
  control: ControlRecord,
  observed: ObservedJob,
): OperationEnding | null {
  const step = switchStep(entry, observed, control);
  if (step.kind === 'failed') return { state: 'failed', outcome: step.why };
  if (observed.splits === null || step.kind !== 'none') return null;
  if (!(entry.paused || allNew(entry, control, observed))) return null;
  const tookMs = Math.max(0, observed.at - (control.rewindBegunAt ?? operation.requestedAt));
  const { plan } = operation;
  const receipt = switchReceipt(plan, entry.goal.source.topic, observed.splits, tookMs);
  const goesOn = entry.paused ? 'the job is paused and goes on so when it is resumed' : 'the job runs so';
  const again = plan.what === 'source' ? `; ${plan.duplicates.why}` : '';
  return {
    state: 'succeeded',
    outcome: `${plan.what} is ${plan.to} instead of ${plan.from}; ${goesOn}${again}`,
    receipt,
  };
}
