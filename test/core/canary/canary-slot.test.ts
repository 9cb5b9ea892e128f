// A worker on trial has its share of the splits and no more; the others share the rest as ever.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canarySlot, canarySplits, isCanary, shareOutSplits } from '#core/canary/canary-slot.ts';
import { assignSplits } from '#core/graph/assign-splits.ts';
import { workerName } from '#core/names.ts';

const job = 'default/plays.out@u1';
const canary = workerName(job, 9, canarySlot);
const splitsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `events/${index}`);
const regulars = (count: number): string[] =>
  Array.from({ length: count }, (_, slot) => workerName(job, slot + 1, slot));
const cases = fc.record({
  splits: fc.integer({ min: 0, max: 40 }).map(splitsOf),
  workers: fc.integer({ min: 1, max: 5 }).map(regulars),
  owners: fc.array(fc.nat({ max: 6 }), { minLength: 40, maxLength: 40 }),
});
const currentOf = (splits: readonly string[], workers: readonly string[], owners: readonly number[]) =>
  Object.fromEntries(
    splits.map((split, index) => [split, [...workers, canary][owners[index]! % (workers.length + 1)]!]),
  );

describe('splits with a worker on trial', () => {
  test('have each one owner, its share is a tenth of them and at least one, and the rest is even', () => {
    const property = fc.property(cases, ({ splits, workers, owners }) => {
      const shared = shareOutSplits(splits, [...workers, canary], currentOf(splits, workers, owners));
      expect(Object.keys(shared).sort()).toEqual([...splits].sort());
      const tried = Object.values(shared).filter(isCanary);
      expect(tried).toHaveLength(canarySplits(splits.length));
      const loads = workers.map((worker) => Object.values(shared).filter((owner) => owner === worker).length);
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      // Shared out again they stay where they are.
      expect(shareOutSplits(splits, [...workers, canary], shared)).toEqual(shared);
    });
    fc.assert(property);
  });

  test('without one are shared out as ever', () => {
    const splits = splitsOf(7);
    expect(shareOutSplits(splits, regulars(3), {})).toEqual(assignSplits(splits, regulars(3), {}));
  });

  test('that are all that there is are not given to it: of one nothing is left, and of a job whose others are gone not more than its share', () => {
    expect(shareOutSplits(splitsOf(1), [...regulars(1), canary], {})).toEqual({ 'events/0': regulars(1)[0] });
    expect(Object.keys(shareOutSplits(splitsOf(4), [canary], {}))).toHaveLength(1);
  });
});
