// A switch as the passes carry it out: its revision first, then no worker, then positions, then workers; each step once.
import { describe, expect, test } from '@jest/globals';
import { localSettings } from '#core/graph/platform-settings.ts';
import { noRecords } from '#core/job/accounting.ts';
import { planSink, type SwitchPlan } from '#core/operations/switch.ts';
import { planJob } from '#core/plan/plan-job.ts';
import { planOperations } from '#core/plan/plan-operations.ts';
import type { Switch } from '#core/plan/plan-switch.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { aHeartbeat, aJobEntry, aJobGoal, anObservedJob, aTask, theTime } from '#test/support/builders.ts';

const sourcePlan: SwitchPlan = {
  ...{ kind: 'switch', what: 'source', from: 'playback-events', to: 'mirror', revision: 2, readFrom: 1_000 },
  fromTopic: 'playback-events',
  splits: [{ split: 'mirror/0', topicId: 't2', to: '60' }],
  duplicates: { absorbed: false, why: 'twice' },
};
const operation = (plan: SwitchPlan, requestedAt = theTime): Switch => ({
  ...{ id: 'op1', tenant: 'default', job: 'plays.out', uid: 'u1', kind: 'switch', sequence: 9, state: 'requested' },
  ...{ author: 'ann', reason: '', requestedAt, plan },
});
const mirror = { stream: 'mirror', topic: 'mirror', start: { kind: 'earliest' } } as const;
const before = aJobEntry({ render: 'old' });
const switched = (plan = sourcePlan, requestedAt?: number) =>
  aJobEntry({
    goal: aJobGoal({ revision: 2, ...(plan.what === 'source' ? { source: mirror } : {}) }),
    ...{ render: 'new', requested: [operation(plan, requestedAt)] },
  });
const record = (split: string, position: string, changes: Partial<SplitRecord> = {}): SplitRecord => ({
  ...{ split, owner: null, epoch: 1, position, topicId: 't2', accounting: noRecords, ...changes },
});
const placed = { operation: 'op1', sequence: 9, from: '60', to: '60', rewoundRecords: 0 };

const running = planJob(before, anObservedJob(), localSettings).control!;
const quiet = { ...running, slots: {}, tasks: [] };
const plan = (entry: ReturnType<typeof switched>, world: Parameters<typeof anObservedJob>[0]) =>
  planJob(entry, anObservedJob({ control: quiet, splits: [], ...world }), localSettings);

