// What is looked at around a declaration decides as all that is declared would: nothing outside it has a say.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { checkDocuments, documentKey } from '#core/graph/check-documents.ts';
import { compilePlatform, compileTenant } from '#core/graph/compile-platform.ts';
import { memoizePlanner } from '#core/graph/memoize-planner.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { Document, Json } from '#core/spec/document.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import { WorldCache } from '#functions/api/world-cache.ts';
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

describe('what hangs together with a declaration', () => {
  test('says of it what all that is declared says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(declared, { maxLength: 10 }), declared, async (all, incoming) => {
        const { known } = await aCache(all);
        const document = documentOf(incoming);
        const key = documentKey(document.kind, document.metadata.name);
        const near = known.around([document]).flatMap(({ documents }) => documents);
        const isRefused = (current: readonly Document[]): boolean =>
          checkDocuments(current, [document], plan, localSettings.sinks).problems.has(key);
        expect(isRefused(near)).toBe(isRefused(known.documents));
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
          const revisions = known.around([document]).map(({ revision }) => revision);
          const tenant = { tenant: 'default', revisions, ...(await goals.circumstances('default')) };
          const near = compileTenant(tenant, localSettings, plan, (route) => route === name).jobs;
          expect(near.map(({ render }) => render)).toEqual(
            jobs.filter(({ goal }) => goal.route === name).map(({ render }) => render),
          );
        }
      }),
      { numRuns: 25 },
    );
  });
});
