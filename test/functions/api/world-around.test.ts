// What is looked at around a declaration decides as all that is declared would: nothing outside it has a say.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { checkDocuments, documentKey } from '#core/graph/check-documents.ts';
import { compilePlatform, compileRoutes } from '#core/graph/compile-platform.ts';
import { memoizePlanner } from '#core/graph/memoize-planner.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { buildWorld, type World } from '#core/graph/world.ts';
import type { ApplyRequest } from '#core/ports/goal-store.ts';
import type { Document } from '#core/spec/document.ts';
import type { Json } from '#core/spec/json.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import { type TenantWorld, WorldCache } from '#functions/api/world-cache.ts';
import { theTime } from '#test/support/builders.ts';
import { createMemoryGoalStore } from '#test/support/memory-goal-store.ts';

beforeAll(loadParser);

const plan = memoizePlanner(planRoute, 2_000);
const streams = ['a', 'b', 'c', 'd', 'e'];

const aStream = fc.record({
  name: fc.constantFrom(...streams),
  partitions: fc.constantFrom(1, 4),
  field: fc.constantFrom('text', 'bigint', null),
});
const aRoute = fc.record({
  name: fc.constantFrom('r1', 'r2', 'r3', 'r4', 'r5', 'r6'),
  from: fc.constantFrom(...streams),
  to: fc.constantFrom(...streams),
  table: fc.constantFrom('t1', 't2', null, null, null),
  where: fc.constantFrom("x = 'one'", 'x > 5', null),
});
type Declared = { readonly kind: 'Stream' | 'Route'; readonly name: string; readonly spec: Json };

const declared = fc.oneof(
  aStream.map(({ name, partitions, field }): Declared => {
    const schema = field === null ? {} : { schema: { fields: { x: field } } };
    return { kind: 'Stream', name, spec: { partitions, ...schema } };
  }),
  aRoute.map(({ name, from, to, table, where }): Declared => {
    const sink = table === null ? { name: 'out', stream: to } : { name: 'out', warehouse: { table } };
    return { kind: 'Route', name, spec: { from, ...(where === null ? {} : { where }), to: [sink] } };
  }),
);

const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });

function documentOf({ kind, name, spec }: Declared): Document {
  const parsed = parseDocument({ apiVersion: 'millrace/v1', kind, metadata: { name, owner: 'playback' }, spec });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem));
  return parsed.value;
}

/** As it came to be, one after the other, whether it fits or not: a store may hold what a check would have refused. */
async function aCache(all: readonly Declared[]) {
  const goals = createMemoryGoalStore({ now: () => theTime });
  const cache = new WorldCache(goals, plan);
  for (const { kind, name, spec } of all) {
    const asked = { tenant: 'default', author: 'ann', reason: '', metadata: metadata(name) };
    await goals.apply({ ...asked, kind, declared: spec });
    await cache.read('default');
  }
  return { goals, known: await cache.read('default') };
}

const removed = fc.constantFrom(
  ...streams.map((name) => ({ kind: 'Stream', name }) as const),
  ...['r1', 'r2', 'r3', 'r4', 'r5', 'r6'].map((name) => ({ kind: 'Route', name }) as const),
);

/** All that can be asked of it, in a form that can be compared. */
function toldOf(known: TenantWorld) {
  const routes = known.documents.filter(({ kind }) => kind === 'Route');
  return {
    documents: known.documents,
    names: [known.names('Stream'), known.names('Route'), known.jobNames()],
    streams: known.names('Stream').map(known.stream),
    revisions: known.documents.map(({ kind, metadata: { name } }) => known.revision(kind, name)),
    around: routes.map((document) => known.around([document]).declared.map(({ key }) => key)),
    worlds: routes.map((document) => [...known.around([document]).world.routes]),
    absent: [known.stream('none'), known.revision('Route', 'none'), known.declared('Stream', 'none')],
  };
}

