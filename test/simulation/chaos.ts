// Carries out one step of a run on the world: the people's go to the people, the rest breaks something.
import type { RewindSplit } from '#core/operations/rewind.ts';
import { seededRandom } from '#test/support/seeded-random.ts';
import type { Actor } from './network.ts';
import { type Step, stepKinds } from './steps.ts';
import type { World } from './world.ts';

const ports = ['goals', 'tasks', 'broker', 'workers', 'splits', 'controls', 'objects'] as const;

const families = Object.entries(stepKinds) as [keyof typeof stepKinds, readonly string[]][];

export async function carryOut(step: Step, world: World): Promise<void> {
  world.tell('world', () => `step ${step.index}: ${step.kind}`);
  const family = families.find(([, kinds]) => kinds.includes(step.kind))![0];
  switch (family) {
    case 'people':
      if (step.kind === 'stop-a-task') return stopATask(step, world);
      if (step.kind === 'approve') return approveHeld(world);
      if (step.kind === 'rewind') return rewindAJob(step, world);
      if (step.kind === 'switch-source') return switchASource(step, world);
      if (step.kind === 'replay') return replayDeadLetters(step, world);
      await world.people.act(step);
      return world.goalMoved();
    case 'ailments':
      return ailAWorker(step, world);
    case 'workers':
      return troubleAWorker(step, world);
    case 'reconcilers':
      return troubleAReconciler(step, world);
    case 'parts':
      return troubleAPart(step, world);
    case 'broker':
      return troubleTheBroker(step, world);
    case 'stores':
      return troubleAStore(step, world);
  }
}

/** Somebody stops a task by hand, in the runtime's console. */
async function stopATask(step: Step, world: World): Promise<void> {
  const tasks = world.runtime.all().filter((task) => task.state === 'running');
  if (tasks.length > 0) await world.runtime.stop(seededRandom(step.roll).pick(tasks).taskId, 'by hand');
}

/** Somebody sets the positions of a job back, of some of its splits or of all, as far as there are records. */
async function rewindAJob(step: Step, world: World): Promise<void> {
  const random = seededRandom(step.roll);
  const entry = random.pick(world.goal.jobs);
  const there = entry && world.broker.look(entry.goal.source.topic);
  if (!entry || !there) return;
  const { id, name, source } = entry.goal;
  const splits = (await world.splits.list(id)).flatMap(({ split, topicId, position: from }): RewindSplit[] => {
    const [topic, partition] = split.split('/');
    const earliest = there.starts[Number(partition)] ?? 0;
    const records = random.below(Math.max(0, Number(from) - earliest) + 1);
    if (topic !== source.topic || topicId !== there.topicId || records === 0) return [];
    return [{ split, topicId, from, to: String(Number(from) - records), records }];
  });
  if (splits.length === 0) return;
  const records = splits.reduce((sum, split) => sum + split.records, 0);
  await world.people.operate(name, 'rewind', {
    ...{ kind: 'rewind', to: 'some time ago', splits, records },
    duplicates: { absorbed: false, why: 'a model' },
  });
  return world.goalMoved();
}

/** Somebody has a job read another stream, all of it; now and then the program that asks dies before it has declared so. */
async function switchASource(step: Step, world: World): Promise<void> {
  const random = seededRandom(step.roll);
  const entry = random.pick(world.goal.jobs);
  const stream = random.pick(world.people.streamNames.filter((name) => name !== entry?.goal.source.stream));
  const there = stream === undefined ? null : world.broker.look(stream);
  if (!entry || !there || stream === undefined) return;
  const { name, route, source } = entry.goal;
  const splits = there.starts.map((start, partition) => ({
    ...{ split: `${stream}/${partition}`, topicId: there.topicId, to: String(start) },
  }));
  await world.people.operate(name, 'switch', {
    ...{ kind: 'switch', what: 'source', from: source.stream, to: stream, fromTopic: source.topic },
    ...{ revision: entry.goal.revision + 1, readFrom: null, splits },
    duplicates: { absorbed: false, why: 'a model' },
  });
  if (random.next() < 0.9) await world.people.readFrom(route, stream);
  return world.goalMoved();
}

/** Somebody has a job's dead letters, as far as they are by now, go through its route once more. */
async function replayDeadLetters(step: Step, world: World): Promise<void> {
  const entry = seededRandom(step.roll).pick(world.goal.jobs);
  const there = entry && world.broker.look(entry.goal.deadLetterTopic);
  if (!entry || !there) return;
  const matching = there.ends.reduce((sum, end, partition) => sum + end - there.starts[partition]!, 0);
  if (matching === 0) return;
  await world.people.operate(entry.goal.name, 'replay-dead-letters', {
    ...{ kind: 'replay', filter: {}, topicId: there.topicId, recordsPerSecond: 1_000, matching, isComplete: true },
    ends: there.ends.map((end, partition) => ({ partition, end: String(end) })),
    duplicates: { absorbed: false, why: 'a model' },
  });
  return world.goalMoved();
}

