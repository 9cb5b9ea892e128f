// A replay of dead letters as the reconciler sees it: a job of its own beside the one it is of, until its ends are passed.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { Observed, ObservedJob } from '#core/plan/observed.ts';
import { planPass } from '#core/plan/plan-pass.ts';
import { planReplayJob } from '#core/plan/plan-replay.ts';
import type { GoalRevision, Operation } from '#core/ports/goal-store.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { anObservedJob, aTask, theTime } from '#test/support/builders.ts';

beforeAll(loadParser);

const metadata = (name: string) => ({ name, owner: 'playback', labels: {} });
const common = { tenant: 'default', uid: 'u1', revision: 1, author: '', reason: '', at: 0 };
const revisions: readonly GoalRevision[] = [
  { ...common, kind: 'Stream', name: 'events', metadata: metadata('events'), declared: {} },
  {
    ...{ ...common, kind: 'Route', name: 'plays', metadata: metadata('plays') },
    declared: { from: 'events', to: [{ name: 'out', stream: 'plays' }], errors: { poison: 'stop' } },
  },
];
const operation: Operation = {
  ...{ id: 'op-7', tenant: 'default', job: 'plays.out', uid: 'u1', kind: 'replay-dead-letters', sequence: 7 },
  ...{ state: 'requested', author: 'ann', reason: '', requestedAt: theTime },
  plan: {
    ...{ kind: 'replay', filter: { where: 'n > 3' }, topicId: 't' },
    ...{ ends: [{ partition: 0, end: '20' }], matching: 4 },
    ...{ isComplete: true, recordsPerSecond: 50, duplicates: { absorbed: false, why: '' } },
  },
};
const compile = (operations: readonly Operation[]) =>
  compilePlatform(
    { sequence: 9, hash: '', at: theTime, revisions, operations, freezes: [], approvals: [], config: [] },
    localSettings,
    planRoute,
  );

const observed = (changes: Partial<Observed> = {}): Observed => ({
  ...{ at: theTime, topics: null, tasks: [], heartbeats: [], controls: [], splits: new Map() },
  ...{ earlier: new Map(), ...changes },
});
const actionsOf = (operations: readonly Operation[], world: Observed) =>
  planPass(compile(operations), world, localSettings).filter(({ target }) => target.includes('-replay'));

const aRecord = (position: string): SplitRecord => ({
  ...{ split: '__dlq.plays.out/0', owner: 'w', epoch: 1, position, topicId: 't' },
  accounting: { ...noRecords, in: 4, out: 3, deadLettered: 1 },
});

