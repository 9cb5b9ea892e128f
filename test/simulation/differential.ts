// Acto's oracle: after any sequence of what people ask, the world is the one that is freshly made from what was asked last.
import { isDeepStrictEqual } from 'node:util';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { canonicalJson } from '#core/hash.ts';
import type { Step } from './declarations.ts';
import { DeclaredWorld } from './declared-world.ts';
import { LastGoals } from './last-goals.ts';
import { type Portrait, portray } from './portrait.ts';

/** What a world with a past may have that one without has not. Nothing else may differ. */
export interface Allowance {
  readonly what: string;
  readonly why: string;
  /** The world with a past, without what it may have for this reason. */
  readonly without: (world: Portrait, fresh: Portrait) => Portrait;
  /** A sequence whose world differs by it. */
  readonly example: readonly Step[];
}

const route = (name: string, spec: object) => ({
  ask: `PUT /v1/routes/${name}`,
  body: JSON.stringify({
    ...{ apiVersion: 'millrace/v1', kind: 'Route', metadata: { name, owner: 'playback' } },
    spec: { from: 'events', to: [{ name: 'out', stream: 'left' }], ...spec },
  }),
});
const stream = (name: string, spec: object = {}) => ({
  ask: `PUT /v1/streams/${name}`,
  body: JSON.stringify({
    ...{ apiVersion: 'millrace/v1', kind: 'Stream', metadata: { name, owner: 'playback' }, spec },
  }),
});

const mapValues = <Value, Mapped>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value, name: string) => Mapped,
): Record<string, Mapped> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));

const topicOf = (split: string): string => split.split('/')[0]!;
const isNobodysToDelete = (topic: string): boolean =>
  topic.startsWith('__dlq.') || ['left', 'right', 'clicks'].includes(topic);
const isEven = (shares: readonly number[]): boolean => Math.max(...shares) - Math.min(...shares) <= 1;

export const allowances: readonly Allowance[] = [
  {
    what: 'a topic has more partitions than is declared now',
    why: 'partitions can only grow: a stream that was deleted and declared again within its grace has the topic it had',
    without: (world, fresh) => ({
      ...world,
      topics: mapValues(world.topics, (topic, name) => {
        const wanted = fresh.topics[name]?.partitions ?? topic.partitions;
        return topic.partitions > wanted ? { ...topic, partitions: wanted } : topic;
      }),
      // Its jobs read all of them.
      jobs: mapValues(world.jobs, (job, name) => {
        const wanted = fresh.jobs[name];
        const hasMore = (topic: string): boolean =>
          (world.topics[topic]?.partitions ?? 0) > (fresh.topics[topic]?.partitions ?? Number.POSITIVE_INFINITY);
        const reads = new Set(wanted?.splits.map(topicOf));
        const grown = [...reads].filter(hasMore);
        if (wanted === undefined || grown.length === 0) return job;
        const splits = job.splits.filter((split) => wanted.splits.includes(split) || !grown.includes(topicOf(split)));
        return { ...job, splits, shares: isEven(job.shares) ? wanted.shares : job.shares };
      }),
    }),
    example: [
      stream('events', { partitions: 3 }),
      { passes: 2 },
      { ask: 'DELETE /v1/streams/events' },
      stream('events', { partitions: 1 }),
    ],
  },
  {
    what: 'topics of streams that routes wrote to, and of dead letters of jobs that were',
    why: 'they hold events, and nobody has asked for these to be deleted: only a stream that is deleted by name takes its topic along',
    without: (world, fresh) => ({
      ...world,
      topics: Object.fromEntries(
        Object.entries(world.topics).filter(([name]) => name in fresh.topics || !isNobodysToDelete(name)),
      ),
    }),
    example: [stream('events'), route('plays', {}), { passes: 2 }, { ask: 'DELETE /v1/routes/plays' }],
  },
  {
    what: 'splits of a source that the job read before, free',
    why: 'their accounts are part of the job’s books, and a switch back goes on from their positions',
    without: (world, fresh) => ({
      ...world,
      jobs: mapValues(world.jobs, (job, name) => {
        const sources = new Set(fresh.jobs[name]?.splits.map(topicOf));
        const kept = job.splits.filter((split) => sources.has(topicOf(split)) || !split.endsWith(' free'));
        return sources.size === 0 ? job : { ...job, splits: kept };
      }),
    }),
    example: [
      stream('events'),
      stream('clicks'),
      route('plays', {}),
      { passes: 4 },
      route('plays', { from: 'clicks' }),
    ],
  },
  {
    what: 'splits of a job that is paused, free',
    why: 'it goes on from their positions when it is resumed; one that never ran has none yet',
    without: (world, fresh) => ({
      ...world,
      jobs: mapValues(world.jobs, (job, name) =>
        fresh.jobs[name]?.paused && job.splits.every((split) => split.endsWith(' free'))
          ? { ...job, splits: fresh.jobs[name].splits }
          : job,
      ),
    }),
    example: [stream('events'), route('plays', {}), { passes: 4 }, route('plays', { paused: true })],
  },
];

