// Acting: carries out what was decided, action by action; the only place where a pass changes the world.
import { isPlatformError, throttledCode } from '#core/errors.ts';
import { contentHash } from '#core/hash.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { limits } from '#core/limits.ts';
import { environment, objectKeys, readJobId, taskTags } from '#core/names.ts';
import type { Action, Decision } from '#core/plan/action.ts';
import { beginClearing, withoutClearing } from '#core/plan/plan-ended-job.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';
import type { TaskRequest } from '#core/ports/task-runner.ts';
import type { Json } from '#core/spec/json.ts';
import type { PacedCall } from '#functions/reconcile/pacer.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';

export type ActOutcome = 'done' | 'overtaken';

/**
 * `overtaken`: another pass decided on the same job since we observed it, or so much time went by since the pass
 * began that its decisions are worth nothing any more (a process that stood still, a store that answered late). Then nothing
 * more is done. Throws at the first action that fails; those before it stand, and the next pass finds the rest still to do.
 */
export async function act(decision: Decision, begunAt: number, parts: ReconcileParts): Promise<ActOutcome> {
  const isStale = (): boolean => parts.clock.now() - begunAt > limits.decisionMsMax;
  if (isStale()) return 'overtaken';
  if (decision.control && (await parts.controls.write(decision.control)) === 'stale') return 'overtaken';
  let outcome: ActOutcome;
  try {
    outcome = await performAll(decision.actions, isStale, parts);
  } catch (error) {
    // What went wrong is told by whoever carries the pass out; that this cannot be told as well is no reason to hide it.
    await tell(toldAnyway(decision), parts).catch(() => {});
    throw error;
  }
  await tell(outcome === 'done' ? decision.events : toldAnyway(decision), parts);
  return outcome;
}

async function performAll(
  actions: readonly Action[],
  isStale: () => boolean,
  parts: ReconcileParts,
): Promise<ActOutcome> {
  for (const action of actions) {
    if (isStale()) return 'overtaken';
    await perform(action, parts);
  }
  return 'done';
}

async function tell(events: Decision['events'], { goals }: ReconcileParts): Promise<void> {
  if (events.length > 0) await goals.appendEvents(events);
}

/**
 * Of a decision that is not carried out to its end. Once the record says so, no later pass tells it again; without one, the next pass
 * decides and tells anew. That a job is removed is told when it is.
 */
const toldAnyway = ({ control, actions, events }: Decision): Decision['events'] =>
  control === null || actions.some(({ kind }) => kind === 'clear-job') ? [] : events;

async function perform(action: Action, parts: ReconcileParts): Promise<void> {
  switch (action.kind) {
    case 'create-topic':
      await parts.broker.create(action.topic, action.partitions, action.config);
      return;
    case 'grow-topic':
      return parts.broker.grow(action.topic, action.partitions);
    case 'configure-topic':
      return parts.broker.configure(action.topic, action.config);
    case 'delete-topic':
      return deleteTopic(action, parts);
    case 'start-worker':
      return startWorker(action, parts);
    case 'stop-worker':
      return paced('stop-task', parts, () => parts.tasks.stop(action.taskId, action.why));
    case 'fence-worker':
      return parts.workers.fence(action.job, action.worker);
    case 'tell-with-log':
      return tellWithLog(action, parts);
    case 'set-live':
      return parts.workers.setLive(action.job, action.live);
    case 'forget-worker':
      return parts.workers.remove(action.job, action.worker);
    case 'clear-job':
      return clearJob(action, parts);
    case 'finish-operation':
      return parts.goals.finishOperation(action.tenant, action.id, action.ending);
    case 'create-split':
      return void (await parts.splits.create(action.job, action.record));
    case 'place-split':
      // `moved`: the next pass looks at it as it stands by then.
      return void (await parts.splits.place(action.job, action.seen, action.placement));
    case 'confirm-removed':
      return parts.goals.confirmRemoved(action.tenant, action.of, action.name, action.revision);
  }
}

/** That the log cannot be read is no reason not to tell. */
async function tellWithLog(
  { taskId, event }: Action & { kind: 'tell-with-log' },
  parts: ReconcileParts,
): Promise<void> {
  const log = await parts.tasks.lastLines(taskId).catch(() => []);
  const evidence = { ...(event.evidence as { readonly [key: string]: Json } | undefined), log };
  await parts.goals.appendEvents([{ ...event, evidence }]);
}

/** A topic has no second life: what was decided on an older goal must not take one away that is wanted again by now. */
async function deleteTopic(action: Action & { kind: 'delete-topic' }, parts: ReconcileParts): Promise<void> {
  const { topic, tenant, stream, goalSequence } = action;
  const mayWantIt = ({ kind, name, declared }: GoalRevision): boolean =>
    kind === 'Stream' ? name === stream : JSON.stringify(declared).includes(JSON.stringify(stream));
  const look = await lookedAt(parts, () => hasChanged(parts, tenant, goalSequence, mayWantIt));
  if (look.seen) throw new Error(`topic ${topic} is not deleted: declarations have changed since that was decided`);
  if (look.isLate)
    throw new Error(`topic ${topic} is not deleted yet: to see that nothing has changed took ${look.tookMs} ms`);
  await parts.broker.remove(topic);
}

