// How many jobs a pass may end without asking.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { guardLimits, holdDestruction } from '#core/plan/destruction-guard.ts';

const jobs = (count: number, tenant = 'default'): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${tenant}/r${index}.out@u${index}`);
const approval = (some: readonly string[]) => ({ tenant: 'default', jobs: some, author: 'ann', reason: '' });

describe('the guard', () => {
  test.each([
    [5, 8, 0],
    [6, 8, 6],
    [10, 100, 0],
    [11, 100, 11],
    [1_000, 10_000, 0],
    [1_001, 10_000, 1_001],
  ])('of %i endings among %i jobs holds %i', (ending, known, held) => {
    expect(holdDestruction(jobs(ending), jobs(known), [], guardLimits).jobs.size).toBe(held);
  });

  test('counts each tenant for itself: one that goes too far does not hold up another', () => {
    const ending = [...jobs(6, 'a'), ...jobs(1, 'b')];
    expect([...holdDestruction(ending, ending, [], guardLimits).jobs]).toEqual(jobs(6, 'a'));
  });

  test('lets go what was agreed to, and only that', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 30 }), (ending, agreed) => {
        const all = jobs(ending);
        const { jobs: held } = holdDestruction(all, jobs(30), [approval(jobs(agreed))], guardLimits);
        const open = Math.max(0, ending - agreed);
        expect(held.size).toBe(open > 5 ? open : 0);
        for (const job of jobs(agreed)) expect(held.has(job)).toBe(false);
      }),
    );
  });
});
