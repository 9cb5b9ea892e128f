// A world as it stands, in plain values and without what no goal decides: names of lives, numbers of revisions, times.
import type { ConfigView } from '#core/api/config-schemas.ts';
import { canonicalJson } from '#core/hash.ts';
import { readJobId, topicSettings } from '#core/names.ts';
import { taskRender, taskSlot, taskWorker } from '#core/plan/task-tags.ts';
import { assessJob } from '#core/status/assess-job.ts';
import type { DeclaredWorld } from './declared-world.ts';

interface TopicPortrait {
  readonly partitions: number;
  readonly config: object;
}

interface WorkerPortrait {
  readonly slot: number;
  /** What it goes by, live settings that it has taken over included. */
  readonly goal: string;
  readonly isCurrent: boolean;
}

interface JobPortrait {
  readonly paused: boolean;
  readonly workers: readonly WorkerPortrait[];
  /** How many splits the workers have, the fewest first: which of them has one more is of no account. */
  readonly shares: readonly number[];
  readonly slots: readonly string[];
  readonly splits: readonly string[];
  readonly phase: string;
  readonly conditions: readonly string[];
  readonly config: string;
}

export interface Portrait {
  readonly declared: readonly string[];
  readonly topics: Readonly<Record<string, TopicPortrait>>;
  readonly jobs: Readonly<Record<string, JobPortrait>>;
  readonly alarms: readonly string[];
  /** What is there of jobs that nobody wants. */
  readonly leftovers: readonly string[];
}

/** A life of a name is called anew each time; revisions are counted. */
const withoutLives = (text: string): string =>
  text.replace(/\buid\d+\b/g, 'uid').replace(/"revision":\d+/g, '"revision":0');

export async function portray(world: DeclaredWorld): Promise<Portrait> {
  const { revisions } = await world.goals.snapshot();
  const declared = revisions.flatMap(({ kind, metadata, declared: spec }) =>
    spec === null ? [] : [`${kind} ${canonicalJson({ metadata, spec })}`],
  );
  const goal = await world.goal();
  const jobs = await Promise.all(
    goal.jobs.map(async (entry) => [entry.goal.name, await portrayJob(world, entry)] as const),
  );
  const watches = world.watches.all().map((watch) => canonicalJson(watch));
  return {
    declared: declared.sort(),
    topics: await portrayTopics(world),
    jobs: Object.fromEntries(jobs),
    alarms: watches.sort(),
    leftovers: await leftoversOf(world, new Set(goal.jobs.map((entry) => entry.goal.id))),
  };
}

async function portrayTopics(world: DeclaredWorld): Promise<Portrait['topics']> {
  const topics = await world.broker.describe(await world.broker.list(), topicSettings);
  return Object.fromEntries(topics.map(({ topic, partitions, config }) => [topic, { partitions, config }]));
}

type Entry = Awaited<ReturnType<DeclaredWorld['goal']>>['jobs'][number];

async function portrayJob(world: DeclaredWorld, entry: Entry): Promise<JobPortrait> {
  const { id } = entry.goal;
  const [control, splits, { heartbeats }] = await Promise.all([
    world.controls.read(id),
    world.splits.list(id),
    world.workers.view(id),
  ]);
  const status = assessJob({ entry, control, heartbeats, splits, now: world.now });
  const tasks = world.tasks.tasks().filter((task) => task.job === id && task.state !== 'stopped');
  const workers = tasks.map(
    (task): WorkerPortrait => ({
      slot: taskSlot(task),
      goal: withoutLives(canonicalJson(world.goalOf(task))),
      isCurrent: taskRender(task) === entry.render,
    }),
  );
  const shares = tasks.map((task) => splits.filter(({ owner }) => owner === taskWorker(task)).length);
  const config = await world.ask(`GET /v1/jobs/${entry.goal.name}/config`);
  return {
    paused: entry.paused,
    workers: workers.sort((a, b) => a.slot - b.slot),
    shares: shares.sort((a, b) => a - b),
    slots: Object.entries(control?.slots ?? {}).map(([slot, { successor, quarantinedAt }]) =>
      canonicalJson({ slot, successor: successor !== undefined, quarantined: quarantinedAt !== undefined }),
    ),
    splits: splits.map(({ split, owner }) => `${split} ${owner === null ? 'free' : 'owned'}`).sort(),
    phase: status.phase,
    // What the autoscaler advises goes by the traffic that it has watched, and not by the goal alone.
    conditions: status.conditions
      .filter(({ type }) => type !== 'Scaled')
      .map(({ type, status: is, reason }) => `${type} ${is} ${reason}`),
    config: valuesOf(config.json),
  };
}

/** Which value holds for each parameter, and of which layer; not since when. */
const valuesOf = ({ parameters }: ConfigView): string =>
  canonicalJson(parameters.map(({ key, value, layer }) => [key, value, layer]));

async function leftoversOf(world: DeclaredWorld, wanted: ReadonlySet<string>): Promise<readonly string[]> {
  const { controls, tasks, workers, goals, splits } = world;
  const names = new Set([
    ...tasks.tasks().map(({ job }) => job),
    ...(await controls.list()).map(({ job }) => job),
    ...(await workers.listHeartbeats()).map(({ job }) => job),
  ]);
  const found: string[] = [];
  for (const id of names) {
    if (wanted.has(id)) continue;
    const { name } = readJobId(id)!;
    const { heartbeats, live } = await workers.view(id);
    if (tasks.tasks().some(({ job, state }) => job === id && state !== 'stopped')) found.push(`${name}: a task`);
    if ((await controls.read(id)) !== null) found.push(`${name}: what the reconciler remembers`);
    if ((await splits.list(id)).length > 0) found.push(`${name}: splits`);
    if (heartbeats.length > 0) found.push(`${name}: heartbeats`);
    if (live !== null) found.push(`${name}: live settings`);
  }
  const { revisions, freezes } = await goals.snapshot();
  const unconfirmed = revisions.filter(({ declared }) => declared === null);
  return [
    ...found,
    ...unconfirmed.map(({ kind, name }) => `the deletion of ${kind} ${name}`),
    ...freezes.map(({ scope, name }) => `a freeze of ${scope} ${name}`),
  ];
}
