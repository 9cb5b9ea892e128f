// What people are told of a job, and on what evidence.
import { describe, expect, test } from '@jest/globals';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { freshControl } from '#core/plan/control.ts';
import type { ControlRecord, SlotRecord } from '#core/ports/control-store.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { assessJob } from '#core/status/assess-job.ts';
import type { ConditionType, JobStatus } from '#core/status/job-status.ts';
import { aDelivery, aHeartbeat, aJobEntry, aJobGoal, aSplit, theTime } from '#test/support/builders.ts';

const entry = aJobEntry();
const slot: SlotRecord = {
  incarnation: 1,
  render: entry.render,
  startedAt: theTime - 60_000,
  failureCount: 0,
  nextStartAt: theTime - 60_000,
};
const control: ControlRecord = { ...freshControl(entry.goal.id, entry.goal.uid), version: 1, slots: { '0': slot } };
const assess = (
  heartbeats: readonly Heartbeat[],
  of: JobEntry = entry,
  stored: ControlRecord | null = control,
): JobStatus => assessJob({ entry: of, control: stored, heartbeats, splits: null, now: theTime });
const condition = (status: JobStatus, type: ConditionType) =>
  status.conditions.find((candidate) => candidate.type === type)!;

describe('a job', () => {
  test('is Pending until a pass has seen it', () => {
    expect(assess([], entry, null).phase).toBe('Pending');
  });

  test('is Deploying until its workers report on the current goal and hold splits', () => {
    expect(assess([]).phase).toBe('Deploying');
    expect(assess([aHeartbeat(entry, 1, { render: 'older' })]).message).toMatch(
      /0\/1 workers run revision 1, 1 an older one/,
    );
    expect(assess([aHeartbeat(entry, 1, { splits: [] })]).phase).toBe('Deploying');
  });

  test('is Running when it is caught up, and when its splits move', () => {
    const caughtUp = assess([aHeartbeat(entry, 1)]);
    expect([caughtUp.phase, condition(caughtUp, 'Progressing').reason]).toEqual(['Running', 'CaughtUp']);
    const moving = assess([
      aHeartbeat(entry, 1, { inPerSecond: 100, splits: [aSplit({ lagRecords: 500, movedAt: theTime - 900 })] }),
    ]);
    expect(moving).toMatchObject({ phase: 'Running', lag: { records: 500, drainMs: 5_000 } });
    expect(condition(moving, 'Progressing').message).toBe('1/1 splits moved in 15 s, 500 records wait');
  });

  test('is not Running by the last heartbeat of a worker that was found to be over and whose successor has to wait', () => {
    const waits = { ...slot, failureCount: 1, nextStartAt: theTime + 1_000 };
    const status = assess([aHeartbeat(entry, 1)], entry, { ...control, slots: { '0': waits } });
    expect([status.phase, status.message]).toEqual(['Deploying', expect.stringMatching(/^0\/1 workers/)]);
  });

  test('is not held up by an item of a partition that its topic, made anew, has not any more', () => {
    const item = (split: string, owner: string | null, topicId: string): SplitRecord => ({
      ...{
        split: `${entry.goal.source.topic}/${split}`,
        owner,
        epoch: 1,
        position: '10',
        topicId,
        accounting: noRecords,
      },
    });
    const heartbeat = aHeartbeat(entry, 1);
    const of = (owner: string | null, topicId: string) =>
      assessJob({
        ...{ entry, control, heartbeats: [heartbeat], now: theTime },
        splits: [item('0', heartbeat.worker, 'new'), item('1', owner, topicId)],
      }).phase;
    // Free, or in the name of one who died before the topic was made anew.
    for (const owner of [null, 'gone']) expect([of(owner, 'old'), of(owner, 'new')]).toEqual(['Running', 'Deploying']);
  });

  test('is Stalled when events wait and nothing moves, though every process runs: RUNNING means nothing [fault 56]', () => {
    const status = assess([
      aHeartbeat(entry, 1, { splits: [aSplit(), aSplit({ split: 'e/1', lagRecords: 3, movedAt: theTime - 91_000 })] }),
    ]);
    expect(status.phase).toBe('Stalled');
    expect(status.message).toMatch(/1\/2 splits have not moved for 91 s although events wait \(e\/1 at 10 of 10\)/);
  });

  test('is Stalled, not caught up, when nobody has asked for long where a split ends', () => {
    const status = assess([
      aHeartbeat(entry, 1, { splits: [aSplit(), aSplit({ split: 'e/1', seenAt: theTime - 91_000 })] }),
    ]);
    expect([status.phase, status.message]).toEqual(['Stalled', '1/2 splits have not been read for 91 s (e/1 at 10)']);
  });

  test('is Failed with the reason when a policy stopped it', () => {
    const errors = [
      { at: theTime, code: 'poison', message: 'division by zero at playback-events/0 offset 7', count: 1 },
    ];
    expect(assess([aHeartbeat(entry, 1, { state: 'stuck', errors })])).toMatchObject({
      phase: 'Failed',
      message: errors[0]!.message,
    });
  });

  test('is Degraded while an error repeats, with the error; one that was got over is only an entry in the log', () => {
    const error = { code: 'sink-unavailable', message: 'no leader', at: theTime - 1_000 };
    expect(assess([aHeartbeat(entry, 1, { errors: [{ ...error, count: 3 }] })]).message).toBe(
      'sink-unavailable: no leader',
    );
    expect(assess([aHeartbeat(entry, 1, { errors: [{ ...error, count: 1 }] })]).phase).toBe('Running');
    expect(assess([aHeartbeat(entry, 1, { errors: [{ ...error, count: 9, at: theTime - 6_000 }] })]).phase).toBe(
      'Running',
    );
  });

  test('is Degraded for half a minute when events were lost, and never for records that its own policy set aside', () => {
    const lost = { code: 'source-data-lost', message: '7 records', count: 1, at: theTime - 29_000 };
    expect(assess([aHeartbeat(entry, 1, { errors: [lost] })]).phase).toBe('Degraded');
    expect(assess([aHeartbeat(entry, 1, { errors: [{ ...lost, at: theTime - 31_000 }] })]).phase).toBe('Running');
    expect(assess([aHeartbeat(entry, 1, { errors: [{ ...lost, code: 'poison', count: 500 }] })]).phase).toBe('Running');
  });

  test('is Degraded when its workers fail again and again [fault 61]', () => {
    expect(assess([], entry, { ...control, slots: { '0': { ...slot, failureCount: 3 } } }).message).toMatch(
      /failed 3 times in a row/,
    );
  });

  test('is Paused as soon as that is wanted, and says how many workers still drain', () => {
    const paused = { ...entry, paused: true };
    expect(assess([aHeartbeat(entry, 1)], paused)).toMatchObject({
      phase: 'Paused',
      message: '1 worker(s) still drain',
    });
    expect(assess([], paused, { ...control, slots: {} }).message).toBe('no worker runs, as wanted');
  });

  test('is not Running while a worker of a slot that is wanted no more is there, nor by such a worker instead of its own', () => {
    const former = { ...slot, incarnation: 2, render: 'older' };
    const shrinking = { ...control, slots: { '0': slot, '1': former } };
    const own = aHeartbeat(entry, 1);
    const silent = assess([own], entry, shrinking);
    expect(silent).toMatchObject({ phase: 'Deploying', message: '1 worker(s) that are wanted no more still drain' });
    expect(assess([own, aHeartbeat(entry, 2, { slot: 1, render: 'older' })], entry, shrinking).phase).toBe('Deploying');
    const instead = assess([aHeartbeat(entry, 2, { slot: 1 })], entry, shrinking);
    expect([instead.phase, instead.message]).toEqual(['Deploying', '0/1 workers run revision 1']);
    expect(assess([own]).phase).toBe('Running');
  });

  test('does not count a worker that has been silent for longer than its lease', () => {
    expect(assess([aHeartbeat(entry, 1, { at: theTime - 5_001 })]).phase).toBe('Deploying');
  });
});