describe('a replay', () => {
  test('is a job of its own: the same program and sink, its source the dead letters, at its rate, stopping at none', () => {
    const { jobs, replays } = compile([operation]);
    expect(jobs.map(({ goal }) => goal.id)).toEqual(['default/plays.out@u1']);
    const [job] = jobs;
    expect(replays).toHaveLength(1);
    expect(replays[0]!.goal).toMatchObject({
      ...{ id: 'default/plays.out@u1-replay7', name: 'plays.out', uid: 'u1-replay7' },
      source: { topic: '__dlq.plays.out', start: { kind: 'earliest' } },
      ...{ program: job!.goal.program, sink: job!.goal.sink, errors: { poison: 'dead-letter' } },
      replay: { topicId: 't', ends: { 0: 20 }, recordsPerSecond: 50, errorClass: null },
    });
  });

  test('gets one worker, which is kept until every dead letter below the end is done with', () => {
    const [started] = actionsOf([operation], observed());
    expect(started!.actions.map(({ kind }) => kind)).toEqual(['start-worker']);
    const { goal } = compile([operation]).replays[0]!;
    const half = observed({ splits: new Map([[goal.id, [aRecord('19')]]]), controls: [started!.control!] });
    expect(actionsOf([operation], half)[0]!.actions.some(({ kind }) => kind === 'finish-operation')).toBe(false);
    const unseen = observed({ controls: [started!.control!] });
    expect(actionsOf([operation], unseen)[0]!.actions.some(({ kind }) => kind === 'finish-operation')).toBe(false);
  });

  test('ends with its account as receipt', () => {
    const { goal } = compile([operation]).replays[0]!;
    const over = observed({ splits: new Map([[goal.id, [aRecord('20')]]]) });
    expect(actionsOf([operation], over)[0]!.actions.at(-1)).toMatchObject({
      ...{ kind: 'finish-operation', id: 'op-7' },
      ending: { state: 'succeeded', receipt: { replayed: 4, passed: 3, filtered: 0, failedAgain: 1, dropped: 0 } },
    });
  });

  test('goes on under a freeze as it runs: it is not replaced by one of the revision that is held back, nor begun', () => {
    const freeze = { tenant: 'default', scope: 'fleet' as const, name: '', author: 'ann', reason: 'a test', at: 0 };
    const frozen = compile([operation]).replays.map((entry) => ({ ...entry, freeze }));
    const [entry] = frozen;
    const at = (job: Partial<ObservedJob>) =>
      planReplayJob(entry!, { ...anObservedJob(job), splits: [] }, localSettings).actions.map(({ kind }) => kind);
    expect(at({ control: null })).toEqual([]);
    const begun = planReplayJob(compile([operation]).replays[0]!, anObservedJob(), localSettings).control!;
    const tasks = [aTask(entry!, begun.incarnationLast)];
    const ofBefore = { ...begun, acted: { ...begun.acted!, render: 'a revision before' } };
    expect(at({ control: ofBefore, tasks })).toEqual([]);
    const died = { tasks: [aTask(entry!, begun.incarnationLast, { state: 'stopped' as const })] };
    expect(at({ control: begun, ...died })).toEqual(['fence-worker', 'start-worker']);
  });

  test('under a freeze neither ends nor begins by a pause that was declared, or taken back, since', () => {
    const freeze = { tenant: 'default', scope: 'fleet' as const, name: '', author: 'ann', reason: 'a test', at: 0 };
    const [running] = compile([operation]).replays;
    const pausing = { ...running!, paused: true };
    const kinds = (entry: typeof pausing, job: Partial<ObservedJob>) =>
      planReplayJob({ ...entry, freeze }, { ...anObservedJob(job), splits: [] }, localSettings).actions.map(
        ({ kind }) => kind,
      );
    const paused = planReplayJob(pausing, anObservedJob(), localSettings).control!;
    expect([paused.acted?.paused, kinds(running!, { control: paused })]).toEqual([true, []]);
    const begun = planReplayJob(running!, anObservedJob(), localSettings).control!;
    expect(kinds(pausing, { control: begun, tasks: [aTask(running!, begun.incarnationLast)] })).toEqual([]);
  });

  test('fails when its dead letters are lost: those in a topic that was made anew were not meant', () => {
    const { goal } = compile([operation]).replays[0]!;
    for (const position of ['0', '20']) {
      const anew = { ...aRecord(position), topicId: 'made anew' };
      const lost = observed({ splits: new Map([[goal.id, [anew]]]) });
      expect(actionsOf([operation], lost)[0]!.actions.at(-1)).toMatchObject({
        ...{ kind: 'finish-operation', id: 'op-7' },
        ending: { state: 'failed', outcome: expect.stringContaining('made anew since'), receipt: { replayed: 4 } },
      });
    }
  });

  test('that is finished leaves nothing: its worker ends, its items are cleared, and no event calls it a deleted job', () => {
    const entry = compile([operation]).replays[0]!;
    const running = observed({ tasks: [aTask(entry, 1)] });
    expect(actionsOf([], running)).toMatchObject([{ actions: [{ kind: 'stop-worker' }], events: [] }]);
    const tasks = [aTask(entry, 1, { state: 'stopped' })];
    const [ended] = actionsOf([], observed({ tasks, controls: [controlOf(entry.goal.id)] }));
    expect(ended).toMatchObject({ actions: [], control: { announced: { ended: String(theTime) } }, events: [] });
    const stopped = observed({ at: theTime + localSettings.listingGraceMs, tasks, controls: [ended!.control!] });
    expect(actionsOf([], stopped)).toMatchObject([
      { actions: [{ kind: 'clear-job', job: entry.goal.id }], events: [] },
    ]);
  });
});

const controlOf = (job: string) => ({
  ...{ job, uid: 'u1-replay7', version: 3, incarnationLast: 1, revisionActed: 1, slots: {}, announced: {} },
  ...{ tasks: [], restartSequence: 0 },
});
