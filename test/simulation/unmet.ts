// What a calm world still lacks to be as declared: empty when every job works as its goal says and nothing is left over.

import { adviceRestMs, restartMsOf } from '#core/autoscale/plan-scaling.ts';
import { asScaled, workersOf } from '#core/autoscale/workers-wanted.ts';
import { recordsMin } from '#core/canary/compare-revisions.ts';
import { newestFirst, readManifest } from '#core/checkpoint/read-manifest.ts';
import { assignSplits } from '#core/graph/assign-splits.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { checkpointAge } from '#core/health/checkpoint-age.ts';
import { shiftHeartbeat } from '#core/health/sight-beats.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { parseJobGoal } from '#core/job/parse-goal.ts';
import { objectKeys, readJobId } from '#core/names.ts';
import { placedWorkers } from '#core/plan/control.ts';
import { taskRevision } from '#core/plan/task-tags.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { OperationKind } from '#core/ports/goal-store.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';
import { assessJob } from '#core/status/assess-job.ts';
import type { ModelWorker } from './model-worker.ts';
import { isBadGoal } from './people.ts';
import type { World } from './world.ts';

export async function unmet(world: World): Promise<readonly string[]> {
  await world.goalMoved();
  const { goal } = world;
  const live = world.runtime.all().filter(({ state }) => state !== 'stopped');
  const tasksOf = Map.groupBy(live, ({ job }) => job);
  const heartbeats = await world.workers.listHeartbeats();
  const found = [...unmetTopics(world)];
  if (found.length > 0) return found;
  for (const entry of goal.jobs) {
    const { id, name } = entry.goal;
    const control = await world.controls.read(id);
    if (isBadGoal(entry.goal)) {
      found.push(...(await unmetRollback(world, entry, control)));
      continue;
    }
    if (control?.failed?.render === entry.render) {
      if (isDoubtful(control.failed.why)) {
        found.push(...(await unmetRollback(world, entry, control)));
        continue;
      }
      found.push(`${id} was rolled back: ${control.failed.why}`);
    }
    if (world.runtime.cursed.has(name) || (await isFrozen(world, entry))) continue;
    found.push(...(await unmetJob(world, entry, tasksOf.get(id) ?? [], heartbeats)));
  }
  found.push(...(await leftovers(world, tasksOf, heartbeats)));
  return found;
}

/** Bad records beside a revision that had read next to none: whether they are the goal's fault nobody can tell, so it is given up once its time is over. */
const isDoubtful = (why: string): boolean =>
  Number(/set aside or dropped, beside [\d.]+% of (\d+) by/.exec(why)?.[1] ?? Infinity) < recordsMin;

/** The goal store is older than what was carried out, and nobody has declared the job since: left as it runs. */
async function isFrozen(world: World, entry: JobEntry): Promise<boolean> {
  const control = await world.controls.read(entry.goal.id);
  return world.watch.losses.goals && control?.announced['frozen'] === `older-goal-${entry.goal.revision}`;
}

function* unmetTopics(world: World): Iterable<string> {
  for (const { topic, partitions, config } of world.goal.topics) {
    const there = world.broker.look(topic);
    if (there === null) yield `topic ${topic} does not exist`;
    else if (there.ends.length < partitions)
      yield `topic ${topic} has ${there.ends.length} of ${partitions} partitions`;
    else if (Object.entries(config).some(([name, value]) => there.config[name] !== value))
      yield `topic ${topic} is configured otherwise: ${JSON.stringify(there.config)}`;
  }
  for (const { topic, keptUntil } of world.goal.removedTopics)
    if (keptUntil < world.time.now && world.broker.look(topic) !== null)
      yield `topic ${topic} of a deleted stream is still there`;
}

/** Of a job that its declaration pauses. */
const waitsWhilePaused: ReadonlySet<OperationKind> = new Set(['resume', 'replay-dead-letters']);