describe('its lag', () => {
  const two = { ...control, slots: { '0': slot, '1': { ...slot, incarnation: 2 } } };
  const waiting = aHeartbeat(entry, 1, { freshnessMs: 200, splits: [aSplit({ lagRecords: 3 })] });
  const atItsEnd = aHeartbeat(entry, 2, { slot: 1, freshnessMs: 7_200_000, splits: [aSplit({ split: 'e/1' })] });

  test('is as old as what the workers read behind which events wait, not as what has been quiet', () => {
    expect(assess([waiting, atItsEnd], entry, two).lag).toMatchObject({ records: 3, freshnessMs: 200 });
    const bothWait = { ...atItsEnd, splits: [aSplit({ split: 'e/1', lagRecords: 1 })] };
    expect(assess([waiting, bothWait], entry, two).lag).toMatchObject({ records: 4, freshnessMs: 7_200_000 });
    expect(assess([atItsEnd], entry, two).lag).toMatchObject({ records: 0, freshnessMs: 7_200_000 });
  });

  test('is not known while no split is held, or fewer than there are', () => {
    expect(assess([]).lag.records).toBeNull();
    expect(assess([aHeartbeat(entry, 1, { splits: [] })]).lag).toMatchObject({ records: null, drainMs: null });
    const items = ['0', '1'].map((partition): SplitRecord => {
      const split = `${entry.goal.source.topic}/${partition}`;
      return { ...{ split, owner: null, epoch: 1, position: '10', topicId: 't' }, accounting: noRecords };
    });
    const lagAmong = (splits: readonly SplitRecord[]) =>
      assessJob({ entry, control, heartbeats: [waiting], splits, now: theTime }).lag.records;
    expect([lagAmong(items), lagAmong(items.slice(0, 1))]).toEqual([null, 3]);
  });
});

