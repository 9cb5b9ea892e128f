// A whole pass: topics, jobs, endings; and what a pass must never do.
import { describe, expect, test } from '@jest/globals';
import type { PlatformGoal } from '#core/graph/platform-goal.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { limits } from '#core/limits.ts';
import type { Decision } from '#core/plan/action.ts';
import { freshControl } from '#core/plan/control.ts';
import type { Observed } from '#core/plan/observed.ts';
import { beginClearing } from '#core/plan/plan-ended-job.ts';
import { planPass } from '#core/plan/plan-pass.ts';
import type { GoalRevision, Operation } from '#core/ports/goal-store.ts';
import { aHeartbeat, aJobEntry, aJobGoal, aTask, theTime } from '#test/support/builders.ts';

const config = { 'cleanup.policy': 'delete', 'retention.ms': '1000' };
const aTopic = { tenant: 'default', topic: 'plays', subject: 'stream/plays', partitions: 4, config };
const observedTopic = {
  ...{ topic: 'plays', topicId: 't1', partitions: 4, config: { ...config, 'segment.bytes': '7' } },
  own: ['retention.ms'],
};

const aGoal = (changes: Partial<PlatformGoal> = {}): PlatformGoal => ({
  ...{ sequence: 1, at: theTime, freezes: [], approvals: [] },
  topics: [],
  jobs: [],
  replays: [],
  removedTopics: [],
  removed: [],
  unsupported: [],
  ...changes,
});
const anObserved = (changes: Partial<Observed> = {}): Observed => ({
  at: theTime,
  topics: [],
  tasks: [],
  heartbeats: [],
  splits: new Map(),
  earlier: new Map(),
  controls: [],
  ...changes,
});
const aRemoval = (kind: 'Stream' | 'Route', name: string): GoalRevision => ({
  tenant: 'default',
  kind,
  name,
  uid: 'u1',
  revision: 3,
  metadata: { name, owner: 'playback', labels: {} },
  declared: null,
  author: 'ann',
  reason: '',
  at: theTime,
});
/** What is deleted is gone at once: that it is kept for a while, or until it is listed, has tests of its own. */
const settings = { ...localSettings, deletionGraceMs: 0, listingGraceMs: 0 };
const plan = (goal: PlatformGoal, observed: Observed): readonly Decision[] => planPass(goal, observed, settings);
const actions = (decisions: readonly Decision[]) => decisions.flatMap((decision) => decision.actions);
const kinds = (decisions: readonly Decision[]): readonly string[] => actions(decisions).map((action) => action.kind);

