// What the planner decides for one job, situation by situation.
import { describe, expect, test } from '@jest/globals';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { Action, Decision } from '#core/plan/action.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { planJob } from '#core/plan/plan-job.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import { aHeartbeat, aJobEntry, aJobGoal, anObservedJob, aTask, theTime } from '#test/support/builders.ts';

const entry = aJobEntry();
const plan = (observed: ObservedJob, of = entry): Decision => planJob(of, observed, localSettings);
const kinds = (decision: Decision): readonly string[] => decision.actions.map((action) => action.kind);
const started = (decision: Decision): (Action & { kind: 'start-worker' })[] =>
  decision.actions.filter((action) => action.kind === 'start-worker');

/** The control record after a first pass that found nothing, so one worker was started. */
function runningControl(of = entry): ControlRecord {
  const control = plan(anObservedJob({ at: theTime - 60_000 }), of).control!;
  return { ...control, tasks: [] };
}
const incarnationOf = (control: ControlRecord): number => control.slots['0']!.incarnation;

describe('a job that nobody has seen yet', () => {
  test('gets one worker a slot, each with an incarnation of its own', () => {
    const two = aJobEntry({ goal: aJobGoal({ resources: { workers: 2, cpu: 0.25, memoryMiB: 512 } }) });
    const decision = plan(anObservedJob(), two);
    expect(started(decision).map((action) => [action.slot, action.incarnation])).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(decision.control).toMatchObject({ version: 1, incarnationLast: 2, revisionActed: 1 });
  });

  test('is not settled until its workers report', () => {
    expect(plan(anObservedJob()).settled).toBe(false);
  });
});

describe('a job whose worker was asked for', () => {
  const control = plan(anObservedJob()).control!;

  test('is asked for again with the same token while nothing is heard of it: a lost request is repaired', () => {
    const first = started(plan(anObservedJob()))[0]!;
    const again = started(plan(anObservedJob({ at: theTime + 1_000, control })));
    expect(again.map((action) => action.clientToken)).toEqual([first.clientToken]);
  });

  test('is replaced when the runtime does not list it for longer than a listing may lag', () => {
    const decision = plan(anObservedJob({ at: theTime + 6_000, control }));
    expect(kinds(decision)).toEqual(['fence-worker', 'start-worker']);
    expect(started(decision)[0]!.incarnation).toBe(2);
  });

  test('is stopped and replaced when its task runs but never reports', () => {
    const tasks = [aTask(entry, 1, { createdAt: theTime })];
    expect(kinds(plan(anObservedJob({ at: theTime + 29_000, control, tasks })))).toEqual([]);
    expect(kinds(plan(anObservedJob({ at: theTime + 31_000, control, tasks })))).toEqual([
      'fence-worker',
      'stop-worker',
      'start-worker',
    ]);
  });
});

describe('a job whose worker reports', () => {
  const control = runningControl();
  const observed = anObservedJob({ control, tasks: [aTask(entry, 1)], heartbeats: [aHeartbeat(entry, 1)] });

  test('needs nothing, and after its tasks are noted once, nothing is written', () => {
    const noted = plan(observed);
    expect(kinds(noted)).toEqual([]);
    const steady = plan({ ...observed, control: noted.control });
    expect(steady).toMatchObject({ control: null, actions: [], events: [], settled: true });
  });

  test('is left alone while the listing lags but it reports', () => {
    expect(kinds(plan({ ...observed, tasks: [] }))).toEqual([]);
  });

  test('is drained first and succeeded afterwards when the goal changes', () => {
    const newer = aJobEntry({ goal: aJobGoal({ revision: 2, throttle: 10 }) });
    const draining = plan(observed, newer);
    expect(kinds(draining)).toEqual(['stop-worker']);
    const stopped = [aTask(entry, 1, { state: 'stopped', exitCode: 0, stoppedAt: theTime })];
    const next = plan(anObservedJob({ control: draining.control, tasks: stopped }), newer);
    expect(kinds(next)).toEqual(['fence-worker', 'start-worker']);
    expect(next.control!.slots['0']).toMatchObject({ incarnation: 2, render: newer.render, failureCount: 0 });
  });

  test('is not restarted by a new revision that means the same', () => {
    const same = { ...aJobEntry({ goal: aJobGoal({ revision: 2 }) }), render: entry.render };
    expect(kinds(plan(observed, same))).toEqual([]);
  });

  test('drains and ends when the job is paused, and its slot is forgotten when it is over', () => {
    const paused = { ...entry, paused: true };
    const draining = plan(observed, paused);
    expect(kinds(draining)).toEqual(['stop-worker']);
    const over = plan(
      anObservedJob({ control: draining.control, tasks: [aTask(entry, 1, { state: 'stopped' })] }),
      paused,
    );
    expect(over.control!.slots).toEqual({});
    expect(started(over)).toEqual([]);
  });
});

