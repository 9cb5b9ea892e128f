// One job: from its goal and what was observed of it to what has to be done next. Pure; every pass decides anew.
import type { JobEntry } from '#core/graph/compile-platform.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { isSame } from '#core/hash.ts';
import type { Action, Decision } from '#core/plan/action.ts';
import { freshControl } from '#core/plan/control.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { goOnClearing, isBeingCleared } from '#core/plan/plan-ended-job.ts';
import { announceLive, planLive } from '#core/plan/plan-live.ts';
import { type RewindStep, requestedRewind, rewindStep } from '#core/plan/plan-rewind.ts';
import {
  type JobScope,
  planEndedSlot,
  planWantedSlot,
  type SlotDecision,
  scopeEvent,
  shortName,
} from '#core/plan/plan-slot.ts';
import { taskIncarnation, taskRender, taskSlot, taskWorker } from '#core/plan/task-tags.ts';
import type { ControlRecord, ControlTask, SlotRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';

export function planJob(entry: JobEntry, observed: ObservedJob, settings: PlatformSettings): Decision {
  const { goal } = entry;
  if (observed.control && isBeingCleared(observed.control)) return goOnClearing(observed.control);
  const before = observed.control ?? adoptControl(goal.id, goal.uid, observed);
  if (before.revisionActed > goal.revision && !isDeclaredSince(before, goal.revision))
    return frozen(entry, before, observed.at);
  let incarnationLast = before.incarnationLast;
  const step = rewindStep(entry, observed, before);
  const scope: JobScope = {
    ...{ entry, observed, settings, now: observed.at, nextIncarnation: () => ++incarnationLast },
    whyNone: step.kind === 'hold' ? 'the job is being rewound' : entry.paused ? 'the job is paused' : null,
  };
  const wantedSlots = scope.whyNone === null ? goal.resources.workers : 0;
  const slotIds = new Set([
    ...Object.keys(before.slots).map(Number),
    ...Array.from({ length: wantedSlots }, (_, slot) => slot),
  ]);
  const slots: Record<string, SlotRecord> = {};
  const decisions: SlotDecision[] = [];
  for (const slot of [...slotIds].sort((a, b) => a - b)) {
    const decision =
      slot < wantedSlots
        ? planWantedSlot(scope, slot, before.slots[slot])
        : planEndedSlot(scope, slot, before.slots[slot]!);
    if (decision.record) slots[slot] = decision.record;
    decisions.push(decision);
  }
  decisions.push(planStrays(scope, [...Object.values(before.slots), ...Object.values(slots)]));
  const { frozen: _over, ...announced } = before.announced;
  const after: ControlRecord = {
    ...(requestedRewind(entry) === null ? withoutRewind(before) : before),
    announced: announceLive(entry, observed, announced),
    incarnationLast,
    revisionActed: goal.revision,
    restartSequence: entry.restartSequence,
    slots,
    tasks: controlTasks(observed.tasks),
    ...rewindMemory(step, before, observed.at),
  };
  const rewind = planRewindStep(step, scope, after);
  const live = planLive(scope, after);
  const waits = decisions.flatMap((decision) => (decision.nextPassAt === undefined ? [] : [decision.nextPassAt]));
  return {
    target: goal.id,
    control: isSame(before, after) ? null : { ...after, version: before.version + 1 },
    actions: [...decisions.flatMap((decision) => decision.actions), ...rewind.actions, ...live.actions],
    events: [...decisions.flatMap((decision) => decision.events), ...rewind.events, ...live.events],
    settled: step.kind === 'none' && live.settled && decisions.every((decision) => decision.settled),
    ...(waits.length > 0 ? { nextPassAt: Math.min(...waits) } : {}),
  };
}

function rewindMemory(step: RewindStep, before: ControlRecord, now: number): Partial<ControlRecord> {
  if (step.kind === 'hold') return { rewindBegunAt: before.rewindBegunAt ?? now };
  return step.kind === 'placed' ? { placedSequence: step.rewind.sequence } : {};
}

const withoutRewind = ({ rewindBegunAt: _over, ...rest }: ControlRecord): ControlRecord => rest;

/** Positions are set only when nobody holds a slot any more, nor runs without one: fenced first, in the order of the actions. */
function planRewindStep(
  step: RewindStep,
  scope: JobScope,
  after: ControlRecord,
): { readonly actions: readonly Action[]; readonly events: readonly PlatformEvent[] } {
  const isQuiet = Object.keys(after.slots).length === 0 && after.tasks.length === 0;
  if (step.kind === 'hold' && isQuiet) return { actions: step.placements, events: [] };
  if (step.kind !== 'placed') return { actions: [], events: [] };
  const { splits } = step.rewind.plan;
  const places = splits.map(({ split, to }) => `${split} at ${to}`).join(', ');
  return { actions: [], events: [scopeEvent(scope, 'info', 'PositionsSet', `No worker runs; set back: ${places}.`)] };
}

/** The control record was lost (it is only a cache): what runs is adopted, and incarnations go on above any that can still be seen. */
function adoptControl(job: string, uid: string, observed: ObservedJob): ControlRecord {
  const seen = [
    ...observed.tasks.map(taskIncarnation),
    ...observed.heartbeats.map((heartbeat) => heartbeat.incarnation),
  ];
  const slots: Record<string, SlotRecord> = {};
  const alive = observed.tasks.filter((task) => task.state === 'running' || task.state === 'starting');
  for (const task of [...alive].sort((a, b) => taskIncarnation(a) - taskIncarnation(b)))
    slots[taskSlot(task)] = {
      incarnation: taskIncarnation(task),
      render: taskRender(task),
      startedAt: task.createdAt,
      failureCount: 0,
      nextStartAt: task.createdAt,
    };
  return { ...freshControl(job, uid), incarnationLast: Math.max(0, ...seen), slots };
}

const olderGoal = 'older-goal-';

/** Since the job was frozen its route was declared again: that is somebody's decision, whatever the revision's number. */
function isDeclaredSince(before: ControlRecord, revision: number): boolean {
  const frozenAt = before.announced['frozen'];
  return frozenAt !== undefined && revision > Number(frozenAt.slice(olderGoal.length));
}

/** The goal store went back in time (a restored backup): nothing is downgraded silently; a person decides. */
function frozen(entry: JobEntry, before: ControlRecord, now: number): Decision {
  const { goal } = entry;
  const key = `${olderGoal}${goal.revision}`;
  const known = before.announced['frozen'] === key;
  const message = `Revision ${before.revisionActed} was carried out, but the goal store now holds revision ${goal.revision}: left as it runs. Apply the route again to go on.`;
  return {
    target: goal.id,
    control: known ? null : { ...before, version: before.version + 1, announced: { ...before.announced, frozen: key } },
    actions: [],
    events: known ? [] : [jobEvent(goal, now, 'error', 'GoalWentBack', message)],
    settled: true,
  };
}

/** Tasks of this job that no slot owns any more (a lost control record, a replaced worker that lingers): stopped, and forgotten when over. */
function planStrays(scope: JobScope, slots: readonly SlotRecord[]): SlotDecision {
  const owned = new Set(slots.map((record) => record.incarnation));
  const actions: Action[] = [];
  const events: PlatformEvent[] = [];
  let settled = true;
  for (const task of scope.observed.tasks) {
    if (owned.has(taskIncarnation(task)) || task.state === 'stopped' || task.state === 'stopping') continue;
    settled = false;
    actions.push({
      kind: 'stop-worker',
      job: scope.entry.goal.id,
      taskId: task.taskId,
      why: 'another worker has its place',
    });
    if (!scope.observed.control)
      events.push(
        scopeEvent(
          scope,
          'info',
          'WorkerStopping',
          `Worker ${shortName(taskWorker(task))} is not in the plan: it drains and ends.`,
        ),
      );
  }
  for (const heartbeat of scope.observed.heartbeats) {
    if (owned.has(heartbeat.incarnation)) continue;
    const task = scope.observed.tasks.find((candidate) => taskIncarnation(candidate) === heartbeat.incarnation);
    const long = scope.now - heartbeat.at > scope.settings.startDeadlineMs;
    if (task?.state === 'stopped' || (!task && long))
      actions.push({ kind: 'forget-worker', job: scope.entry.goal.id, worker: heartbeat.worker });
  }
  return { record: null, actions, events, settled };
}

/** Without what changes in every listing: a steady world writes nothing. */
export function controlTasks(tasks: readonly ObservedTask[]): readonly ControlTask[] {
  return tasks
    .filter((task) => task.state !== 'stopped')
    .map((task) => ({
      taskId: task.taskId,
      worker: taskWorker(task),
      incarnation: taskIncarnation(task),
      slot: taskSlot(task),
      state: task.state,
      since: task.createdAt,
      ...(task.pid === undefined ? {} : { pid: task.pid }),
      ...(task.log === undefined ? {} : { log: task.log }),
    }))
    .sort((a, b) => a.incarnation - b.incarnation);
}