describe('what is kept of a tenant', () => {
  test('after any changes is what a reader who comes then finds, and what was read before stays as it was', async () => {
    const step = fc.oneof({ weight: 3, arbitrary: declared }, removed);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), fc.nat(4), async (steps, readEvery) => {
        const goals = createMemoryGoalStore({ now: () => theTime });
        const cache = new WorldCache(goals, plan);
        const seen: { readonly known: TenantWorld; readonly told: unknown }[] = [];
        for (const [index, one] of steps.entries()) {
          const asked = { tenant: 'default', author: 'ann', reason: '', kind: one.kind };
          if ('spec' in one) await goals.apply({ ...asked, metadata: metadata(one.name), declared: one.spec });
          else await goals.remove({ ...asked, name: one.name });
          if (index % (readEvery + 1) !== 0) continue;
          const known = await cache.read('default');
          seen.push({ known, told: toldOf(known) });
        }
        const kept = toldOf(await cache.read('default'));
        expect(kept).toEqual(toldOf(await new WorldCache(goals, plan).read('default')));
        for (const { known, told } of seen) expect(toldOf(known)).toEqual(told);
      }),
      { numRuns: 40 },
    );
  });

  test('is known to the one who made a change where nothing had changed since, and to nobody too early', async () => {
    const step = fc.record({ change: declared, others: fc.option(declared, { freq: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
        const goals = createMemoryGoalStore({ now: () => theTime });
        const cache = new WorldCache(goals, plan);
        const asked = { tenant: 'default', author: 'ann', reason: '' };
        for (const { change, others } of steps) {
          const known = cache.recall('default') ?? (await cache.read('default'));
          if (others)
            await goals.apply({ ...asked, kind: others.kind, metadata: metadata(others.name), declared: others.spec });
          const made = { ...asked, kind: change.kind, metadata: metadata(change.name), declared: change.spec };
          const outcome = await goals.apply({ ...made, checkedAt: known.readAt });
          if (!('head' in outcome) || outcome.head === undefined) continue;
          const { revision, head } = outcome;
          const fresh = toldOf(await new WorldCache(goals, plan).read('default'));
          cache.advance(known, { revision, head });
          expect(toldOf(cache.recall('default')!)).toEqual(fresh);
        }
        expect(toldOf(await cache.read('default'))).toEqual(toldOf(await new WorldCache(goals, plan).read('default')));
      }),
      { numRuns: 40 },
    );
  });

  test('is nothing of what a restored store lacks, though that has come as far again', async () => {
    const changes = fc.array(declared, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(changes, changes, fc.nat(5), async (before, after, taken) => {
        const goals = createMemoryGoalStore({ now: () => theTime });
        const cache = new WorldCache(goals, plan);
        const make = ({ kind, name, spec }: Declared, more: Partial<ApplyRequest> = {}) => {
          const asked = { tenant: 'default', author: 'ann', reason: '', metadata: metadata(name) };
          return goals.apply({ ...asked, kind, declared: spec, ...more });
        };
        for (const one of before) await make(one);
        const lost = await cache.read('default');
        goals.restore(Math.min(taken, lost.readAt.sequence - 1));
        for (const one of after) await make(one);
        for (let turn = 1; (await goals.snapshot()).sequence <= lost.readAt.sequence; turn++)
          await make({ kind: 'Stream', name: 'a', spec: { partitions: turn } }, { tenant: 'another' });
        // What was checked before would be written by what is gone.
        const late = { kind: 'Stream', name: 'late', spec: {} } as const;
        expect(await make(late, { checkedAt: cache.recall('default')!.readAt })).toEqual({ kind: 'moved' });
        const known = await cache.read('default');
        expect(toldOf(known)).toEqual(toldOf(await new WorldCache(goals, plan).read('default')));
        expect(await make(late, { checkedAt: known.readAt })).toMatchObject({ kind: 'created' });
      }),
      { numRuns: 60 },
    );
  });

  test('agrees with the world of all that is declared', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(declared, { maxLength: 10 }), async (all) => {
        const { known } = await aCache(all);
        const world = buildWorld(known.documents, plan);
        expect(known.names('Stream')).toEqual([...world.streams.keys()].sort());
        expect(known.names('Route')).toEqual([...world.routes.keys()].sort());
        for (const [name, stream] of world.streams) expect(known.stream(name)).toEqual(stream);
      }),
      { numRuns: 40 },
    );
  });

  test('is asked for once by those who ask while it is being read, and never before they asked', async () => {
    const goals = createMemoryGoalStore({ now: () => theTime });
    let asked = 0;
    const slow = {
      changedSince: async (...of: Parameters<typeof goals.changedSince>) => {
        asked++;
        const changed = await goals.changedSince(...of);
        await new Promise((resolve) => setImmediate(resolve));
        return changed;
      },
    };
    const cache = new WorldCache(slow, plan);
    const first = cache.read('default');
    await goals.apply({
      tenant: 'default',
      author: 'ann',
      reason: '',
      kind: 'Stream',
      metadata: metadata('a'),
      declared: {},
    });
    const others = await Promise.all([cache.read('default'), cache.read('default'), cache.read('default')]);
    expect((await first).names('Stream')).toEqual([]);
    expect(others.map((known) => known.names('Stream'))).toEqual([['a'], ['a'], ['a']]);
    expect(asked).toBe(2);
    await cache.read('default');
    expect(asked).toBe(3);
  });
});

describe('what hangs together with a declaration', () => {
  test('says of it what all that is declared says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(declared, { maxLength: 10 }), declared, async (all, incoming) => {
        const { known } = await aCache(all);
        const document = documentOf(incoming);
        const key = documentKey(document.kind, document.metadata.name);
        const near = known.around([document]);
        const isRefused = (current: readonly Document[], before?: World): boolean =>
          checkDocuments(current, [document], plan, localSettings.sinks, before).problems.has(key);
        expect(isRefused(near.documents, near.world)).toBe(isRefused(known.documents));
      }),
      { numRuns: 60 },
    );
  });

  test('makes the jobs that it makes among all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(declared, { maxLength: 10 }), async (all) => {
        const { goals, known } = await aCache(all);
        const { jobs } = compilePlatform(await goals.snapshot(), localSettings, plan);
        for (const document of known.documents.filter(({ kind }) => kind === 'Route')) {
          const { name } = document.metadata;
          const routes = new Map([[name, known.revision('Route', name)!]]);
          const wishes = await goals.circumstances('default');
          const near = compileRoutes({ routes, world: known.around([document]).world, wishes }, localSettings, plan);
          expect(near.map(({ render }) => render)).toEqual(
            jobs.filter(({ goal }) => goal.route === name).map(({ render }) => render),
          );
        }
      }),
      { numRuns: 25 },
    );
  });
});
