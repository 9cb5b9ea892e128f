// Whether a goal has got somewhere: by what its workers report, and not by how long ago they last did.
import { describe, expect, test } from '@jest/globals';
import { freshControl } from '#core/plan/control.ts';
import { judgeRollout, ownFault, type RolloutMarks } from '#core/plan/plan-rollout.ts';
import type { ControlRecord, SlotRecord } from '#core/ports/control-store.ts';
import { aHeartbeat, aJobEntry, anObservedJob, aTask, theTime } from '#test/support/builders.ts';

const entry = aJobEntry();
const { leaseMs } = entry.goal.settings;
const slot: SlotRecord = {
  ...{ incarnation: 1, render: entry.render, startedAt: theTime - leaseMs, failureCount: 0 },
  nextStartAt: theTime - leaseMs,
};

const judge = (livedMs: number, record = slot) => {
  const at = theTime - leaseMs + livedMs;
  const heartbeats = [aHeartbeat(entry, 1, { startedAt: theTime - leaseMs, at })];
  const before = freshControl(entry.goal.id, entry.goal.uid);
  const observed = anObservedJob({ heartbeats });
  return judgeRollout({ entry, observed, before, slots: { '0': record }, whyNone: null, stops: false }).kind;
};

test('a worker that has reported for a lease shows that its goal works', () => {
  expect(judge(leaseMs)).toBe('progressed');
});

test('one that ended right after its start does not, however long it is remembered', () => {
  expect(judge(400)).toBe('under-way');
});

test('nor does one that was found to be over, whatever it had said', () => {
  expect(judge(leaseMs, { ...slot, nextStartAt: theTime + 1_000 })).toBe('under-way');
});

describe('what a goal is tried with while no worker runs', () => {
  const since = theTime - 20_000;
  const begin = (changes: Partial<ControlRecord>) => {
    const before = { ...freshControl(entry.goal.id, entry.goal.uid), ...changes };
    return judgeRollout({ entry, observed: anObservedJob(), before, slots: {}, whyNone: null, stops: false });
  };

  test('begins with when the first worker was asked to end, where all ended for positions to be set', () => {
    expect(begin({ rewindBegunAt: since })).toMatchObject({ marks: { after: 'placing', stoppedAt: since } });
  });

  test('is another matter once workers have been placed again', () => {
    expect(begin({ rewindBegunAt: since, slots: { '0': slot } })).toMatchObject({ marks: { since: theTime } });
  });

  test('has no pause of its own behind one of the job', () => {
    const { marks } = begin({ acted: { revision: 1, render: 'before', paused: true } }) as { marks: RolloutMarks };
    expect(marks).toEqual({ since: theTime, after: 'pause' });
    const later = begin({ rollout: { render: entry.render, ...marks } });
    expect(later).toMatchObject({ marks: { after: 'pause' } });
  });

  test('counts those that were killed before positions were set', () => {
    const task = aTask({ ...entry, render: 'before' }, 1, {
      state: 'stopped',
      stoppedAt: since + 1_000,
      exitCode: 137,
    });
    const heartbeat = aHeartbeat(entry, 2, { startedAt: theTime - leaseMs, at: theTime });
    const before = { ...freshControl(entry.goal.id, entry.goal.uid), rewindBegunAt: since };
    const observed = anObservedJob({ tasks: [task], heartbeats: [heartbeat] });
    const slots = { '0': { ...slot, incarnation: 2 } };
    expect(judgeRollout({ entry, observed, before, slots, whyNone: null, stops: false })).toMatchObject({
      ...{ kind: 'progressed', killed: 1, marks: { stoppedAt: since } },
    });
  });
});

test('a worker that is in quarantine speaks against its goal, whatever was forgiven before: nothing starts it again', () => {
  const faults = { count: 1, last: 'exit code 70', at: [theTime] };
  const held = { ...slot, faults, quarantinedAt: theTime };
  expect(ownFault({ '0': { ...slot, faults } }, entry.render, [])).toBeNull();
  expect(ownFault({ '0': held }, entry.render, [])).toBe('a worker has spent its restart budget: exit code 70');
  const successor = { ...slot, render: 'older', successor: held };
  expect(ownFault({ '0': successor }, entry.render, [])).toMatch('spent its restart budget');
});
