// Workers of a job that have no place in it: told to end, fenced where the runtime does not know them, forgotten when they are over.
import { shortWorkerName } from '#core/names.ts';
import type { Action } from '#core/plan/action.ts';
import { placedWorkers } from '#core/plan/control.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { type JobScope, type SlotDecision, scopeEvent } from '#core/plan/slot-scope.ts';
import { taskIncarnation, taskWorker } from '#core/plan/task-tags.ts';
import type { SlotRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';

export const ownedWorkers = (slots: readonly SlotRecord[]): ReadonlySet<number> =>
  new Set(placedWorkers(slots).map(({ incarnation }) => incarnation));

/** Tasks of this job that no slot owns any more: a lost control record, a replaced worker that lingers. */
export function planStrays(scope: JobScope, owned: ReadonlySet<number>): SlotDecision {
  const { observed, entry, settings, now } = scope;
  const job = entry.goal.id;
  const actions: Action[] = [];
  const events: PlatformEvent[] = [];
  const forgotten = new Set<number>();
  let settled = true;
  for (const task of observed.tasks) {
    if (owned.has(taskIncarnation(task)) || task.state === 'stopped' || task.state === 'stopping') continue;
    settled = false;
    actions.push({ kind: 'stop-worker', job, taskId: task.taskId, why: 'another worker has its place' });
    const message = `Worker ${shortWorkerName(taskWorker(task))} is not in the plan: it drains and ends.`;
    if (!observed.control) events.push(scopeEvent(scope, 'info', 'WorkerStopping', message));
  }
  for (const heartbeat of observed.heartbeats) {
    if (owned.has(heartbeat.incarnation)) continue;
    const task = observed.tasks.find((candidate) => taskIncarnation(candidate) === heartbeat.incarnation);
    const long = now - heartbeat.at > settings.startDeadlineMs;
    const isOver = task ? task.state === 'stopped' : long;
    if (!isOver) continue;
    forgotten.add(heartbeat.incarnation);
    actions.push({ kind: 'forget-worker', job, worker: heartbeat.worker });
  }
  const fences = fenceUnlisted(job, observed, settings.listingGraceMs, new Set([...owned, ...forgotten]));
  return { record: null, actions: [...actions, ...fences], events, settled };
}

/**
 * Of those that have no place: nobody could tell them to end, so they are declared dead, by which they end themselves. One
 * that is young may not have come to the listing yet.
 */
export function fenceUnlisted(
  job: string,
  { tasks, heartbeats, at }: ObservedJob,
  listingGraceMs: number,
  owned: ReadonlySet<number> = new Set(),
): readonly Action[] {
  const known = new Set(tasks.map(taskIncarnation));
  return heartbeats
    .filter(({ incarnation }) => !owned.has(incarnation) && !known.has(incarnation))
    .filter(({ certainty, startedAt }) => certainty === undefined && at - startedAt > 2 * listingGraceMs)
    .map(({ worker }) => ({ kind: 'fence-worker', job, worker }));
}