describe('topics', () => {
  test('that are missing are made, with their settings', () => {
    expect(actions(plan(aGoal({ topics: [aTopic] }), anObserved()))).toEqual([
      { kind: 'create-topic', topic: 'plays', partitions: 4, config },
    ]);
  });

  test('that are as wanted are left alone, whatever else is set on them', () => {
    expect(plan(aGoal({ topics: [aTopic] }), anObserved({ topics: [observedTopic] }))).toEqual([]);
  });

  test('that drifted are set back, and grow where they must; only what differs is set', () => {
    const drifted = { ...observedTopic, partitions: 2, config: { ...config, 'retention.ms': '5' } };
    expect(actions(plan(aGoal({ topics: [aTopic] }), anObserved({ topics: [drifted] })))).toEqual([
      { kind: 'grow-topic', topic: 'plays', partitions: 4 },
      { kind: 'configure-topic', topic: 'plays', config: { 'retention.ms': '1000' } },
    ]);
  });

  test('give back to the broker what an earlier declaration had set of what is the broker’s to say', () => {
    const topics = [{ ...aTopic, ofBroker: ['min.insync.replicas'] }];
    const own = { ...observedTopic, own: ['retention.ms', 'min.insync.replicas'] };
    expect(actions(plan(aGoal({ topics }), anObserved({ topics: [own] })))).toEqual([
      { kind: 'configure-topic', topic: 'plays', config: { 'min.insync.replicas': null } },
    ]);
    expect(plan(aGoal({ topics }), anObserved({ topics: [observedTopic] }))).toEqual([]);
  });

  test('that have more partitions than wanted stay: partitions can only grow', () => {
    expect(
      kinds(plan(aGoal({ topics: [aTopic] }), anObserved({ topics: [{ ...observedTopic, partitions: 9 }] }))),
    ).toEqual([]);
  });

  test('of a deleted stream are deleted, and the name is let go in a later pass, when they are gone', () => {
    const goal = aGoal({
      removed: [aRemoval('Stream', 'plays')],
      removedTopics: [
        { tenant: 'default', topic: 'plays', stream: 'plays', subject: 'stream/plays', keptUntil: theTime },
      ],
    });
    const before = { ...goal, at: theTime - 1 };
    expect(kinds(plan(before, anObserved({ topics: [observedTopic] })))).toEqual([]);
    expect(kinds(plan(goal, anObserved({ topics: [observedTopic] })))).toEqual(['delete-topic']);
    expect(kinds(plan(goal, anObserved()))).toEqual(['confirm-removed']);
  });

  test('that could not be observed are neither made nor taken for gone', () => {
    const goal = aGoal({ topics: [aTopic], removed: [aRemoval('Stream', 'plays')] });
    expect(kinds(plan(goal, anObserved({ topics: null })))).toEqual([]);
  });
});