/** Somebody looks at what waits for consent, and gives it. */
export async function approveHeld(world: World): Promise<void> {
  const controls = await world.controls.list();
  await world.people.approve(controls.filter(({ announced }) => announced['held'] !== undefined).map(({ job }) => job));
}

function troubleAWorker(step: Step, world: World): void {
  const random = seededRandom(step.roll);
  const live = world.liveWorkers();
  if (live.length === 0) return;
  const victim = random.pick(live);
  world.tell('world', () => `${step.kind} ${victim.actor.name}`);
  const untilAt = world.time.now + 1_000 + random.below(3 * world.profile.settings.worker.leaseMs);
  if (step.kind === 'kill-worker') world.killWorker(victim);
  if (step.kind === 'freeze-worker') freeze(victim.actor, untilAt);
  if (step.kind === 'cut-worker') victim.actor.cutUntil = untilAt;
  if (step.kind === 'skew-clock') victim.skewMs += random.pick([1, 60, 300]) * (random.below(4_000) - 2_000);
}

/** It beats, and something of it never goes on; or the runtime has lost sight of it for good. */
function ailAWorker(step: Step, world: World): void {
  const live = world.liveWorkers();
  if (live.length === 0) return;
  const victim = seededRandom(step.roll).pick(live);
  world.tell('world', () => `${step.kind} ${victim.actor.name}`);
  if (step.kind === 'hang-rounds') victim.hangs.rounds = true;
  if (step.kind === 'hang-checkpoints') victim.hangs.checkpoints = true;
  if (step.kind === 'unlist-task') world.runtime.unlisted.add(victim.taskId);
}

function troubleAReconciler(step: Step, world: World): void {
  const random = seededRandom(step.roll);
  const actor: Actor = random.pick(world.reconcilers).actor;
  if (step.kind === 'crash-reconciler') actor.diesSoon = true;
  else freeze(actor, world.time.now + 1_000 + random.below(60_000));
}

/** A process stands still as a whole: one that does already goes on no earlier for it. */
function freeze(actor: Actor, untilAt: number): void {
  actor.frozenUntil = Math.max(actor.frozenUntil, untilAt);
}

function troubleAPart(step: Step, world: World): void {
  const random = seededRandom(step.roll);
  const untilAt = world.time.now + 1_000 + random.below(30_000);
  if (step.kind === 'no-capacity') world.runtime.fullUntil = untilAt;
  else if (step.kind === 'sink-down') world.sinkDownUntil = untilAt;
  else {
    const port = random.pick(ports);
    world.tell('world', () => `${port} does not answer for ${untilAt - world.time.now} ms`);
    world.network.downUntil.set(port, untilAt);
  }
}

async function troubleTheBroker(step: Step, world: World): Promise<void> {
  const random = seededRandom(step.roll);
  if (step.kind === 'wipe-broker') return world.broker.wipe();
  const topics = await world.broker.list();
  if (topics.length === 0) return;
  const topic = random.pick(topics);
  if (step.kind === 'lose-topic') await world.broker.remove(topic);
  if (step.kind === 'drift-topic')
    await world.broker.configure(topic, { 'retention.ms': String(random.below(10_000)) });
  if (step.kind === 'expire-records') {
    const { ends } = world.broker.look(topic)!;
    for (const [partition, end] of ends.entries()) world.broker.expire(topic, partition, random.below(end + 1));
  }
}

async function troubleAStore(step: Step, world: World): Promise<void> {
  const random = seededRandom(step.roll);
  const { losses } = world.watch;
  switch (step.kind) {
    case 'wipe-controls':
      losses.controls = true;
      return world.controls.wipe();
    case 'wipe-workers':
      losses.workersAt = world.time.now;
      world.watch.fenced.clear();
      return world.workers.wipe();
    case 'wipe-splits':
      return world.splits.wipe();
    case 'empty-goals':
      world.goalsEmptyUntil = world.time.now + 1_000 + random.below(20_000);
      return;
    default: {
      const { sequence } = await world.goals.snapshot();
      losses.goals = true;
      world.goals.restore(Math.max(0, sequence - 1 - random.below(4)));
      world.forgetGoal();
      return world.goalMoved();
    }
  }
}
