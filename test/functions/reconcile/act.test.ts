// What a pass must not do any more when it comes to act: because it is late, or because the goal has moved on.
import { describe, expect, test } from '@jest/globals';
import { noRecords } from '#core/job/accounting.ts';
import { limits } from '#core/limits.ts';
import { jobId } from '#core/names.ts';
import type { Decision } from '#core/plan/action.ts';
import { freshControl } from '#core/plan/control.ts';
import { planEndedJob } from '#core/plan/plan-ended-job.ts';
import { act } from '#functions/reconcile/act.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';
import { aJobGoal, anObservedJob, theTime } from '#test/support/builders.ts';
import { createMemoryBrokerAdmin } from '#test/support/memory-broker-admin.ts';
import { createMemoryControlStore } from '#test/support/memory-control-store.ts';
import { createMemoryGoalStore } from '#test/support/memory-goal-store.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { createMemorySplitStore } from '#test/support/memory-split-store.ts';
import { createMemoryWorkerStore } from '#test/support/memory-worker-store.ts';

const asked = { tenant: 'default', kind: 'Stream' as const, author: 'ann', reason: '' };
const metadata = { name: 'plays', owner: 'playback', labels: {} };

async function aDeletedStream() {
  const goals = createMemoryGoalStore({ now: () => theTime });
  const broker = createMemoryBrokerAdmin();
  await goals.apply({ ...asked, metadata, declared: {} });
  await goals.remove({ ...asked, name: 'plays' });
  await broker.create('plays', 1, {});
  const goalSequence = (await goals.snapshot()).sequence;
  const decision: Decision = {
    ...{ target: 'topic/plays', control: null, events: [], settled: false },
    actions: [{ kind: 'delete-topic', topic: 'plays', tenant: 'default', stream: 'plays', goalSequence }],
  };
  const parts = { goals, broker, clock: { now: () => theTime, monotonicMs: () => 0 } } as unknown as ReconcileParts;
  return { goals, broker, decision, parts };
}

