// Assignment of splits: even, complete, with no move that evenness does not ask for.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assignSplits } from '#core/graph/assign-splits.ts';

const someSplits = fc.uniqueArray(
  fc.integer({ min: 0, max: 60 }).map((index) => `t/${index}`),
  { maxLength: 40 },
);
const someWorkers = fc.uniqueArray(
  fc.integer({ min: 0, max: 12 }).map((index) => `w${index}`),
  { minLength: 1, maxLength: 8 },
);
const situation = fc.tuple(someSplits, someWorkers, someWorkers).chain(([splits, workers, before]) =>
  fc.tuple(
    fc.constant(splits),
    fc.constant(workers),
    fc
      .array(fc.constantFrom(...before), { minLength: splits.length, maxLength: splits.length })
      .map((owners) => Object.fromEntries(splits.map((split, index) => [split, owners[index]!]))),
  ),
);

const loads = (owners: Record<string, string>, workers: readonly string[]): number[] =>
  workers.map((worker) => Object.values(owners).filter((owner) => owner === worker).length);

/** The most splits that any even assignment can leave where they are. */
function mostKept(splits: readonly string[], workers: readonly string[], current: Record<string, string>): number {
  const base = Math.floor(splits.length / workers.length);
  const extra = splits.length % workers.length;
  const held = loads(current, workers).sort((a, b) => b - a);
  return held.reduce((sum, count, rank) => sum + Math.min(count, base + (rank < extra ? 1 : 0)), 0);
}

describe('splits are assigned', () => {
  test('each to one worker that is there, evenly to one', () => {
    fc.assert(
      fc.property(situation, ([splits, workers, current]) => {
        const owners = assignSplits(splits, workers, current);
        expect(Object.keys(owners).sort()).toEqual([...splits].sort());
        const each = loads(owners, workers);
        expect(each.reduce((sum, count) => sum + count, 0)).toBe(splits.length);
        expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('with as few moves as that allows, and with none when asked again', () => {
    fc.assert(
      fc.property(situation, ([splits, workers, current]) => {
        const owners = assignSplits(splits, workers, current);
        const kept = splits.filter((split) => owners[split] === current[split]).length;
        expect(kept).toBe(mostKept(splits, workers, current));
        expect(assignSplits([...splits].reverse(), [...workers].reverse(), owners)).toEqual(owners);
      }),
    );
  });

  test('to nobody when nobody is there', () => {
    expect(assignSplits(['t/0'], [], {})).toEqual({});
  });
});
