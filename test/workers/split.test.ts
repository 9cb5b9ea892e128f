// A split as its worker holds it: where reading goes on when what was read is not wanted any more.
import { expect, test } from '@jest/globals';
import { noRecords } from '#core/job/accounting.ts';
import { Split } from '#workers/split.ts';

const clock = { now: () => 1_000, monotonicMs: () => 0 };
const aSplit = (remembers = 0): Split =>
  new Split(
    { split: 'plays/3', owner: 'w', epoch: 2, position: '40', topicId: 'id', accounting: noRecords },
    clock,
    remembers,
  );

test('what was read and is not acknowledged is read again from the position, and answers on their way are passed over', () => {
  const split = aSplit();
  const { generation } = split;
  const unit = split.openUnit();
  unit.attach();
  split.fetchOffset = 90;
  split.rewind();
  expect([split.fetchOffset, split.done.position, split.isSettled]).toEqual([40, 40, true]);
  expect(split.generation).toBeGreaterThan(generation);
});

test('a transaction that was committed is where reading goes on, whatever was acknowledged since', () => {
  const split = aSplit();
  split.noteTransacted({ position: 60, topicId: 'id', accounting: noRecords });
  split.fetchOffset = 95;
  split.rewind();
  expect([split.fetchOffset, split.durable.position]).toEqual([60, 60]);
});

test('operators that remember see again what stands before the position, and it is known until there', () => {
  const split = aSplit(25);
  split.fetchOffset = 90;
  split.rewind();
  expect([split.fetchOffset, split.knownUntil]).toEqual([15, 40]);
});

test('a journal that is further than the item moves what operators see again along with the position', () => {
  const split = aSplit(25);
  split.resume({ position: 60, topicId: 'id', accounting: noRecords });
  expect([split.fetchOffset, split.knownUntil, split.done.position]).toEqual([35, 60, 60]);
});
