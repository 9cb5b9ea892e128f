// Whether a goal has got somewhere: by what its workers report, and not by how long ago they last did.
import { expect, test } from '@jest/globals';
import { freshControl } from '#core/plan/control.ts';
import { judgeRollout, ownFault } from '#core/plan/plan-rollout.ts';
import type { SlotRecord } from '#core/ports/control-store.ts';
import { aHeartbeat, aJobEntry, anObservedJob, theTime } from '#test/support/builders.ts';

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

test('a worker that is in quarantine speaks against its goal, whatever was forgiven before: nothing starts it again', () => {
  const faults = { count: 1, last: 'exit code 70', at: [theTime] };
  const held = { ...slot, faults, quarantinedAt: theTime };
  expect(ownFault({ '0': { ...slot, faults } }, entry.render, [])).toBeNull();
  expect(ownFault({ '0': held }, entry.render, [])).toBe('a worker has spent its restart budget: exit code 70');
  const successor = { ...slot, render: 'older', successor: held };
  expect(ownFault({ '0': successor }, entry.render, [])).toMatch('spent its restart budget');
});
