// One-shot verbs: when the world shows what was asked for, the operation gets its receipt (D8).
import type { JobEntry } from '#core/graph/compile-platform.ts';
import type { Action } from '#core/plan/action.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { Operation } from '#core/ports/goal-store.ts';

export function planOperations(entry: JobEntry, control: ControlRecord, observed: ObservedJob): readonly Action[] {
  return entry.requested.flatMap((operation) => {
    const newer = entry.requested.some((other) => other.sequence > operation.sequence && sameFamily(operation, other));
    if (newer) return [finish(operation, 'superseded', 'a newer operation asks for something else')];
    const outcome = outcomeOf(operation, entry, control, observed);
    return outcome === null ? [] : [finish(operation, 'succeeded', outcome)];
  });
}

const family = (operation: Operation): string => (operation.kind === 'restart' ? 'restart' : 'pause');
const sameFamily = (a: Operation, b: Operation): boolean => family(a) === family(b);

const finish = (operation: Operation, state: 'succeeded' | 'superseded', outcome: string): Action => ({
  kind: 'finish-operation',
  tenant: operation.tenant,
  id: operation.id,
  state,
  outcome,
});

/** Null while the world does not show it yet. */
function outcomeOf(
  operation: Operation,
  entry: JobEntry,
  control: ControlRecord,
  observed: ObservedJob,
): string | null {
  const slots = Object.values(control.slots);
  const allNew =
    slots.length === entry.goal.resources.workers &&
    slots.every((slot) => slot.render === entry.render && reports(slot.incarnation, observed));
  switch (operation.kind) {
    case 'pause':
      return slots.length === 0 && observed.tasks.every((task) => task.state === 'stopped')
        ? 'all workers have stopped; their positions are committed'
        : null;
    case 'resume':
      return allNew ? `${slots.length} worker(s) run and report` : null;
    case 'restart':
      if (entry.paused) return 'the job is paused, so there was nothing to restart';
      return allNew ? `${slots.length} worker(s) were replaced and report` : null;
  }
}

/** Reported since the operation's worker was started: its heartbeat stands under its own incarnation. */
const reports = (incarnation: number, observed: ObservedJob): boolean =>
  observed.heartbeats.some((heartbeat) => heartbeat.incarnation === incarnation && heartbeat.state !== 'draining');