describe('jobs', () => {
  const entry = aJobEntry();
  const running = anObserved({ tasks: [aTask(entry, 1)], heartbeats: [aHeartbeat(entry, 1)] });
  const control = plan(aGoal({ jobs: [entry] }), running)[0]!.control!;
  const steady = { ...running, controls: [control] };

  test('that run as wanted need nothing: a second pass changes nothing [fault 33]', () => {
    expect(plan(aGoal({ jobs: [entry] }), steady)).toEqual([]);
  });

  test('that go by an earlier goal are left as they are while it cannot be read: the newest was given up', () => {
    const good = { revision: 1, render: 'good' };
    const slots = { 0: { incarnation: 1, render: 'good', startedAt: theTime, failureCount: 0, nextStartAt: 0 } };
    const failed = { revision: entry.goal.revision, render: entry.render, at: theTime, why: 'it got nowhere' };
    const control = { ...freshControl(entry.goal.id, entry.goal.uid), incarnationLast: 1, slots, good, failed };
    const observed = anObserved({ controls: [control], earlier: new Map([[entry.goal.id, 'unknown']]) });
    const [decision] = plan(aGoal({ jobs: [entry] }), observed);
    expect(decision).toMatchObject({ actions: [], settled: false });
    expect(decision?.control?.slots ?? slots).toEqual(slots);
  });

  test('that nobody remembers give no number again that a worker bore which has ended', () => {
    const tasks = [aTask(entry, 1, { state: 'stopped' }), aTask(entry, 2, { state: 'stopped' })];
    const starts = actions(plan(aGoal({ jobs: [entry] }), anObserved({ tasks })));
    expect(starts.length).toBeGreaterThan(0);
    for (const action of starts) expect(action.kind === 'start-worker' && action.incarnation > 2).toBe(true);
  });

  test('are not decided on where any part of their world is unknown [fault 6]', () => {
    for (const unknown of ['tasks', 'heartbeats', 'controls'] as const)
      expect(plan(aGoal({ jobs: [entry] }), { ...steady, [unknown]: null })).toEqual([]);
  });

  test('that the goal store has never heard of are left running: an empty store is a fault, not a wish [fault 7] [fault 25]', () => {
    expect(kinds(plan(aGoal(), steady))).toEqual([]);
  });

  test('whose declaration this version cannot carry out are left running', () => {
    const newer = { ...aRemoval('Route', 'plays'), declared: { from: 'x' } };
    expect(kinds(plan(aGoal({ unsupported: [{ revision: newer, problems: [] }] }), steady))).toEqual([]);
  });

  test('of a deleted route drain and end; then their items go; then the name is let go', () => {
    const goal = aGoal({ removed: [aRemoval('Route', 'plays')] });
    expect(kinds(plan(goal, steady))).toEqual(['stop-worker']);
    const stopped = { ...steady, tasks: [aTask(entry, 1, { state: 'stopped' as const })] };
    expect(kinds(plan(goal, stopped))).toEqual(['clear-job']);
    const at = theTime + limits.decisionMsMax;
    expect(kinds(plan(goal, anObserved({ at, tasks: stopped.tasks })))).toEqual(['confirm-removed']);
  });

  test('of a deleted route may be listed late: the name is let go when what was begun before the deletion must have shown', () => {
    const goal = aGoal({ removed: [aRemoval('Route', 'plays')] });
    const late = { ...settings, listingGraceMs: 5_000 };
    const at = (ms: number) => kinds(planPass(goal, anObserved({ at: theTime + ms }), late));
    expect(at(limits.decisionMsMax + 4_999)).toEqual([]);
    expect(at(limits.decisionMsMax + 5_000)).toEqual(['confirm-removed']);
  });

  test('are cleared only behind a mark that one pass alone can write', () => {
    const goal = aGoal({ removed: [aRemoval('Route', 'plays')] });
    const [clear] = plan(goal, { ...steady, tasks: [aTask(entry, 1, { state: 'stopped' as const })] });
    const { version } = steady.controls![0]!;
    expect(clear!.control).toMatchObject({ version: version + 1, slots: {}, announced: { clearing: 'decided' } });
    const action = { kind: 'clear-job', job: entry.goal.id };
    expect(clear!.actions).toEqual([{ ...action, controlVersion: version + 1, goalSequence: goal.sequence }]);
    const goOn = { ...action, controlVersion: version + 2, goalSequence: null };
    const again = plan(goal, anObserved({ controls: [beginClearing(clear!.control!)] }));
    expect(again).toMatchObject([{ control: null, actions: [goOn], events: [] }]);
  });

  test('of a pass that was cut off before anything was cleared are decided on anew, and go on where they are wanted again', () => {
    const decided = { ...control, slots: {}, announced: { ended: '1', clearing: 'decided' } };
    const [anew] = plan(aGoal({ removed: [aRemoval('Route', 'plays')] }), anObserved({ controls: [decided] }));
    expect(anew!.control).toMatchObject({ version: control.version + 1, announced: { clearing: 'decided' } });
    expect(anew!.actions).toMatchObject([{ kind: 'clear-job', goalSequence: 1 }]);
    const [wanted] = plan(aGoal({ jobs: [entry] }), anObserved({ controls: [decided] }));
    expect(wanted!.actions).toMatchObject([{ kind: 'start-worker' }]);
    expect(wanted!.control!.announced).not.toHaveProperty('clearing');
  });

  test('that are wanted again are cleared in full before anything of them begins, under a freeze as well', () => {
    const controls = [{ ...control, slots: {}, announced: { ended: '1', clearing: 'begun' } }];
    const freeze = { tenant: 'default', scope: 'fleet' as const, name: '', author: 'ann', reason: 'a test', at: 0 };
    for (const wanted of [entry, { ...entry, freeze }])
      expect(plan(aGoal({ jobs: [wanted] }), anObserved({ controls }))).toMatchObject([
        { control: null, actions: [{ kind: 'clear-job', controlVersion: control.version, goalSequence: null }] },
      ]);
  });

  test('that were made for a newer goal than the pass has read are not ended by it [fault 9] [fault 20]', () => {
    const removed = { ...aRemoval('Route', 'plays'), revision: 3 };
    const controls = [{ ...steady.controls![0]!, revisionActed: 4 }];
    expect(kinds(plan(aGoal({ removed: [removed] }), { ...steady, controls }))).toEqual([]);
    const sinkGone = aJobEntry({ goal: aJobGoal({ id: 'default/plays.other@u1', name: 'plays.other' }) });
    const stops = plan(aGoal({ jobs: [sinkGone] }), { ...steady, controls }).flatMap(({ actions }) => actions);
    expect(stops.filter(({ kind }) => kind === 'stop-worker')).toEqual([]);
  });

  test('that end are remembered even if nobody remembered them before', () => {
    const goal = aGoal({ removed: [aRemoval('Route', 'plays')] });
    const [stop] = plan(goal, { ...steady, controls: [] });
    expect(stop).toMatchObject({ actions: [{ kind: 'stop-worker' }], control: { version: 1 } });
  });

  test('of a route that was deleted and declared again end, while those of its new life start from nothing', () => {
    const reborn = aJobEntry({ goal: aJobGoal({ id: 'default/plays.out@u2', uid: 'u2' }) });
    const decisions = plan(aGoal({ jobs: [reborn] }), steady);
    expect(decisions.map((decision) => [decision.target, kinds([decision])])).toEqual([
      ['default/plays.out@u2', ['start-worker']],
      ['default/plays.out@u1', ['stop-worker']],
    ]);
    expect(decisions[0]!.control!.incarnationLast).toBe(1);
  });

  test('of a sink that its route has lost end', () => {
    const other = aJobEntry({ goal: aJobGoal({ id: 'default/plays.other@u1', name: 'plays.other' }) });
    expect(kinds(plan(aGoal({ jobs: [other] }), steady))).toEqual(['start-worker', 'stop-worker']);
  });

  test('tell of a change of phase once', () => {
    const stuck = aHeartbeat(entry, 1, {
      state: 'stuck',
      errors: [{ at: theTime, code: 'poison', message: 'division by zero at 7', count: 1 }],
    });
    const first = plan(aGoal({ jobs: [entry] }), { ...steady, heartbeats: [stuck] });
    expect(first[0]!.events).toMatchObject([
      { reason: 'Failed', severity: 'error', message: 'Running → Failed: division by zero at 7' },
    ]);
    expect(plan(aGoal({ jobs: [entry] }), { ...steady, heartbeats: [stuck], controls: [first[0]!.control!] })).toEqual(
      [],
    );
  });
});