describe('a switch of the source', () => {
  test('waits for its revision: nobody is stopped before, and it is given up when that never comes', () => {
    const early = aJobEntry({ ...before, requested: [operation(sourcePlan)] });
    const world = { tasks: [aTask(before, 1)], heartbeats: [aHeartbeat(before, 1)], control: running, splits: [] };
    expect(plan(early, world).actions).toEqual([]);
    const late = aJobEntry({ ...before, requested: [operation(sourcePlan, theTime - 61_000)] });
    expect(planOperations(late, running, anObservedJob(world))).toMatchObject([
      { kind: 'finish-operation', ending: { state: 'failed', outcome: expect.stringContaining('never came') } },
    ]);
  });

  test('ends all workers before a position is set', () => {
    const entry = switched();
    const decision = plan(entry, { tasks: [aTask(before, 1)], heartbeats: [aHeartbeat(before, 1)], control: running });
    expect(decision.actions.map(({ kind }) => kind)).toEqual(['stop-worker']);
  });

  test('makes the new splits’ items, marks them, and only then starts workers', () => {
    const entry = switched();
    expect(plan(entry, {}).actions).toMatchObject([
      { kind: 'create-split', record: { split: 'mirror/0', position: '60' } },
    ]);
    const made = [record('mirror/0', '60')];
    expect(plan(entry, { splits: made }).actions).toMatchObject([
      { kind: 'place-split', placement: { operation: 'op1', from: '60', to: '60', rewoundRecords: 0 } },
    ]);
    const decision = plan(entry, { splits: [record('mirror/0', '60', { placed })] });
    expect(decision.actions.map(({ kind }) => kind)).toEqual(['start-worker']);
    expect(decision.control).toMatchObject({ placedSequence: 9 });
    expect(decision.events.map(({ reason }) => reason)).toContain('PositionsSet');
  });

  test('is carried out where one of the same number was before the goal store was restored; an older one is not', () => {
    const splits = [record('mirror/0', '100')];
    const control = { ...quiet, placedSequence: 9, placedRequestedAt: theTime - 1_000 };
    expect(plan(switched(), { splits, control }).actions).toMatchObject([{ kind: 'place-split' }]);
    const done = { ...control, placedRequestedAt: theTime };
    expect(plan(switched(), { splits, control: done }).actions).toMatchObject([{ kind: 'start-worker' }]);
    const { placedRequestedAt: _unknown, ...ofOlderVersion } = done;
    expect(plan(switched(), { splits, control: ofOlderVersion }).actions).toMatchObject([{ kind: 'start-worker' }]);
  });

  test('sets an item back that the job has from reading that stream before, and counts what is read again', () => {
    const decision = plan(switched(), { splits: [record('mirror/0', '100')] });
    expect(decision.actions).toMatchObject([{ placement: { from: '100', to: '60', rewoundRecords: 40 } }]);
  });

  test('sets nothing where it cannot be seen what is there', () => {
    const decision = plan(switched(), { splits: null });
    expect([decision.actions, decision.settled]).toEqual([[], false]);
  });

  test('comes to nothing where the topic was made anew, or the route changed again', () => {
    const strange = anObservedJob({ control: quiet, splits: [record('mirror/0', '0', { topicId: 't9' })] });
    const [anew] = planOperations(switched(), quiet, strange);
    expect(anew).toMatchObject({ ending: { state: 'failed', outcome: expect.stringContaining('made anew') } });
    const elsewhere = aJobEntry({ ...before, goal: aJobGoal({ revision: 3 }), requested: [operation(sourcePlan)] });
    const [changed] = planOperations(elsewhere, quiet, anObservedJob({ control: quiet, splits: [] }));
    expect(changed).toMatchObject({ ending: { outcome: expect.stringContaining('was changed meanwhile') } });
  });

  test('is done when workers run from there, with a receipt', () => {
    const entry = switched();
    const splits = [record('playback-events/0', '400', { topicId: 't1' }), record('mirror/0', '75', { placed })];
    const started = plan(entry, { splits }).control!;
    const world = anObservedJob({ control: started, splits, heartbeats: [aHeartbeat(entry, started.incarnationLast)] });
    expect(planOperations(entry, started, world)).toMatchObject([
      {
        ending: {
          ...{ state: 'succeeded', outcome: expect.stringContaining('source is mirror instead of playback-events') },
          receipt: { left: [{ at: '400' }], begun: [{ split: 'mirror/0', at: '60' }] },
        },
      },
    ]);
  });
});

describe('a switch of the sink', () => {
  const toOther = planSink('plays', 'plays-2', 2);

  test('has failed where its revision got nowhere, though workers of the one before run and report', () => {
    const newest = switched(toOther);
    const entry = { ...before, requested: newest.requested };
    const control = {
      ...{ ...running, placedSequence: 9, placedRequestedAt: theTime },
      good: { revision: 1, render: 'old' },
      failed: { revision: 2, render: 'new', at: theTime, why: 'exit code 70' },
    };
    const world = anObservedJob({ control, splits: [], heartbeats: [aHeartbeat(before, 1)] });
    expect(planOperations(entry, control, world, newest)).toMatchObject([
      { ending: { state: 'failed', outcome: 'revision 2 got nowhere (exit code 70): revision 1 runs again' } },
    ]);
  });

  test('marks where each split stands, so that it is known what went where', () => {
    const splits = [record('playback-events/0', '400')];
    expect(plan(switched(toOther), { splits }).actions).toMatchObject([
      { kind: 'place-split', placement: { from: '400', to: '400', rewoundRecords: 0 } },
    ]);
  });

  test('marks nothing where transactions hold the position', () => {
    const entry = switched(toOther);
    const delivery = { ...entry.goal.delivery, guarantee: 'exactly-once' } as const;
    const kinds = plan({ ...entry, goal: { ...entry.goal, delivery } }, {}).actions.map(({ kind }) => kind);
    expect(kinds).toEqual(['start-worker']);
  });
});