async function unmetJob(
  world: World,
  entry: JobEntry,
  tasks: readonly ObservedTask[],
  heartbeats: readonly Heartbeat[],
): Promise<readonly string[]> {
  const { id } = entry.goal;
  const open = entry.requested.filter(({ kind }) => !(entry.paused && waitsWhilePaused.has(kind)));
  const asked = open.map(({ kind }) => `${id}: the operation ${kind} is not finished`);
  const silent = heartbeats
    .filter(({ job, worker }) => job === id && (world.byName.get(worker)?.isOver ?? true))
    .map(({ worker }) => `${worker} is over, but is remembered`);
  if (entry.paused) {
    // A worker that was decided for, and never asked for, may still come as long as listings lag.
    const held = Object.keys((await world.controls.read(id))?.slots ?? {});
    const kept = [
      ...tasks.map(({ taskId }) => `${taskId} runs`),
      ...held.map((slot) => `slot ${slot} is not given up`),
    ];
    return [...asked, ...silent, ...kept.map((what) => `${id} is paused, but ${what}`)];
  }
  const workers = world.liveWorkers().filter(({ identity }) => identity.job === id);
  const slots = workers.map(({ identity }) => identity.slot).sort();
  const wanted = Array.from({ length: await workersWanted(world, entry) }, (_, slot) => slot);
  if (String(slots) !== String(wanted) || tasks.length !== wanted.length)
    return [
      `${id}: workers in slots ${slots}, tasks ${tasks.map(({ taskId, state }) => `${taskId} ${state}`)}; wanted ${wanted}`,
    ];
  const ailing = unmetHealth(world, entry, workers) ?? (await unmetLead(world, entry, workers));
  if (ailing !== null) return ailing;
  const outdated = workers.filter(({ identity }) => identity.render !== entry.render);
  if (outdated.length > 0) return [...asked, `${id}: ${outdated.map(({ actor }) => actor.name)} run an older goal`];
  const found = [...asked, ...silent, ...(await unmetSplits(world, entry)), ...(await unmetStatus(world, entry))];
  return found.length > 0 ? found : await unmetCheckpoint(world, entry);
}

const workersWanted = async (world: World, entry: JobEntry): Promise<number> =>
  workersOf(asScaled(entry, (await world.controls.read(entry.goal.id))?.scale));

function unmetHealth(world: World, { goal }: JobEntry, workers: readonly ModelWorker[]): readonly string[] | null {
  const ailing = workers.filter(({ hangs, taskId }) => hangs.rounds || world.runtime.unlisted.has(taskId));
  if (ailing.length === 0) return null;
  return [`${goal.id}: ${ailing.map(({ actor }) => actor.name)} beat, and hang or are known to nobody`];
}

/**
 * What was committed since its own newest checkpoint is for the leader to save, though one that led before has done so:
 * a leader that hangs in it is found out in time.
 */
async function unmetLead(
  world: World,
  { goal }: JobEntry,
  workers: readonly ModelWorker[],
): Promise<readonly string[] | null> {
  const hung = workers.filter(({ hangs, leads }) => hangs.checkpoints && leads);
  if (hung.length === 0) return null;
  const age = checkpointAge(await heartbeatsOf(world, goal.id), goal.settings, world.time.now);
  if (age.kind === 'no-leader' || !age.movedSince) return null;
  return [`${goal.id}: ${hung.map(({ actor }) => actor.name)} lead, and hang in a checkpoint`];
}

