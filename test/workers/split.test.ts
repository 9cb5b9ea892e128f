// A split as its worker holds it: where reading goes on when what was read is not wanted any more.
import { expect, test } from '@jest/globals';
import { noRecords } from '#core/job/accounting.ts';
import { Split, type Unit } from '#workers/split.ts';

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

const filtered = (split: Split, end: number): void => {
  const unit = split.openUnit();
  unit.in = 2;
  unit.filtered = 2;
  unit.close(end);
};

const sent = (split: Split, end: number): Unit => {
  const unit = split.openUnit();
  unit.in = 1;
  unit.out = 1;
  unit.attach();
  unit.close(end);
  return unit;
};

test('sets that are done with behind one that is not are kept as a few, and take effect whole', () => {
  const split = aSplit();
  const head = sent(split, 41);
  for (let index = 1; index <= 100_000; index++) filtered(split, 41 + 2 * index);
  expect(split.unitCount).toBeLessThan(100);
  expect([split.done.position, split.overloadSoFar]).toEqual([40, { read: 200_001, dropped: 0 }]);
  head.acknowledge();
  expect([split.done.position, split.unitCount]).toEqual([200_041, 0]);
  expect(split.done.accounting).toEqual({ ...noRecords, in: 200_001, out: 1, filtered: 200_000 });
});

test('sets that are acknowledged in any order behind one that is not are kept as a few too', () => {
  const split = aSplit();
  const head = sent(split, 41);
  for (let index = 0; index < 1_000; index++) {
    const units = Array.from({ length: 10 }, (_, at) => sent(split, 42 + 10 * index + at));
    for (const unit of units.reverse()) unit.acknowledge();
  }
  expect(split.unitCount).toBeLessThan(100);
  head.acknowledge();
  expect([split.done.position, split.done.accounting.out, split.unitCount]).toEqual([10_041, 10_001, 0]);
});

test('no more is passed than stands before the first that waits', () => {
  const split = aSplit();
  const first = sent(split, 41);
  for (let index = 1; index <= 200; index++) filtered(split, 41 + 2 * index);
  const second = sent(split, 442);
  for (let index = 1; index <= 200; index++) filtered(split, 442 + 2 * index);
  first.acknowledge();
  expect([split.done.position, split.done.accounting.in]).toEqual([441, 401]);
  second.acknowledge();
  expect([split.done.position, split.done.accounting.in]).toEqual([842, 802]);
});

test('hundreds of thousands of sets that are acknowledged at once are passed one after the other', () => {
  const split = aSplit();
  const units = Array.from({ length: 200_000 }, (_, index) => sent(split, 41 + index));
  expect(split.progressThrough(units.at(-1)!, new Set(units))).toMatchObject({ position: 200_040 });
  for (const unit of units) unit.acknowledge();
  expect([split.done.position, split.done.accounting.out, split.isSettled]).toEqual([200_040, 200_000, true]);
});

test('what was dropped for want of room counts at once, whether it is done with, waits or is forgotten', () => {
  const split = aSplit();
  const dropped = (end: number): Unit => {
    const unit = split.openUnit();
    unit.in = 2;
    unit.out = 1;
    unit.drop('overload', 1);
    unit.attach();
    unit.close(end);
    return unit;
  };
  const units = [dropped(42), dropped(44), dropped(46)];
  const open = split.openUnit();
  open.in = 1;
  open.drop('overload', 1);
  expect(split.overloadSoFar).toEqual({ read: 7, dropped: 4 });
  units[0]!.acknowledge();
  expect(split.overloadSoFar).toEqual({ read: 7, dropped: 4 });
  split.stopBefore(units[2]!);
  expect(split.overloadSoFar).toEqual({ read: 4, dropped: 2 });
  open.close(47);
  split.rewind();
  expect(split.overloadSoFar).toEqual({ read: 2, dropped: 1 });
});

test('sets of a topic that was made anew take effect behind those of the old one', () => {
  const split = aSplit();
  const head = sent(split, 41);
  for (let index = 1; index <= 100; index++) filtered(split, 41 + 2 * index);
  split.jump(7, 'new').close(7);
  for (let index = 1; index <= 100; index++) filtered(split, 7 + 2 * index);
  head.acknowledge();
  expect(split.done).toMatchObject({ position: 207, topicId: 'new', accounting: { in: 401, filtered: 400 } });
});

const startingOver: readonly (readonly [string, (split: Split) => void])[] = [
  ['a producer that starts over', (split) => split.rewind()],
  ['a transaction that is taken up again', (split) => split.resumeAt(split.durable)],
];

test.each(startingOver)('a split that the route stopped is not read on by %s', (_what, startOver) => {
  const split = aSplit();
  split.openUnit().attach();
  split.fetchOffset = 90;
  split.stop();
  startOver(split);
  expect([split.state, split.isReadable, split.fetchOffset, split.isSettled]).toEqual(['stuck', false, 40, true]);
});

test.each(startingOver)('a split that is stuck before a record comes to it again after %s', (_what, startOver) => {
  const split = aSplit();
  split.stopBefore(split.openUnit());
  startOver(split);
  expect([split.state, split.fetchOffset]).toEqual(['reading', 40]);
});