/** Who stood still between a look and what follows from it may wake in another world. */
async function lookedAt<Seen>({ clock }: ReconcileParts, look: () => Promise<Seen>) {
  const askedMs = clock.monotonicMs();
  const seen = await look();
  const tookMs = Math.round(clock.monotonicMs() - askedMs);
  return { seen, tookMs, isLate: tookMs > limits.lookMsMax };
}

/** Whether anything that concerns it was declared after `goalSequence`, or the store went back in time since. */
async function hasChanged(
  { goals }: ReconcileParts,
  tenant: string,
  goalSequence: number,
  concerns: (revision: GoalRevision) => boolean,
): Promise<boolean> {
  const since = await goals.changedSince(tenant, goalSequence);
  return since.sequence < goalSequence || since.revisions.some(concerns);
}

/** The goal is stored before the task that reads it is asked for; both are idempotent. */
async function startWorker(action: Action & { kind: 'start-worker' }, parts: ReconcileParts): Promise<void> {
  const { goal } = action;
  const goalKey = await storeGoal(goal, action.render, parts);
  const request: TaskRequest = {
    clientToken: action.clientToken,
    job: goal.id,
    cpu: goal.resources.cpu,
    memoryMiB: goal.resources.memoryMiB,
    environment: {
      [environment.job]: goal.id,
      [environment.worker]: action.worker,
      [environment.incarnation]: String(action.incarnation),
      [environment.slot]: String(action.slot),
      [environment.render]: action.render,
      [environment.goal]: goalKey,
    },
    tags: {
      [taskTags.platform]: parts.settings.platform,
      [taskTags.job]: goal.id,
      [taskTags.uid]: goal.uid,
      [taskTags.revision]: String(goal.revision),
      [taskTags.render]: action.render,
      [taskTags.incarnation]: String(action.incarnation),
      [taskTags.slot]: String(action.slot),
    },
  };
  const outcome = await paced('run-task', parts, () => parts.tasks.run(request));
  if (outcome.kind === 'refused') throw new Error(`the runtime refused worker ${action.worker}: ${outcome.reason}`);
}

/** Within the rate that the runtime allows; one that it refuses all the same makes the next ones slower. */
async function paced<Answer>(call: PacedCall, parts: ReconcileParts, work: () => Promise<Answer>): Promise<Answer> {
  await parts.pacer?.take(call);
  try {
    return await work();
  } catch (error) {
    if (isPlatformError(error) && error.code === throttledCode) parts.pacer?.refused(call);
    throw error;
  }
}

async function storeGoal(goal: JobGoal, render: string, parts: ReconcileParts): Promise<string> {
  const key = objectKeys.goal(goal.id, contentHash(goal));
  const bytes = new TextEncoder().encode(JSON.stringify(goal));
  await parts.objects.put(key, bytes, { ifAbsent: true });
  await parts.objects.put(objectKeys.goalOfRender(goal.id, render), bytes, { ifAbsent: true });
  return key;
}

/** The control record goes last: as long as it is there, a pass that finds it repeats the rest. */
async function clearJob(action: Action & { kind: 'clear-job' }, parts: ReconcileParts): Promise<void> {
  const { job } = action;
  const version = action.goalSequence === null ? action.controlVersion : await beginIfUnchanged(action, parts);
  if (version === null) return;
  // Who stood still between two steps may wake when another has cleared it all, and the job is there again; or between the look and the step.
  const isStillMarked = async (): Promise<boolean> => {
    const { seen, isLate } = await lookedAt(parts, () => parts.controls.read(job));
    return seen?.version === version && !isLate;
  };
  for (const step of [() => parts.splits.clear(job), () => parts.workers.clear(job)]) {
    if (!(await isStillMarked())) return;
    await step();
  }
  await parts.controls.remove(job, version);
}

/**
 * Looked at behind the first mark, from which on no deletion is taken back: one that was before it, or was made again with a grace
 * of its own, is heard. Gives the version of the record that says so; null: another pass was faster.
 */
async function beginIfUnchanged(
  { job, controlVersion, goalSequence }: Action & { kind: 'clear-job' },
  parts: ReconcileParts,
): Promise<number | null> {
  const id = readJobId(job);
  const isOfRoute = ({ kind, name }: GoalRevision): boolean => kind === 'Route' && name === id?.route;
  const isTakenBack =
    id !== null && goalSequence !== null && (await hasChanged(parts, id.tenant, goalSequence, isOfRoute));
  const control = await parts.controls.read(job);
  if (control?.version !== controlVersion) return null;
  const next = isTakenBack ? withoutClearing(control) : beginClearing(control);
  const outcome = await parts.controls.write(next);
  if (isTakenBack) throw new Error(`job ${job} is not cleared: its route has changed since that was decided`);
  return outcome === 'stale' ? null : next.version;
}