export interface Difference {
  readonly where: string;
  readonly afterAll: unknown;
  readonly fresh: unknown;
}

/** Longer than anything that was deleted is kept. */
const graceHours = 2;
const hourMs = 3_600_000;

export async function carryOut(steps: readonly Step[], settings: PlatformSettings) {
  const world = new DeclaredWorld(settings);
  const last = new LastGoals();
  for (const step of steps) await carryOutOne(step, world, last);
  for (const { scope, name } of (await world.goals.snapshot()).freezes)
    await expectTaken(world, { ask: `DELETE /v1/freezes/${scope}${name === '' ? '' : `/${name}`}` });
  await world.settle();
  await leap(world, graceHours);
  await world.settle();
  return { world, last };
}

async function carryOutOne(step: Step, world: DeclaredWorld, last: LastGoals): Promise<void> {
  if ('hours' in step) return await leap(world, step.hours);
  if ('passes' in step) {
    for (let pass = 0; pass < step.passes; pass++) {
      await world.pass();
      await world.turn();
    }
    return;
  }
  const said = await world.ask(step.ask, step.body);
  if (said.status >= 500) throw new Error(`${step.ask}: got ${said.status} ${JSON.stringify(said.json)}`);
  if (said.status < 300) await last.taken(step, world);
}

/** Time goes by in which passes run and workers report, of which only the end matters. */
async function leap(world: DeclaredWorld, hours: number): Promise<void> {
  await world.settle();
  world.now += hours * hourMs;
  await world.turn();
}

async function expectTaken(world: DeclaredWorld, { ask, body }: Extract<Step, { ask: string }>): Promise<void> {
  const { status, json } = await world.ask(ask, body);
  if (status >= 300) throw new Error(`${ask}: got ${status} ${JSON.stringify(json)}, expected it to be taken`);
}

export async function madeFresh(last: LastGoals, now: number, settings: PlatformSettings): Promise<DeclaredWorld> {
  const fresh = new DeclaredWorld(settings);
  for (const request of last.requests(now)) await expectTaken(fresh, request);
  await fresh.settle();
  return fresh;
}

/** Where the two worlds differ beyond what is allowed; empty: nowhere. */
export async function differences(
  steps: readonly Step[],
  settings: PlatformSettings,
  allowed: readonly Allowance[] = allowances,
): Promise<readonly Difference[]> {
  const { world, last } = await carryOut(steps, settings);
  const fresh = await portray(await madeFresh(last, world.now, settings));
  const is = allowed.reduce((portrait, { without }) => without(portrait, fresh), await portray(world));
  return compare(is, fresh, '');
}

function compare(is: unknown, fresh: unknown, where: string): readonly Difference[] {
  if (isDeepStrictEqual(is, fresh)) return [];
  if (isRecord(is) && isRecord(fresh)) {
    const names = [...new Set([...Object.keys(is), ...Object.keys(fresh)])];
    return names.flatMap((name) => compare(is[name], fresh[name], `${where}.${name}`));
  }
  return [{ where, afterAll: is, fresh }];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A sequence as a person reads it. */
export const retell = (steps: readonly Step[]): string =>
  steps
    .map((step) => {
      if ('passes' in step) return `${step.passes} pass(es)`;
      if ('hours' in step) return `${step.hours} hour(s)`;
      return step.body === undefined ? step.ask : `${step.ask} ${shortened(step.body)}`;
    })
    .join('\n');

const shortened = (body: string): string => (body.length > 600 ? `${body.slice(0, 600)}… (${body.length})` : body);

export const tellDifference = ({ where, afterAll, fresh }: Difference): string =>
  `${where.slice(1)}\n  after all: ${canonicalJson(afterAll ?? null)}\n  fresh:     ${canonicalJson(fresh ?? null)}`;
