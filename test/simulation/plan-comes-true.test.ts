// What a plan says beforehand is what the passes then do: over changes of all kinds, job by job and topic by topic.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PlannedJob, PlanView } from '#core/api/wire.ts';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { readJobId } from '#core/names.ts';
import { heaviest } from '#core/plan/change-weight.ts';
import { planChanges } from '#core/plan/plan-changes.ts';
import type { Document } from '#core/spec/document.ts';
import { ControlLoopWorld } from '#test/support/control-loop-world.ts';
import { aDocument, aStream } from '#test/support/documents.ts';

beforeAll(loadParser);

interface Wish {
  readonly from: string;
  readonly limit: number;
  readonly workers: number;
  readonly sinks: readonly string[];
  readonly paused: boolean;
  readonly poison: string;
  readonly throttle: number | null;
  readonly tier: string;
  readonly partitions: number;
  readonly retention: string;
}

const wishes: fc.Arbitrary<Wish> = fc.record({
  from: fc.constantFrom('events', 'events', 'events', 'others'),
  limit: fc.integer({ min: 0, max: 1 }),
  workers: fc.integer({ min: 1, max: 2 }),
  sinks: fc.constantFrom(['out'], ['out', 'copy'], ['copy']),
  paused: fc.constantFrom(false, false, true),
  poison: fc.constantFrom('dead-letter', 'drop'),
  throttle: fc.constantFrom(null, 100),
  tier: fc.constantFrom('1', '2'),
  partitions: fc.integer({ min: 1, max: 3 }),
  retention: fc.constantFrom('48h', '72h'),
});

function documentsOf(wish: Wish): readonly Document[] {
  const route = aDocument('Route', 'plays', {
    ...{ from: wish.from, where: `x > ${wish.limit}`, resources: { workers: wish.workers } },
    to: wish.sinks.map((name) => ({ name, stream: `plays-${name}` })),
    errors: { poison: wish.poison },
    ...(wish.throttle === null ? {} : { throttle: { recordsPerSecond: wish.throttle } }),
    ...(wish.paused ? { paused: true } : {}),
  });
  const labelled = { ...route, metadata: { ...route.metadata, labels: { tier: wish.tier } } } as Document;
  // A stream only grows.
  const partitions = wish.partitions + 1;
  return [aStream('events', { partitions, retention: wish.retention }), aStream('others'), labelled];
}

const declare = async (world: ControlLoopWorld, documents: readonly Document[]): Promise<void> => {
  const applies = documents.map(({ kind, metadata, declared }) => ({ kind, metadata, declared }));
  await world.goals.change({ tenant: 'default', author: 'ann', reason: '', applies, removes: [] });
};

interface Done {
  readonly started: number;
  readonly stopped: number;
}

/** By job's name: workers that a world has started, and has asked to end. */
function doneIn(world: ControlLoopWorld): ReadonlyMap<string, Done> {
  const byJob = Map.groupBy(world.tasks.tasks(), (task) => readJobId(task.job)!.name);
  return new Map(
    [...byJob].map(([job, tasks]) => [
      job,
      { started: tasks.length, stopped: tasks.filter(({ state }) => state === 'stopped').length },
    ]),
  );
}

/** In words of the plan, what a pass must have done to the job's workers. */
function expectedOf({ state, class: weight }: PlannedJob, wish: Wish, were: Done, isThere: boolean): Done {
  const running = were.started - were.stopped;
  const workers = wish.paused ? 0 : wish.workers;
  if (!isThere) return { started: 0, stopped: running };
  if (state === 'new') return { started: workers, stopped: 0 };
  if (weight === 'stop-start' || weight === 'replace') return { started: workers, stopped: running };
  // Live: paused, resumed, or settings taken over.
  if (wish.paused) return { started: 0, stopped: running };
  return running === 0 ? { started: workers, stopped: 0 } : { started: 0, stopped: 0 };
}

async function check(before: Wish, wish: Wish): Promise<void> {
  const world = new ControlLoopWorld();
  const grown = { ...wish, partitions: Math.max(wish.partitions, before.partitions) };
  await declare(world, documentsOf(before));
  await world.settle();
  const were = doneIn(world);
  const topicsBefore = new Set(await world.broker.list());
  const incoming = documentsOf(grown);
  const plan: PlanView = planChanges({
    ...{ tenant: 'default', incoming, snapshot: await world.goals.snapshot() },
    ...{ settings: localSettings, plan: planRoute },
  });
  expect(plan.refused).toBe(false);
  await declare(world, incoming);
  await world.settle();
  const are = doneIn(world);
  const planned = new Map(plan.changes.flatMap(({ jobChanges }) => jobChanges.map((job) => [job.name, job] as const)));
  for (const name of new Set([...were.keys(), ...are.keys(), ...planned.keys()])) {
    const none: Done = { started: 0, stopped: 0 };
    const [was, is, said] = [were.get(name) ?? none, are.get(name) ?? none, planned.get(name)];
    const did: Done = { started: is.started - was.started, stopped: is.stopped - was.stopped };
    const isThere = grown.sinks.includes(name.split('.')[1]!);
    expect([name, did]).toEqual([name, said ? expectedOf(said, grown, was, isThere) : none]);
  }
  for (const topic of await world.broker.list())
    if (!topicsBefore.has(topic) && !topic.startsWith('__'))
      expect(plan.changes.flatMap(({ effects }) => effects).join()).toContain(`topic ${topic}: created`);
  // What a field may do at most is never less than what was done.
  for (const { outcome, class: weight, fields } of plan.changes)
    if (outcome === 'change')
      expect(heaviest([weight, ...fields.map((field) => field.class)])).toBe(
        heaviest(['live', ...fields.map((field) => field.class)]),
      );
}

describe('a plan', () => {
  test('tells which workers the passes then start, stop and leave alone', async () => {
    await fc.assert(fc.asyncProperty(wishes, wishes, check), { numRuns: 25 });
  });
});
