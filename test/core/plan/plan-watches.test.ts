// What watches jobs is put where it differs from what is declared, and goes with the declaration.
import { expect, test } from '@jest/globals';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { planWatches, watchHash } from '#core/plan/plan-watches.ts';
import { aJobEntry, aJobGoal } from '#test/support/builders.ts';
import { aRevision, aRoute } from '#test/support/documents.ts';

const alerts = { lag: 300_000 };
const watched = aJobEntry({ alerts });
const silent = aJobEntry({ goal: aJobGoal({ id: 'default/other.out@u2', name: 'other.out', uid: 'u2' }) });
const watch = { tenant: 'default', job: 'plays.out', owner: 'playback', alerts };
const of = (...jobs: readonly JobEntry[]) => ({ jobs, removed: [], unsupported: [] });
const there = (hash: string | null) => ({ tenant: 'default', job: 'plays.out', hash });

test('a job that declares alerts gets what watches it; one that declares none gets nothing', () => {
  expect(planWatches(of(watched, silent), [])).toEqual({ put: [watch], remove: [] });
});

test('what is as declared is left alone, what differs or is incomplete is put again', () => {
  expect(planWatches(of(watched), [there(watchHash(watch))])).toEqual({ put: [], remove: [] });
  for (const hash of ['of another', null]) expect(planWatches(of(watched), [there(hash)]).put).toEqual([watch]);
});

test('another life of the same name is watched as before, another owner or threshold is not', () => {
  const reborn = aJobEntry({ alerts, goal: aJobGoal({ id: 'default/plays.out@u9', uid: 'u9' }) });
  expect(planWatches(of(reborn), [there(watchHash(watch))]).put).toEqual([]);
  expect(watchHash({ ...watch, owner: 'search' })).not.toBe(watchHash(watch));
  expect(watchHash({ ...watch, alerts: { lag: 60_000 } })).not.toBe(watchHash(watch));
});

test('what no declared job wants goes; where no job is declared at all nothing goes, for that may be a fault, but what was deleted by name', () => {
  expect(planWatches(of(silent), [there('x')]).remove).toEqual([there('x')]);
  expect(planWatches(of(), [there('x')]).remove).toEqual([]);
  const removed = [aRevision(aRoute('plays', 'events', 'out'), { declared: null })];
  expect(planWatches({ ...of(), removed }, [there('x')]).remove).toEqual([there('x')]);
  // Beside another job that runs.
  const unsupported = removed.map((revision) => ({ revision, problems: [] }));
  expect(planWatches({ ...of(silent), unsupported }, [there('x')]).remove).toEqual([]);
});