/** A goal that its workers cannot live with: they run the last good one, if there was any. */
async function unmetRollback(world: World, entry: JobEntry, control: ControlRecord | null): Promise<readonly string[]> {
  const { goal, render, paused } = entry;
  if (paused || !control?.good || world.runtime.cursed.has(goal.name)) return [];
  const { good, failed } = control;
  // With the memory lost it may be rolled back at any later time, from whatever it was found running.
  if (isBadGoal(goal) && (world.watch.losses.controls || world.watch.losses.goals)) return [];
  if (failed?.render !== render) return [`${goal.id} is not rolled back from what cannot work`];
  const workers = world.liveWorkers().filter(({ identity }) => identity.job === goal.id);
  const isGood = workers.length > 0 && workers.every(({ identity }) => identity.render === good.render);
  if (!isGood) return [`${goal.id}: not all of ${workers.map(({ actor }) => actor.name)} run the last good goal`];
  const placed = placedWorkers(Object.values(control.slots)).length;
  if (workers.length !== placed) return [`${goal.id}: ${workers.length} of ${placed} workers run the last good goal`];
  const stored = parseJobGoal((await world.objects.get(objectKeys.goalOfRender(goal.id, good.render)))!);
  const running = stored.ok ? { ...entry, goal: stored.value } : entry;
  const found = unmetHealth(world, entry, workers) ?? (await unmetSplits(world, running));
  return found.length > 0 ? found : await unmetCheckpoint(world, running);
}

async function unmetSplits(world: World, entry: JobEntry): Promise<readonly string[]> {
  const { id, source } = entry.goal;
  const there = world.broker.look(source.topic);
  // What it was rolled back to reads a stream that is deleted by now; of one that is wanted the topic is asked for.
  if (there === null) return [];
  const records = await world.splits.list(id);
  const found: string[] = [];
  const owners: Record<string, string> = {};
  for (const [partition, end] of there.ends.entries()) {
    const split = `${source.topic}/${partition}`;
    const record = records.find((each) => each.split === split);
    const owner = record?.owner ? world.byName.get(record.owner) : undefined;
    if (!record) found.push(`${id} has no item for ${split}`);
    else if (!owner || owner.isOver) found.push(`${id}: ${split} is held by nobody (${record.owner})`);
    else if (record.topicId !== there.topicId || Number(record.position) !== end)
      found.push(`${id}: ${split} stands at ${record.position} of ${end}`);
    else owners[split] = record.owner!;
  }
  if (found.length > 0) return found;
  const names = world
    .liveWorkers()
    .filter(({ identity }) => identity.job === id)
    .map(({ actor }) => actor.name);
  const even = assignSplits(Object.keys(owners), names, owners);
  const moves = Object.entries(even).filter(([split, owner]) => owners[split] !== owner);
  return moves.length === 0 ? [] : [`${id}: splits are not shared out evenly: ${JSON.stringify(owners)}`];
}

/** The newest checkpoint holds what is committed, which in a calm world is all there is, and by whom: a leader that hangs in its own is found out. */
async function unmetCheckpoint(world: World, { goal }: JobEntry): Promise<readonly string[]> {
  const [newest] = newestFirst(await world.objects.list(objectKeys.checkpointPrefix(goal.id, goal.uid)));
  const bytes = newest === undefined ? null : await world.objects.get(newest);
  const read = bytes === null ? null : readManifest(bytes, goal.id, goal.uid);
  const saved = read?.ok ? read.value.splits : [];
  const stale = (await world.splits.list(goal.id)).filter(
    ({ split, position, topicId, epoch }) =>
      !saved.some(
        (one) => one.split === split && one.position === position && one.topicId === topicId && one.epoch === epoch,
      ),
  );
  return stale.map(({ split, position }) => `${goal.id}: no checkpoint has ${split} at ${position}`);
}

/** A status that is asked for has nothing but the workers' word for the time; here their clocks are known. */
async function heartbeatsOf(world: World, id: string): Promise<readonly Heartbeat[]> {
  const { heartbeats } = await world.workers.view(id);
  return heartbeats.map((heartbeat) =>
    shiftHeartbeat(heartbeat, heartbeat.at - (world.byName.get(heartbeat.worker)?.skewMs ?? 0)),
  );
}

/** Advice on the number of workers that is over by now is taken back no sooner than then: nothing is told more often. */
export async function adviceStandsUntil(world: World): Promise<number> {
  const { settings } = world.profile;
  const ends = await Promise.all(
    (await world.controls.list()).map(async (control) => {
      const { job, scale } = control;
      if (scale?.wish === undefined) return 0;
      const restartMs = restartMsOf(scale, { control, heartbeats: await heartbeatsOf(world, job) }, settings);
      return scale.wish.at + adviceRestMs(restartMs, settings);
    }),
  );
  return Math.max(0, ...ends);
}

