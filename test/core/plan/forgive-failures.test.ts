// Failures that a worker has made good by a minute of reporting: nothing is written for it, and nothing counts that was before.
import { describe, expect, test } from '@jest/globals';
import { localSettings } from '#core/graph/platform-settings.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import { planJob } from '#core/plan/plan-job.ts';
import { ownFault } from '#core/plan/plan-rollout.ts';
import type { ControlRecord, SlotRecord } from '#core/ports/control-store.ts';
import { assessJob } from '#core/status/assess-job.ts';
import { aHeartbeat, aJobEntry, anObservedJob, aTask, theTime } from '#test/support/builders.ts';

const entry = aJobEntry();
const startedAt = theTime - 61_000;
const old = { count: 3, last: 'exit code 70', at: [theTime - 600_000, theTime - 500_000] };

const plan = (observed: Parameters<typeof anObservedJob>[0]) => planJob(entry, anObservedJob(observed), localSettings);

const begun: ControlRecord = plan({ at: startedAt }).control!;
const record = (change: Partial<SlotRecord>): SlotRecord => ({ ...begun.slots['0']!, ...change });
const failing = record({ failureCount: 6, faults: old });
const control: ControlRecord = plan({
  control: { ...begun, slots: { '0': failing } },
  tasks: [aTask(entry, 1)],
  heartbeats: [aHeartbeat(entry, 1)],
}).control!;

const dead = (change: object = {}) => ({
  ...{ state: 'stopped' as const, exitCode: exitCodes.internal, stopReason: 'exit code 70', stoppedAt: theTime },
  ...change,
});

describe('a worker that has reported for a minute', () => {
  test('is no reason to write, whatever failed before it', () => {
    const steady = plan({ control, tasks: [aTask(entry, 1)], heartbeats: [aHeartbeat(entry, 1, { startedAt })] });
    expect(steady).toMatchObject({ control: null, actions: [], events: [], settled: true });
  });

  test('is replaced at once when it dies, and its fault is the first in a row; the restart budget goes by its own span', () => {
    const decision = plan({
      control,
      tasks: [aTask(entry, 1, dead())],
      heartbeats: [aHeartbeat(entry, 1, { startedAt })],
    });
    expect(decision.actions.map(({ kind }) => kind)).toEqual(['fence-worker', 'start-worker']);
    expect(decision.control!.slots['0']).toMatchObject({
      ...{ incarnation: 2, failureCount: 1 },
      faults: { count: 1, at: [...old.at, theTime] },
    });
  });

  test('speaks no more against its goal, nor against its job', () => {
    const heartbeat = aHeartbeat(entry, 1, { startedAt });
    expect(ownFault(control.slots, entry.render, [heartbeat])).toBeNull();
    const silent = { ...heartbeat, at: theTime - 10_000, startedAt: startedAt - 60_000 };
    const made = record({ failureCount: 6, startedAt: startedAt - 60_000, nextStartAt: startedAt - 60_000 });
    const facts = { entry, heartbeats: [silent], splits: null, now: theTime };
    expect(assessJob({ ...facts, control: { ...control, slots: { '0': made } } }).message).not.toMatch(/in a row/);
  });
});

test('one that reported for less, or never, has made nothing good', () => {
  const young = record({ failureCount: 3, faults: old, startedAt: theTime - 59_000, nextStartAt: theTime - 59_000 });
  for (const heartbeats of [[aHeartbeat(entry, 1, { startedAt: theTime - 59_000 })], []]) {
    const observed = { control: { ...control, slots: { '0': young } }, tasks: [aTask(entry, 1, dead())], heartbeats };
    expect(plan(observed)).toMatchObject({ nextPassAt: theTime + 4_000 });
    expect(ownFault({ '0': young }, entry.render, heartbeats)).toMatch(/3 times by its own fault/);
  }
});

test('nor has one that ended right after its start, though that was long ago: its last heartbeat came while nobody looked, and is taken for new', () => {
  const lastWords = aHeartbeat(entry, 1, { startedAt: theTime - 400, certainty: 'suspect' } as object);
  const observed = { control, tasks: [aTask(entry, 1, dead())], heartbeats: [lastWords] };
  expect(plan(observed).control!.slots['0']).toMatchObject({ failureCount: 6, faults: { count: 3 } });
});