describe('a worker that is gone or silent', () => {
  const control = runningControl();
  const dead = aTask(entry, 1, { state: 'stopped', exitCode: 137, stopReason: 'killed', stoppedAt: theTime });

  test('is fenced and replaced at once when its task is over', () => {
    const decision = plan(anObservedJob({ control, tasks: [dead], heartbeats: [aHeartbeat(entry, 1)] }));
    expect(kinds(decision)).toEqual(['fence-worker', 'start-worker']);
    expect(decision.events.map((event) => event.reason)).toEqual(['WorkerDied']);
  });

  test('was killed for its memory: the event says so in the runtime’s words [fault 58]', () => {
    const stopReason = 'OutOfMemoryError: Container killed due to memory usage';
    const decision = plan(anObservedJob({ control, tasks: [{ ...dead, stopReason }] }));
    expect(decision.events).toMatchObject([{ reason: 'WorkerDied', severity: 'warning' }]);
    expect(decision.events[0]!.message).toMatch(
      /OutOfMemoryError: Container killed due to memory usage \(exit code 137\)/,
    );
  });

  test('is no failure when it had been told to end and drained: its successor starts at once, with a clean record', () => {
    const failing = { ...control, slots: { '0': { ...control.slots['0']!, failureCount: 3 } } };
    const drained = { ...dead, exitCode: 0 };
    const decision = plan(anObservedJob({ control: failing, tasks: [drained] }));
    expect(kinds(decision)).toEqual(['fence-worker', 'start-worker']);
    expect(decision.control!.slots['0']!.failureCount).toBe(0);
  });

  test('waits longer and longer for its successor when it dies again and again without getting anywhere [fault 61]', () => {
    const failing = {
      ...control,
      slots: { '0': { ...control.slots['0']!, failureCount: 3, startedAt: theTime - 500, nextStartAt: theTime - 500 } },
    };
    const waiting = plan(anObservedJob({ control: failing, tasks: [dead] }));
    expect(kinds(waiting)).toEqual(['fence-worker']);
    expect(waiting.nextPassAt).toBe(theTime + 4_000);
    const still = plan(anObservedJob({ at: theTime + 3_000, control: waiting.control, tasks: [dead] }));
    expect([kinds(still), still.events]).toEqual([[], []]);
    const later = plan(anObservedJob({ at: theTime + 4_000, control: waiting.control, tasks: [dead] }));
    expect(kinds(later)).toEqual(['fence-worker', 'start-worker']);
    expect(later.control!.slots['0']!.failureCount).toBe(4);
  });

  test('does not wait when it had got somewhere: that is no crash loop', () => {
    const failing = { ...control, slots: { '0': { ...control.slots['0']!, failureCount: 3 } } };
    const heartbeat = aHeartbeat(entry, 1, {
      accounting: { in: 5, out: 5, filtered: 0, deadLettered: 0, dropped: {} },
    });
    expect(kinds(plan(anObservedJob({ control: failing, tasks: [dead], heartbeats: [heartbeat] })))).toEqual([
      'fence-worker',
      'start-worker',
    ]);
  });

  test('is fenced, asked to stop and replaced when its task runs but it is silent for longer than its lease', () => {
    const heartbeats = [aHeartbeat(entry, 1, { at: theTime - 5_001 })];
    const decision = plan(anObservedJob({ control, tasks: [aTask(entry, 1)], heartbeats }));
    expect(kinds(decision)).toEqual(['fence-worker', 'stop-worker', 'start-worker']);
    expect(decision.control!.slots['0']!.incarnation).toBe(2);
  });

  test('that was given up, and reports again, has its place back: no successor is waited for', () => {
    const waits = { ...control.slots['0']!, failureCount: 3, nextStartAt: theTime + 9_000 };
    const observed = { control: { ...control, slots: { '0': waits } }, tasks: [aTask(entry, 1)] };
    const decision = plan(anObservedJob({ ...observed, heartbeats: [aHeartbeat(entry, 1)] }));
    expect(kinds(decision)).toEqual([]);
    expect(decision.control!.slots['0']).toMatchObject({ incarnation: 1, nextStartAt: waits.startedAt });
  });

  test('is forgotten once its task is certain to be over', () => {
    const replaced = plan(anObservedJob({ control, tasks: [dead], heartbeats: [aHeartbeat(entry, 1)] })).control!;
    const next = plan(
      anObservedJob({
        control: replaced,
        tasks: [dead, aTask(entry, 2)],
        heartbeats: [aHeartbeat(entry, 1), aHeartbeat(entry, 2)],
      }),
    );
    expect(next.actions).toEqual([{ kind: 'forget-worker', job: entry.goal.id, worker: aHeartbeat(entry, 1).worker }]);
  });
});