async function unmetStatus(world: World, entry: JobEntry): Promise<readonly string[]> {
  const { id } = entry.goal;
  const heartbeats = await heartbeatsOf(world, id);
  const control = await world.controls.read(id);
  const splits = await world.splits.list(id);
  const status = assessJob({ entry, control, heartbeats, splits, now: world.time.now });
  const { wish, workers } = status.scale;
  // Nothing waits by now: that more workers would be better is taken back soon, and told.
  if (wish !== null && wish.workers > workers)
    return [`${id} has ${workers} workers, and would rather have ${wish.workers}`];
  return status.phase === 'Running' ? [] : [`${id} is ${status.phase}: ${status.message}`];
}

/** The newest revision of the job's route. */
function headOf({ goal }: World, id: string): number {
  const { route } = readJobId(id)!;
  const removed = goal.removed.find(({ name, kind }) => kind === 'Route' && name === route);
  return removed?.revision ?? goal.jobs.find((entry) => entry.goal.route === route)?.goal.revision ?? 0;
}

/** The topic of a stream that is deleted: a route that nobody can read may still write to it. */
const isKept = ({ goal, time }: World, name: string): boolean =>
  goal.removedTopics.some(({ stream, keptUntil }) => stream === name && keptUntil > time.now);

async function leftovers(
  world: World,
  tasksOf: ReadonlyMap<string, readonly ObservedTask[]>,
  heartbeats: readonly Heartbeat[],
): Promise<readonly string[]> {
  const { goal } = world;
  const wanted = new Set([...goal.jobs, ...goal.replays].map((entry) => entry.goal.id));
  const isKnown = (id: string): boolean => {
    const parts = readJobId(id)!;
    const same = ({ name, kind }: { readonly name: string; readonly kind: string }): boolean =>
      kind === 'Route' && name === parts.route;
    if (goal.unsupported.some(({ revision }) => same(revision))) return false;
    return goal.removed.some(same) || goal.jobs.some((entry) => entry.goal.route === parts.route);
  };
  const controls = await world.controls.list();
  const listed = world.runtime.all();
  // What was carried out for a goal that a restored store has never heard of is left as it is (D12): the reconciler's memory or,
  // where that was lost, its tasks tell, those that are over too, and its workers, who may have taken up more of a goal than they were started with.
  const revisionsOf = (id: string): readonly number[] => [
    ...controls.filter(({ job }) => job === id).map(({ revisionActed }) => revisionActed),
    ...listed.filter(({ job }) => job === id).map(taskRevision),
    ...heartbeats.filter(({ job }) => job === id).map(({ revision }) => revision),
  ];
  const ofForgottenGoal = (id: string): boolean =>
    world.watch.losses.goals && revisionsOf(id).some((revision) => revision > headOf(world, id));
  const gone = (id: string): boolean => !wanted.has(id) && isKnown(id) && !ofForgottenGoal(id);
  return [
    ...[...tasksOf.keys()].filter(gone).map((id) => `${id} is not wanted any more, but tasks of it live`),
    ...controls.filter(({ job }) => gone(job)).map(({ job }) => `${job} is not wanted any more, but is remembered`),
    ...heartbeats
      .filter(({ job }) => gone(job))
      .map(({ worker }) => `${worker} is not wanted any more, but is remembered`),
    // With the reconciler's memory lost, a job that ended is known by nothing that a pass lists.
    ...[...new Set([...world.watch.splits.keys()].map((key) => key.split('\n')[0]!))]
      .filter(() => !world.watch.losses.controls)
      .filter(gone)
      .map((id) => `${id} is not wanted any more, but its splits are kept`),
    ...goal.removed
      .filter(({ kind, name }) => !world.watch.losses.goals && !(kind === 'Stream' && isKept(world, name)))
      .map(({ kind, name }) => `the deletion of ${kind} ${name} is not confirmed`),
  ];
}
