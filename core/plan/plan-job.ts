// One job: from its goal and what was observed of it to what has to be done next. Pure; every pass decides anew.
import type { JobEntry } from '#core/graph/compile-platform.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { contentHash } from '#core/hash.ts';
import { judgeSlot, type SlotHealth } from '#core/health/worker-health.ts';
import { workerName } from '#core/names.ts';
import type { Action, Decision } from '#core/plan/action.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { startDelayMs } from '#core/plan/restart-backoff.ts';
import { taskIncarnation, taskRender, taskSlot, taskWorker } from '#core/plan/task-tags.ts';
import type { ControlRecord, ControlTask, SlotRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';

/** What is decided for one slot: its record afterwards (null: the slot is gone), and what to do. */
interface SlotDecision {
  readonly record: SlotRecord | null;
  readonly actions: readonly Action[];
  readonly events: readonly PlatformEvent[];
  readonly settled: boolean;
  readonly nextPassAt?: number;
}

interface JobScope {
  readonly entry: JobEntry;
  readonly observed: ObservedJob;
  readonly settings: PlatformSettings;
  readonly now: number;
  /** Hands out incarnations, each once. */
  readonly nextIncarnation: () => number;
}

export const freshControl = (job: string, uid: string): ControlRecord => ({
  job,
  uid,
  version: 0,
  incarnationLast: 0,
  revisionActed: 0,
  slots: {},
  announced: {},
  tasks: [],
  restartSequence: 0,
});

export function planJob(entry: JobEntry, observed: ObservedJob, settings: PlatformSettings): Decision {
  const { goal } = entry;
  const before = observed.control ?? adoptControl(goal.id, goal.uid, observed);
  if (before.revisionActed > goal.revision) return frozen(entry, before, observed.at);
  let incarnationLast = before.incarnationLast;
  const scope: JobScope = { entry, observed, settings, now: observed.at, nextIncarnation: () => ++incarnationLast };
  const wantedSlots = entry.paused ? 0 : goal.resources.workers;
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
  decisions.push(planStrays(scope, slots));
  const after: ControlRecord = {
    ...before,
    incarnationLast,
    revisionActed: goal.revision,
    restartSequence: entry.restartSequence,
    slots,
    tasks: controlTasks(observed.tasks),
  };
  const waits = decisions.flatMap((decision) => (decision.nextPassAt === undefined ? [] : [decision.nextPassAt]));
  return {
    target: goal.id,
    control: sameRecord(before, after) ? null : { ...after, version: before.version + 1 },
    actions: decisions.flatMap((decision) => decision.actions),
    events: decisions.flatMap((decision) => decision.events),
    settled: decisions.every((decision) => decision.settled),
    ...(waits.length > 0 ? { nextPassAt: Math.min(...waits) } : {}),
  };
}

export const sameRecord = (a: object, b: object): boolean => contentHash(a) === contentHash(b);

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

/** The goal store went back in time (a restored backup): nothing is downgraded silently; a person decides. */
function frozen(entry: JobEntry, before: ControlRecord, now: number): Decision {
  const { goal } = entry;
  const key = `older-goal-${goal.revision}`;
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

function planWantedSlot(scope: JobScope, slot: number, record: SlotRecord | undefined): SlotDecision {
  if (!record) return start(scope, slot, 0, scope.now, 'WorkerStarted', 'the job wants it');
  const { goal, render } = scope.entry;
  const worker = workerName(goal.id, record.incarnation, slot);
  const { health, task } = healthOf(scope, record);
  const outdated = record.render !== render;
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
          event(
            scope,
            'info',
            'WorkerStopping',
            `Worker ${short(worker)} runs an older goal: it drains and ends, then its successor starts.`,
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
        `worker ${short(worker)} is stopping and silent`,
      );
    case 'silent':
      return replace(
        scope,
        slot,
        record,
        [{ kind: 'fence-worker', job: goal.id, worker }, ...stop('silent for longer than its lease')],
        'WorkerSilent',
        `worker ${short(worker)} has been silent for ${seconds(health.silentMs)} although its task runs`,
      );
    case 'never-reported':
      return replace(
        scope,
        slot,
        record,
        [{ kind: 'fence-worker', job: goal.id, worker }, ...stop('never reported')],
        'WorkerNeverReported',
        `worker ${short(worker)} did not report within ${seconds(health.waitedMs)}`,
      );
    case 'lost':
      return replace(
        scope,
        slot,
        record,
        [{ kind: 'fence-worker', job: goal.id, worker }],
        'WorkerLost',
        `the runtime does not know worker ${short(worker)}, and it is silent`,
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
      `worker ${short(worker)} has ended, and there is a newer goal`,
    );
    return { ...started, actions: [fence, ...started.actions] };
  }
  return replace(
    scope,
    slot,
    record,
    [fence],
    'WorkerDied',
    `worker ${short(worker)} is over after ${seconds(health.livedMs)}: ${health.reason}${code}`,
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
          event(
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
      event(
        scope,
        severity,
        reason,
        `${capital(why)}: worker ${short(worker)} started on revision ${scope.entry.goal.revision}.`,
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
function planEndedSlot(scope: JobScope, slot: number, record: SlotRecord): SlotDecision {
  const { goal, paused } = scope.entry;
  const { health, task } = healthOf(scope, record);
  const worker = workerName(goal.id, record.incarnation, slot);
  const fence: Action = { kind: 'fence-worker', job: goal.id, worker };
  if (health.kind === 'over' || health.kind === 'lost')
    return { record: null, actions: [fence], events: [], settled: true };
  if (health.kind === 'stopping' || task === null)
    return { record, actions: [], events: [], settled: false, nextPassAt: scope.now + 1_000 };
  const why = paused ? 'the job is paused' : 'the job wants fewer workers';
  return {
    record,
    actions: [{ kind: 'stop-worker', job: goal.id, taskId: task.taskId, why }],
    events: [event(scope, 'info', 'WorkerStopping', `Worker ${short(worker)} drains and ends: ${why}.`)],
    settled: false,
  };
}

/** Tasks of this job that no slot owns any more (a lost control record, a replaced worker that lingers): stopped, and forgotten when over. */
function planStrays(scope: JobScope, slots: Readonly<Record<string, SlotRecord>>): SlotDecision {
  const owned = new Set(Object.values(slots).map((record) => record.incarnation));
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
        event(
          scope,
          'info',
          'WorkerStopping',
          `Worker ${short(taskWorker(task))} is not in the plan: it drains and ends.`,
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

/** A worker that got somewhere before it died is no crash loop: its successor need not wait. */
function madeProgress(scope: JobScope, record: SlotRecord): boolean {
  const heartbeat = latestHeartbeat(scope, record.incarnation);
  return heartbeat !== null && heartbeat.accounting.in > 0 && heartbeat.at - heartbeat.startedAt > progressAfterMs;
}
const progressAfterMs = 5_000;

/** After a minute of reporting, earlier failures no longer count. */
function forgiven(scope: JobScope, record: SlotRecord): Partial<SlotRecord> {
  const healthyMs = scope.now - record.startedAt;
  return record.failureCount > 0 && healthyMs > forgiveAfterMs ? { failureCount: 0 } : {};
}
const forgiveAfterMs = 60_000;

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

const event = (scope: JobScope, severity: PlatformEvent['severity'], reason: string, message: string): PlatformEvent =>
  jobEvent(scope.entry.goal, scope.now, severity, reason, message);

/** The worker's name without its job, for messages that stand under the job anyway: `3/0`. */
const short = (worker: string): string => {
  const [incarnation, slot] = worker.split('/').slice(-2);
  return `${Number(incarnation)}/${slot}`;
};
const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
