// One job: from its goal and what was observed of it to what has to be done next. Pure; every pass decides anew.
import { workersOf } from '#core/autoscale/workers-wanted.ts';
import { canarySlot } from '#core/canary/canary-slot.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { isSame } from '#core/hash.ts';
import type { Action, Decision } from '#core/plan/action.ts';
import { adoptControl } from '#core/plan/adopt-control.ts';
import { hasWorkerOf, withoutCanary } from '#core/plan/control.ts';
import { forgetFenced, withFences } from '#core/plan/fenced-workers.ts';
import { heldMarks, isBehind, isToldHeld } from '#core/plan/hold-behind.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { canaryStage, planCanarySlot, stepCanary } from '#core/plan/plan-canary.ts';
import { planHealth } from '#core/plan/plan-health.ts';
import { announceLive, planLive } from '#core/plan/plan-live.ts';
import { type RewindStep, requestedRewind, rewindStep } from '#core/plan/plan-rewind.ts';
import { judgeRollout, type Rollout } from '#core/plan/plan-rollout.ts';
import { planEndedSlot, planWantedSlot } from '#core/plan/plan-slot.ts';
import { ownedWorkers, planStrays } from '#core/plan/plan-strays.ts';
import { requestedSwitch, type SwitchStep, switchStep } from '#core/plan/plan-switch.ts';
import { type JobScope, type SlotDecision, scopeEvent } from '#core/plan/slot-scope.ts';
import { taskIncarnation, taskSlot, taskWorker } from '#core/plan/task-tags.ts';
import type { ControlRecord, ControlTask, SlotRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';

/** `newest`: as the goal store has it, where the job is brought to an earlier goal. `isFleetWide`: too many jobs ail at once to restart any. */
export function planJob(
  entry: JobEntry,
  observed: ObservedJob,
  settings: PlatformSettings,
  newest: JobEntry = entry,
  isFleetWide = false,
): Decision {
  const { goal } = entry;
  const before = observed.control ?? adoptControl(goal.id, goal.uid, observed, entry.declaredAt);
  const { revision } = newest.goal;
  const behind = isBehind(newest, before);
  if (behind && entry.freeze === null) return leaveBehind(newest, before, observed.at);
  let incarnationLast = before.incarnationLast;
  const step = placingStep(entry, observed, before);
  const scope: JobScope = {
    ...{ entry, observed, settings, now: observed.at, isFleetWide, nextIncarnation: () => ++incarnationLast },
    whyNone: step.kind === 'hold' ? placingWords[step.by.plan.kind] : entry.paused ? 'the job is paused' : null,
  };
  const stage = canaryStage(entry, newest, before);
  const { slots, decisions } = planSlots(scope, stage, newest, before);
  decisions.push(planStrays(scope, ownedWorkers([...Object.values(before.slots), ...Object.values(slots)])));
  const stops = decisions.some(({ actions }) => actions.some(({ kind }) => kind === 'stop-worker'));
  const regular = withoutCanary(slots);
  const rollout = judgeRollout({ entry, observed, before, slots: regular, whyNone: scope.whyNone, stops });
  const canary = stepCanary({ stage, scope, newest, before, slots });
  const { memory, ...health } = planHealth(scope, before, slots);
  decisions.push({ record: null, ...health });
  const after: ControlRecord = {
    ...withoutPassing(hasPlacing(entry) ? before : withoutRewind(before), newest),
    announced: {
      ...announceLive(entry, observed, stillAnnounced(before)),
      ...(behind ? heldMarks(newest, before, observed.at) : {}),
    },
    incarnationLast,
    ...renumberedGood(newest, before),
    ...rolloutMemory(rollout, entry, observed.at),
    ...canary.memory,
    ...memory,
    revisionActed: entry.freeze === null ? revision : before.revisionActed,
    acted: actedOn(entry, before.acted, slots),
    restartSequence: entry.restartSequence,
    slots,
    tasks: controlTasks(observed.tasks),
    ...rewindMemory(step, before, observed.at),
  };
  const rewind = planRewindStep(step, scope, after);
  // Frozen workers take nothing over either, nor do such as are to end.
  const isTaken = entry.freeze === null && scope.whyNone === null;
  const live = isTaken ? planLive(scope, after) : { actions: [], events: [], settled: true };
  const proof = awaitProof(rollout, entry, observed.at);
  const waits = [...decisions, canary, proof].flatMap((decision) =>
    decision.nextPassAt === undefined ? [] : [decision.nextPassAt],
  );
  const actions = decisions.flatMap((decision) => decision.actions);
  const written = writeDown(scope, before, withFences(after, actions, observed.at));
  return {
    target: goal.id,
    control: written.control,
    actions: [...written.actions, ...actions, ...rewind.actions, ...live.actions],
    events: [
      ...(behind ? heldEvents(newest, before, observed.at) : []),
      ...decisions.flatMap((decision) => decision.events),
      ...rewind.events,
      ...live.events,
      ...rolloutEvents(rollout, scope, before),
      ...canary.events,
    ],
    settled:
      ['none', 'awaits-revision'].includes(step.kind) &&
      rollout.kind !== 'failed' &&
      [...decisions, live, canary, proof].every(({ settled }) => settled),
    ...(waits.length > 0 ? { nextPassAt: Math.min(...waits) } : {}),
  };
}

/** Those that were declared dead long ago are forgotten when there is something to write anyway: a steady world writes nothing. */
function writeDown(
  { entry, settings, now }: JobScope,
  before: ControlRecord,
  after: ControlRecord,
): Pick<Decision, 'control' | 'actions'> {
  if (isSame(before, after)) return { control: null, actions: [] };
  const times = { ...settings, leaseMs: entry.goal.settings.leaseMs };
  const { record, actions } = forgetFenced(after, now, times);
  return { control: { ...record, version: before.version + 1 }, actions };
}

/** Without what is over where a pass takes the job's goal up. */
function stillAnnounced({ announced }: ControlRecord): ControlRecord['announced'] {
  const {
    frozen: _over,
    frozenAt: _since,
    ended: _ended,
    ending: _ending,
    held: _held,
    waits: _waits,
    clearing: _taken,
    ...rest
  } = announced;
  return rest;
}

/** A goal counts as carried out once a worker of it was asked for, or where it wants none: a freeze before that keeps what was before. */
function actedOn(
  { goal, render, paused }: JobEntry,
  before: ControlRecord['acted'],
  slots: Readonly<Record<string, SlotRecord>>,
): NonNullable<ControlRecord['acted']> {
  const isNew = before === undefined || paused || hasWorkerOf(render, slots);
  return isNew ? { revision: goal.revision, render, paused } : { ...before, paused };
}

interface PlannedSlots {
  readonly slots: Readonly<Record<string, SlotRecord>>;
  readonly decisions: SlotDecision[];
}

/** Those that are wanted, those that somebody has, and the one of a trial; in their order. */
function planSlots(
  scope: JobScope,
  stage: ReturnType<typeof canaryStage>,
  newest: JobEntry,
  before: ControlRecord,
): PlannedSlots {
  const wantedSlots = scope.whyNone === null ? workersOf(scope.entry) : 0;
  const slotIds = new Set([
    ...Object.keys(before.slots).map(Number),
    ...Array.from({ length: wantedSlots }, (_, slot) => slot),
    ...(stage === 'trial' ? [canarySlot] : []),
  ]);
  const slots: Record<string, SlotRecord> = {};
  const decisions: SlotDecision[] = [];
  for (const slot of [...slotIds].sort((a, b) => a - b)) {
    const record = before.slots[slot];
    const decision =
      slot === canarySlot
        ? planCanarySlot(stage, scope, newest, record)
        : slot < wantedSlots
          ? planWantedSlot(scope, slot, record)
          : planEndedSlot(scope, slot, record!);
    if (decision.record) slots[slot] = decision.record;
    decisions.push(decision);
  }
  return { slots, decisions };
}

/** What each pass says anew. Of a goal that got nowhere nothing needs to be known once there is another. */
function withoutPassing(
  { rollout: _under, canary: _tried, health: _ails, failed, ...rest }: ControlRecord,
  newest: JobEntry,
): ControlRecord {
  return failed?.render === newest.render ? { ...rest, failed } : rest;
}

/**
 * A newer revision whose workers are the same has got somewhere already. By its number a restart of it, or an override, is known
 * for nothing that has to be tried. Written once a revision, with `revisionActed`.
 */
function renumberedGood({ goal, render, freeze }: JobEntry, { good }: ControlRecord): Pick<ControlRecord, 'good'> {
  if (freeze !== null || good?.render !== render) return {};
  return { good: { revision: goal.revision, render } };
}

function rolloutMemory(rollout: Rollout, { goal, render }: JobEntry, now: number): Partial<ControlRecord> {
  switch (rollout.kind) {
    case 'none':
      return {};
    case 'under-way':
      return { rollout: { render, ...rollout.marks } };
    case 'progressed':
      return { good: { revision: goal.revision, render } };
    case 'failed':
      return { failed: { revision: goal.revision, render, at: now, why: rollout.why } };
  }
}

/** That a goal made room is told with what spoke against it. */
function rolloutEvents(rollout: Rollout, scope: JobScope, before: ControlRecord): readonly PlatformEvent[] {
  const { good } = before;
  if (rollout.kind === 'progressed') return deployedEvents(rollout, scope, before);
  if (rollout.kind !== 'failed' || !good) return [];
  const { goal, progressWithinMs } = scope.entry;
  const message = `Revision ${goal.revision} got nowhere within ${Math.round(progressWithinMs / 1_000)} s (${rollout.why}): revision ${good.revision} runs again. The goal is as declared: apply a mended revision, or restart the job to try this one again.`;
  const evidence = { failed: goal.revision, runs: good.revision, why: rollout.why };
  return [scopeEvent(scope, 'error', 'RolledBack', message, evidence)];
}

/** What making room has cost, as it was measured. Of a job's first goal there is nothing to tell. */
function deployedEvents(
  { marks, killed }: Rollout & { readonly kind: 'progressed' },
  scope: JobScope,
  { good, canary }: ControlRecord,
): readonly PlatformEvent[] {
  if (!good) return [];
  const { goal, render } = scope.entry;
  const { since, after, stoppedAt, flowsAt } = marks;
  if (after === 'pause') {
    const message = `Revision ${goal.revision} runs instead of ${good.revision}: the job was resumed with it.`;
    const evidence = { from: good.revision, to: goal.revision, strategy: 'resumed', tookMs: scope.now - since };
    return [scopeEvent(scope, 'info', 'RevisionDeployed', message, evidence)];
  }
  const strategy = after === 'placing' ? 'all-stopped' : strategyOf(scope.entry, canary?.render === render);
  const pauseMs = stoppedAt === undefined ? 0 : Math.max(0, (flowsAt ?? scope.now) - stoppedAt);
  const duplicates =
    killed === 0
      ? 'no duplicates: all that made room had drained and committed'
      : `${killed} worker(s) ended without draining: what they had sent since their last commit (every ${goal.settings.commitMs} ms) may be there twice`;
  const message = `Revision ${goal.revision} runs (${strategy}) instead of ${good.revision}: output paused for at most ${pauseMs} ms; ${duplicates}.`;
  const evidence = {
    from: good.revision,
    to: goal.revision,
    strategy,
    pauseMs,
    killed,
    tookMs: scope.now - since,
  };
  return [scopeEvent(scope, 'info', 'RevisionDeployed', message, evidence)];
}

/** As it was brought in, which is not as declared where a trial was not possible. */
const strategyOf = ({ onRedeploy }: JobEntry, wasTried: boolean): string =>
  onRedeploy === 'canary' && !wasTried ? 'lower-latency' : onRedeploy;

const hasPlacing = (entry: JobEntry): boolean => requestedRewind(entry) !== null || requestedSwitch(entry) !== null;

/** What sets positions while no worker runs: one at a time. */
type PlacingStep = RewindStep | SwitchStep;

function placingStep(entry: JobEntry, observed: ObservedJob, control: ControlRecord): PlacingStep {
  const ofSwitch = switchStep(entry, observed, control);
  return ofSwitch.kind === 'none' ? rewindStep(entry, observed, control) : ofSwitch;
}

const placingWords = { rewind: 'the job is being rewound', switch: 'the job is being switched' } as const;

function rewindMemory(step: PlacingStep, before: ControlRecord, now: number): Partial<ControlRecord> {
  if (step.kind === 'hold') return { rewindBegunAt: before.rewindBegunAt ?? now };
  return step.kind === 'placed' ? { placedSequence: step.by.sequence, placedRequestedAt: step.by.requestedAt } : {};
}

const withoutRewind = ({ rewindBegunAt: _over, ...rest }: ControlRecord): ControlRecord => rest;

/** Positions are set only when nobody holds a slot any more, nor runs without one: fenced first, in the order of the actions. */
function planRewindStep(
  step: PlacingStep,
  scope: JobScope,
  after: ControlRecord,
): { readonly actions: readonly Action[]; readonly events: readonly PlatformEvent[] } {
  const isQuiet = Object.keys(after.slots).length === 0 && after.tasks.length === 0;
  if (step.kind === 'hold' && isQuiet) return { actions: step.placements, events: [] };
  if (step.kind !== 'placed') return { actions: [], events: [] };
  const { plan } = step.by;
  const places = plan.splits.map(({ split, to }) => `${split} at ${to}`).join(', ');
  const what =
    plan.kind === 'rewind' ? `set back: ${places}` : `switched from ${plan.from} to ${plan.to} ${places}`.trim();
  return { actions: [], events: [scopeEvent(scope, 'info', 'PositionsSet', `No worker runs; ${what}.`)] };
}

/** What it was brought to cannot be read, so nothing of it can be kept up: it is left as it is. */
export function leaveBehind(newest: JobEntry, before: ControlRecord, now: number): Decision {
  const announced = { ...before.announced, ...heldMarks(newest, before, now) };
  return {
    target: newest.goal.id,
    control: isToldHeld(newest, before) ? null : { ...before, version: before.version + 1, announced },
    actions: [],
    events: heldEvents(newest, before, now),
    settled: true,
  };
}

/** Nothing is downgraded silently; a person decides. */
function heldEvents(newest: JobEntry, before: ControlRecord, now: number): readonly PlatformEvent[] {
  if (isToldHeld(newest, before)) return [];
  const { goal } = newest;
  const message = `Revision ${before.revisionActed} was carried out, but the goal store now holds revision ${goal.revision}: it is kept running as it is. Apply the route as it shall be, or restart the job to go by revision ${goal.revision}.`;
  return [jobEvent(goal, now, 'error', 'GoalWentBack', message)];
}

/** Another revision is tried only beside one that has got somewhere: that is looked for in time, not at the next sweep. */
function awaitProof(
  rollout: Rollout,
  { goal, onRedeploy, progressWithinMs }: JobEntry,
  now: number,
): Pick<SlotDecision, 'settled' | 'nextPassAt'> {
  const isAwaited =
    onRedeploy === 'canary' && rollout.kind === 'under-way' && now - rollout.marks.since < progressWithinMs;
  return isAwaited ? { settled: false, nextPassAt: now + goal.settings.leaseMs } : { settled: true };
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