describe('its workers', () => {
  const task = {
    taskId: 't1',
    worker: 'w',
    incarnation: 1,
    slot: 0,
    state: 'starting',
    since: theTime - 900,
    pid: 7,
    log: '/log',
  };

  test('are in the state that they report, though the last listing was older', () => {
    const status = assess([aHeartbeat(entry, 1)], entry, { ...control, tasks: [task] });
    expect(status.workers).toMatchObject([{ taskId: 't1', state: 'running', pid: 4242, splits: 1, log: '/log' }]);
  });

  test('are shown when they report and were not listed yet', () => {
    expect(assess([aHeartbeat(entry, 1)]).workers).toMatchObject([{ taskId: null, state: 'running', incarnation: 1 }]);
  });

  test('are in the state of their task while they are silent', () => {
    expect(assess([], entry, { ...control, tasks: [task] }).workers).toMatchObject([{ state: 'starting', pid: 7 }]);
  });
});

describe('its books', () => {
  const accounting = { in: 10, out: 4, filtered: 3, deadLettered: 2, dropped: { poison: 1 } };

  test('balance, with the numbers', () => {
    expect(condition(assess([aHeartbeat(entry, 1, { accounting })]), 'Balanced')).toMatchObject({
      status: 'true',
      message: 'in 10 = out 4 + filtered 3 + dead-lettered 2 + dropped 1',
    });
  });

  test('say what a loss-tolerant job has lost of its budget', () => {
    const delivery = { ...aDelivery, guarantee: 'loss-tolerant', lossBudget: 0.01 } as const;
    const tolerant = aJobEntry({ goal: aJobGoal({ delivery }) });
    const lost = { in: 1_000, out: 995, filtered: 0, deadLettered: 0, dropped: { overload: 5 } };
    const { message } = condition(assess([aHeartbeat(tolerant, 1, { accounting: lost })], tolerant), 'Balanced');
    expect(message).toMatch(/dropped 5; lost 0\.5% of the 1% that may be$/);
  });

  test('that do not balance make it Degraded', () => {
    const status = assess([aHeartbeat(entry, 1, { accounting: { ...accounting, out: 3 } })]);
    expect([status.phase, condition(status, 'Balanced').status]).toEqual(['Degraded', 'false']);
  });
});

describe('values of another type than they are used as', () => {
  test('are summed over the live workers; one of an older version says nothing of them', () => {
    const { mismatches: _, ...older } = aHeartbeat(entry, 2, { slot: 1 });
    const two = { ...control, slots: { '0': slot, '1': { ...slot, incarnation: 2 } } };
    expect(assess([aHeartbeat(entry, 1, { mismatches: 3 }), older], entry, two).mismatches).toBe(3);
    expect(assess([aHeartbeat(entry, 1, { mismatches: 3, at: theTime - 3_600_000 })]).mismatches).toBe(0);
  });
});

describe('its checkpoints', () => {
  test('are stale only when something moved since the last one', () => {
    const old = { sequence: 4, at: theTime - 60_000 };
    const idle = aHeartbeat(entry, 1, { lastCheckpoint: old, splits: [aSplit({ movedAt: theTime - 61_000 })] });
    expect(condition(assess([idle]), 'CheckpointFresh').status).toBe('true');
    const busy = aHeartbeat(entry, 1, { lastCheckpoint: old, splits: [aSplit({ movedAt: theTime - 100 })] });
    expect(condition(assess([busy]), 'CheckpointFresh')).toMatchObject({
      status: 'false',
      message: 'checkpoint 4 is 60 s old',
    });
  });
});
