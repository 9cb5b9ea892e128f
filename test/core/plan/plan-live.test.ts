// Settings that running workers take over: given to those that go by older ones, told once, and never a reason to restart anybody.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { liveHash, liveOf, withLive } from '#core/job/live-settings.ts';
import { chooseGoal } from '#core/plan/choose-goal.ts';
import { planJob } from '#core/plan/plan-job.ts';
import type { Json } from '#core/spec/json.ts';
import { aHeartbeat, aJobEntry, aJobGoal, anObservedJob, aTask, theTime } from '#test/support/builders.ts';

beforeAll(loadParser);

const errors = (poison: 'drop' | 'dead-letter') => ({ ...aJobGoal().errors, poison });
const before = aJobEntry({ goal: aJobGoal({ errors: errors('dead-letter') }), render: 'same' });
const entry = aJobEntry({ goal: aJobGoal({ revision: 2, errors: errors('drop') }), render: 'same' });

const observed = (live: string | undefined, revision: number, control = controlWith(liveHash(before.goal))) =>
  anObservedJob({
    tasks: [aTask(entry, 1)],
    heartbeats: [aHeartbeat(entry, 1, { revision, ...(live === undefined ? {} : { live }) })],
    control,
  });
const controlWith = (live: string) => ({
  ...planJob(before, anObservedJob(), localSettings).control!,
  announced: { live },
});
const plan = (world: ReturnType<typeof observed>) => planJob(entry, world, localSettings);

describe('live settings', () => {
  test('are given to workers that go by older ones, and nobody is stopped', () => {
    const decision = plan(observed(liveHash(before.goal), 1));
    expect(decision.actions).toMatchObject([
      { kind: 'set-live', live: { revision: 2, hash: liveHash(entry.goal), live: { errors: { poison: 'drop' } } } },
    ]);
    expect([decision.settled, decision.events]).toEqual([false, []]);
  });

  test('are told once, when every worker goes by them', () => {
    const taken = plan(observed(liveHash(entry.goal), 2));
    expect(taken.actions).toEqual([]);
    expect(taken.events).toMatchObject([{ reason: 'SettingsTaken', evidence: { errors: { poison: 'drop' } } }]);
    expect(taken.control?.announced['live']).toBe(liveHash(entry.goal));
    const later = plan(observed(liveHash(entry.goal), 2, controlWith(liveHash(entry.goal))));
    expect(later.events).toEqual([]);
  });

  test('carry the revision too, so that one that changes nothing for workers is not waited for', () => {
    const decision = plan(observed(liveHash(entry.goal), 1));
    expect(decision.actions).toMatchObject([{ kind: 'set-live', live: { revision: 2 } }]);
  });

  test('are stored as of the newest revision that workers report, where the goal store went back in time', () => {
    const decision = planJob(entry, observed(liveHash(before.goal), 5), localSettings);
    expect(decision.actions).toMatchObject([{ kind: 'set-live', live: { revision: 5, hash: liveHash(entry.goal) } }]);
  });

  test('are not expected of workers of an older release, nor of those that are replaced anyway', () => {
    expect(plan(observed(undefined, 1)).actions).toEqual([]);
    const other = aJobEntry({ ...entry, render: 'another' });
    const kinds = planJob(other, observed(liveHash(before.goal), 1), localSettings).actions.map(({ kind }) => kind);
    expect(kinds).toEqual(['stop-worker']);
  });

  test('are not given to workers of a paused job: they are to end', () => {
    const world = observed(liveHash(before.goal), 1);
    const kinds = planJob({ ...entry, paused: true }, world, localSettings).actions.map(({ kind }) => kind);
    expect(kinds).toEqual(['stop-worker']);
  });

  test('do not shape a worker: a route that changes only them is rendered as before', () => {
    const render = (declaredErrors: Json, more: Readonly<Record<string, Json>> = {}) => {
      const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });
      const common = { tenant: 'default', uid: 'u1', revision: 1, author: '', reason: '', at: 0 };
      const route = { from: 'events', to: [{ name: 'out', stream: 'plays' }], errors: declaredErrors, ...more };
      const { jobs } = compilePlatform(
        {
          ...{ sequence: 1, hash: '', at: 0, operations: [], freezes: [], approvals: [], config: [] },
          revisions: [
            { ...common, kind: 'Stream', name: 'events', metadata: metadata('events'), declared: {} },
            { ...common, kind: 'Route', name: 'plays', metadata: metadata('plays'), declared: route },
          ],
        },
        localSettings,
        planRoute,
      );
      return jobs[0]!.render;
    };
    expect(render({ poison: 'drop', schema: 'stop' })).toBe(render({}));
    const given = { retryable: { action: 'retry', giveUpAfter: '1h' }, auth: 'stop', deadLetter: { maxRate: '1%' } };
    expect(render(given)).toBe(render({}));
    expect(render({}, { throttle: { recordsPerSecond: 10 } })).toBe(render({}));
    expect(render({}, { resources: { cpu: 1 } })).not.toBe(render({}));
    const hook = (more: object) => ({ to: [{ name: 'out', http: { url: 'https://example.com/', ...more } }] }) as Json;
    const renderHook = (more: object) => render({}, hook(more) as Readonly<Record<string, Json>>);
    expect(renderHook({ batch: { maxRecords: 7 } })).toBe(renderHook({}));
    expect(renderHook({ timeout: '10s' })).not.toBe(renderHook({}));
    const table = (roll: object) =>
      render({}, { select: 'id::text AS id', to: [{ name: 'out', warehouse: { table: 't', roll } }] } as never);
    expect(table({ every: '1m' })).toBe(table({ every: '2m' }));
  });
});

describe('live settings of a job that was rolled back', () => {
  const stored = before.goal;
  const failed = { revision: 3, render: 'failed', at: theTime, why: 'it fell over' };
  const newestOf = (changes: Partial<JobGoal> = {}) =>
    aJobEntry({ goal: aJobGoal({ revision: 4, errors: errors('drop'), ...changes }), render: failed.render });

  /** Its workers were started for revision 1 and have taken over settings of revision 2; `now`: what they report. */
  function planRolledBack(newest: ReturnType<typeof newestOf>, now: Partial<Heartbeat>) {
    const control = {
      ...controlWith(liveHash(stored)),
      ...{ revisionActed: 3, failed, good: { revision: 1, render: before.render } },
    };
    const chosen = chooseGoal(newest, control, stored);
    if (chosen.kind !== 'earlier') throw new Error(`it goes by the ${chosen.kind}`);
    const world = anObservedJob({
      tasks: [aTask(before, 1)],
      heartbeats: [aHeartbeat(before, 1, { revision: 2, live: liveHash(stored), ...now })],
      control,
    });
    return planJob(chosen.entry, world, localSettings, newest);
  }

  test('are stored as of the newest revision: by the number of the goal that runs they would be refused', () => {
    const decision = planRolledBack(newestOf(), {});
    expect(decision.actions).toMatchObject([
      { kind: 'set-live', live: { revision: 4, live: { errors: { poison: 'drop' } } } },
    ]);
  });

  test('are those of what runs where the newest writes into a sink of another kind: passes come to rest', () => {
    const sink = { kind: 'http', batch: { records: 7 } } as unknown as JobGoal['sink'];
    const newest = newestOf({ sink });
    const live = liveHash(withLive(stored, liveOf(newest.goal)));
    const decision = planRolledBack(newest, { revision: 4, live });
    expect([decision.actions, decision.settled]).toEqual([[], true]);
    expect(decision.control?.announced['live']).toBe(live);
  });
});