describe('what the reconciler itself can lose', () => {
  test('a lost control record stops nobody: what runs is adopted', () => {
    const decision = plan(anObservedJob({ tasks: [aTask(entry, 9)], heartbeats: [aHeartbeat(entry, 9)] }));
    expect(kinds(decision)).toEqual([]);
    expect(decision.control).toMatchObject({ incarnationLast: 1_009, slots: { '0': { incarnation: 9 } } });
  });

  test('gives out no number again that a worker may bear which was asked for and has come to no listing yet', () => {
    const lost = plan(anObservedJob({ tasks: [aTask(entry, 9, { state: 'stopping' })] }));
    expect(started(lost)[0]!.incarnation).toBeGreaterThan(1_000);
  });

  test('gives out no number again where its memory is lost more than once, whatever can be seen', () => {
    const first = started(plan(anObservedJob({ at: entry.declaredAt + 1_000 })))[0]!.incarnation;
    const lost = started(plan(anObservedJob({ at: entry.declaredAt + 7_000 })))[0]!.incarnation;
    const lostAgain = started(plan(anObservedJob({ at: entry.declaredAt + 60_000 })))[0]!.incarnation;
    const otherSeen = started(
      plan(anObservedJob({ at: entry.declaredAt + 60_000, tasks: [aTask(entry, 9, { state: 'stopping' })] })),
    )[0]!.incarnation;
    expect([first, lost, lostAgain, otherSeen]).toEqual([1, 1_001, 12_001, 12_001]);
  });

  test('of two workers of one name, which a late pass may have asked for, neither stays', () => {
    const control = runningControl();
    const tasks = [aTask(entry, incarnationOf(control))];
    const beat = aHeartbeat(entry, incarnationOf(control), { render: 'a goal before' });
    const decision = plan(anObservedJob({ control, tasks, heartbeats: [beat] }));
    expect(kinds(decision)).toEqual(['fence-worker', 'stop-worker', 'start-worker']);
    expect(decision.actions[0]).toMatchObject({ worker: beat.worker });
    expect(started(decision)[0]!.incarnation).toBe(incarnationOf(control) + 1);
  });

  test.each([
    ['is of another goal, which has them to answer for', 'a goal before', undefined],
    ['is of the same goal', entry.render, 2],
  ])(
    'the faults of a worker that is stopping and silent are its successor’s only where that one %s',
    (_, render, count) => {
      const faults = { count: 2, last: 'exit code 70', at: [theTime - 40_000, theTime - 20_000] };
      const control = runningControl();
      const slot = { ...control.slots['0']!, render, failureCount: 0, faults };
      const tasks = [aTask(entry, slot.incarnation, { state: 'stopping' })];
      const decision = plan(anObservedJob({ control: { ...control, slots: { 0: slot } }, tasks }));
      expect(started(decision)).toHaveLength(1);
      expect(decision.control!.slots['0']).toMatchObject({ render: entry.render, failureCount: 1 });
      expect(decision.control!.slots['0']!.faults?.count).toBe(count);
    },
  );

  test('a second task in the same place is stopped, the newer one stays', () => {
    const tasks = [aTask(entry, 3), aTask(entry, 4)];
    const decision = plan(anObservedJob({ tasks, heartbeats: [aHeartbeat(entry, 3), aHeartbeat(entry, 4)] }));
    expect(decision.actions).toMatchObject([{ kind: 'stop-worker', taskId: 'task-3' }]);
  });

  test('a goal store that went back in time changes nothing, and says so once', () => {
    const control = { ...runningControl(), revisionActed: 5 };
    const first = plan(anObservedJob({ control }));
    expect([kinds(first), first.events.map((event) => event.reason)]).toEqual([[], ['GoalWentBack']]);
    const second = plan(anObservedJob({ control: first.control }));
    expect([kinds(second), second.events, second.control]).toEqual([[], [], null]);
  });

  test('a goal that went back and was declared again since is carried out, whatever its number [fault 8]', () => {
    const { control } = plan(anObservedJob({ control: { ...runningControl(), revisionActed: 5 } }));
    const anew = aJobEntry({ goal: aJobGoal({ revision: 2, stalledAfterMs: 1_000 }) });
    const tasks = [aTask(entry, incarnationOf(control!))];
    const heartbeats = [aHeartbeat(entry, incarnationOf(control!))];
    const decision = plan(anObservedJob({ control, tasks, heartbeats }), anew);
    expect([kinds(decision), decision.control?.revisionActed]).toEqual([['stop-worker'], 2]);
    expect(decision.control?.announced['frozen']).toBeUndefined();
  });

  test('an incarnation is never given out twice, whatever was lost [fault 83]', () => {
    const control = { ...runningControl(), incarnationLast: 40 };
    const tasks = [aTask(entry, incarnationOf(control), { state: 'stopped' })];
    expect(started(plan(anObservedJob({ control, tasks })))[0]!.incarnation).toBe(41);
  });
});