describe('operations', () => {
  const operation = (kind: Operation['kind'], sequence: number): Operation => ({
    id: `op-${sequence}`,
    tenant: 'default',
    job: 'plays.out',
    uid: 'u1',
    kind,
    sequence,
    state: 'requested',
    author: 'ann',
    reason: '',
    requestedAt: theTime,
  });

  test('a restart is done when every worker was started for it and reports', () => {
    const entry = aJobEntry({ render: 'after', restartSequence: 5, requested: [operation('restart', 5)] });
    const before = { ...entry, render: 'before' };
    const running = anObserved({ tasks: [aTask(before, 1)], heartbeats: [aHeartbeat(before, 1)] });
    expect(kinds(plan(aGoal({ jobs: [entry] }), running))).toEqual(['stop-worker']);
    const replaced = anObserved({ tasks: [aTask(entry, 2)], heartbeats: [aHeartbeat(entry, 2)] });
    expect(actions(plan(aGoal({ jobs: [entry] }), replaced))).toMatchObject([
      { kind: 'finish-operation', id: 'op-5', ending: { state: 'succeeded' } },
    ]);
  });

  test('an older one gives way to a newer one of its kind', () => {
    const entry = aJobEntry({ paused: true, requested: [operation('resume', 5), operation('pause', 6)] });
    expect(actions(plan(aGoal({ jobs: [entry] }), anObserved()))).toMatchObject([
      { id: 'op-5', ending: { state: 'superseded' } },
      { id: 'op-6', ending: { state: 'succeeded' } },
    ]);
  });
});