describe('acting', () => {
  test('deletes the topic of a deleted stream', async () => {
    const { broker, decision, parts } = await aDeletedStream();
    expect(await act(decision, theTime, parts)).toBe('done');
    expect(await broker.list()).toEqual([]);
  });

  test('deletes no topic by a look that is old: who stood still behind it may wake when the stream is there again', async () => {
    const { goals, broker, decision, parts } = await aDeletedStream();
    let nowMs = 0;
    const changedSince: typeof goals.changedSince = async (...inputs) => {
      nowMs += limits.lookMsMax + 1;
      return await goals.changedSince(...inputs);
    };
    const clock = { now: () => theTime, monotonicMs: () => nowMs };
    await expect(act(decision, theTime, { ...parts, clock, goals: { ...goals, changedSince } })).rejects.toThrow(
      'is not deleted yet',
    );
    expect(await broker.list()).toEqual(['plays']);
  });

  test('leaves a topic that is wanted again since the deletion was decided: by its stream, or by a route [fault 20] [fault 131]', async () => {
    const declared = { from: 'events', to: [{ name: 'out', stream: 'plays' }] };
    for (const again of [
      { ...asked, metadata, declared: {} },
      { ...asked, kind: 'Route' as const, metadata: { ...metadata, name: 'r' }, declared },
    ]) {
      const { goals, broker, decision, parts } = await aDeletedStream();
      await goals.apply(again);
      await expect(act(decision, theTime, parts)).rejects.toThrow('declarations have changed');
      expect(await broker.list()).toEqual(['plays']);
    }
  });

  test('leaves it too where the goal store went back in time meanwhile [fault 8]', async () => {
    const { goals, broker, decision, parts } = await aDeletedStream();
    goals.restore(1);
    await expect(act(decision, theTime, parts)).rejects.toThrow('declarations have changed');
    expect(await broker.list()).toEqual(['plays']);
  });

  test('does nothing for a pass that wakes up late [fault 20]', async () => {
    const { broker, decision, parts } = await aDeletedStream();
    expect(await act(decision, theTime - limits.decisionMsMax - 1, parts)).toBe('overtaken');
    expect(await broker.list()).toEqual(['plays']);
  });

  test('takes a task that the runtime refused for not started [fault 41] [fault 51]', async () => {
    const action = {
      kind: 'start-worker',
      goal: aJobGoal(),
      worker: 'w',
      incarnation: 1,
      slot: 0,
      render: 'r',
    } as const;
    const decision: Decision = {
      ...{ target: 'j', control: null, events: [], settled: false },
      actions: [{ ...action, clientToken: 't' }],
    };
    const parts = {
      ...{ clock: { now: () => theTime, monotonicMs: () => 0 }, settings: { platform: 'test' } },
      ...{
        objects: createMemoryObjectStore(),
        tasks: { run: async () => ({ kind: 'refused', reason: 'full', retry: true }) },
      },
    } as unknown as ReconcileParts;
    await expect(act(decision, theTime, parts)).rejects.toThrow('the runtime refused worker w: full');
  });

  test('tells what was decided, once the record says so, whether or not it could be carried out', async () => {
    const goals = createMemoryGoalStore({ now: () => theTime });
    const event = {
      tenant: 'default',
      subject: 'job/plays.out',
      at: theTime,
      severity: 'warning' as const,
      message: '',
    };
    const control = { ...freshControl('default/plays.out@u1', 'u1'), version: 1 };
    const failing = { kind: 'stop-worker', job: control.job, taskId: 'gone', why: '' } as const;
    const clear = { kind: 'clear-job', job: control.job, controlVersion: 1, goalSequence: null } as const;
    const decide = (reason: string, changes: Partial<Decision>): Decision => ({
      ...{ target: control.job, control: null, actions: [failing], events: [{ ...event, reason }], settled: false },
      ...changes,
    });
    const fail = async () => Promise.reject(new Error('no answer'));
    const carryOut = (decision: Decision) =>
      act(decision, theTime, {
        ...{ goals, controls: createMemoryControlStore(), tasks: { stop: fail }, splits: { clear: fail } },
        ...{ clock: { now: () => theTime, monotonicMs: () => 0 }, settings: {} },
      } as unknown as ReconcileParts);
    await expect(carryOut(decide('WorkerLost', { control }))).rejects.toThrow('no answer');
    await expect(carryOut(decide('TopicGrown', {}))).rejects.toThrow('no answer');
    await carryOut(decide('JobRemoved', { control, actions: [clear, failing] })).catch(() => {});
    const { items } = await goals.listEvents('default', 'job/plays.out', { limit: 10 });
    expect(items.map(({ reason }) => reason)).toEqual(['WorkerLost']);
  });

  const clearing: Decision = {
    ...{ target: 'j', control: null, events: [], settled: false },
    actions: [{ kind: 'clear-job', job: 'j', controlVersion: 1, goalSequence: null }],
  };

  /** A job whose route was deleted, and what a pass decides when its time is over. */
  async function anEndedJob() {
    const goals = createMemoryGoalStore({ now: () => theTime });
    const [controls, splits, workers] = [
      createMemoryControlStore(),
      createMemorySplitStore(),
      createMemoryWorkerStore(),
    ];
    const declared = { from: 'events', to: [{ name: 'out', stream: 'plays' }] };
    const route = { ...asked, kind: 'Route' as const, metadata, declared };
    await goals.apply(route);
    const { uid } = (await goals.read('default', 'Route', 'plays'))!;
    await goals.remove({ ...route, name: 'plays' });
    const job = jobId('default', 'plays.out', uid);
    const split = { split: 'events/0', owner: null, epoch: 1, position: '40', topicId: 't', accounting: noRecords };
    await splits.create(job, split);
    const terms = { leaseMs: 0, keptMs: 0, listingGraceMs: 0, declaredAt: null };
    const { sequence: goalSequence } = await goals.snapshot();
    const decision = planEndedJob(job, anObservedJob(), { ...terms, goalSequence });
    const clock = { now: () => theTime, monotonicMs: () => 0 };
    const parts = { goals, controls, splits, workers, clock } as unknown as ReconcileParts;
    return { goals, route, controls, splits, job, decision, parts };
  }

  test('clears a job whose time is over', async () => {
    const { controls, splits, job, decision, parts } = await anEndedJob();
    expect(await act(decision, theTime, parts)).toBe('done');
    expect([await controls.read(job), await splits.list(job)]).toEqual([null, []]);
  });

  test('leaves a job whose deletion was taken back since that was decided, and made again or not, and takes its mark away [fault 20]', async () => {
    for (const isDeletedAgain of [false, true]) {
      const { goals, route, controls, splits, job, decision, parts } = await anEndedJob();
      await goals.change({ ...asked, applies: [{ ...route, revive: true }], removes: [] });
      if (isDeletedAgain) await goals.remove({ ...route, name: 'plays' });
      await expect(act(decision, theTime, parts)).rejects.toThrow('its route has changed since');
      const control = await controls.read(job);
      expect([control?.announced, await splits.list(job)]).toMatchObject([{}, [{ position: '40' }]]);
      expect(control?.announced).not.toHaveProperty('clearing');
    }
  });

  test('leaves a job whose deletion may have been taken back, as far as can be told', async () => {
    const { goals, controls, splits, job, decision, parts } = await anEndedJob();
    const changedSince = async () => Promise.reject(new Error('the goal store cannot be reached'));
    await expect(act(decision, theTime, { ...parts, goals: { ...goals, changedSince } })).rejects.toThrow('reached');
    expect((await controls.read(job))?.announced).toMatchObject({ clearing: 'decided' });
    expect(await splits.list(job)).toHaveLength(1);
  });

  test('leaves a job that another pass has taken up again while its route was looked at', async () => {
    const { goals, controls, splits, job, decision, parts } = await anEndedJob();
    const changedSince: typeof goals.changedSince = async (...inputs) => {
      const control = (await controls.read(job))!;
      await controls.write({ ...control, version: control.version + 1, announced: {} });
      return await goals.changedSince(...inputs);
    };
    await act(decision, theTime, { ...parts, goals: { ...goals, changedSince } });
    expect([(await controls.read(job))?.announced, await splits.list(job)]).toMatchObject([{}, [{ position: '40' }]]);
  });

  /** What is done of a clearing whose job's record has these versions, look by look. */
  async function clearedAt(...versions: readonly number[]): Promise<readonly string[]> {
    return await clearedWithin(0, ...versions);
  }

  /** `lookMs`: how long each look takes. */
  async function clearedWithin(lookMs: number, ...versions: readonly number[]): Promise<readonly string[]> {
    const order: string[] = [];
    const looks = [...versions];
    let nowMs = 0;
    const look = async () => {
      nowMs += lookMs;
      return { version: looks.shift() };
    };
    const noting = (name: string) => async () => void order.push(name);
    const parts = {
      ...{ clock: { now: () => theTime, monotonicMs: () => nowMs }, splits: { clear: noting('splits') } },
      ...{ workers: { clear: noting('workers') }, controls: { remove: noting('control'), read: look } },
    } as unknown as ReconcileParts;
    await act(clearing, theTime, parts);
    return order;
  }

  test('forgets a job only after everything else of it is gone: a clearing that is cut off is found again', async () => {
    expect(await clearedAt(1, 1)).toEqual(['splits', 'workers', 'control']);
  });

  test('clears nothing further of a job that another pass has cleared, and taken up again, meanwhile', async () => {
    expect(await clearedAt(1, 2)).toEqual(['splits']);
    expect(await clearedAt(2)).toEqual([]);
  });

  test('clears nothing by a look that is old: who stood still behind it may wake when the job is there again', async () => {
    expect(await clearedWithin(limits.lookMsMax, 1, 1)).toEqual(['splits', 'workers', 'control']);
    expect(await clearedWithin(limits.lookMsMax + 1, 1, 1)).not.toContain('splits');
  });
});
