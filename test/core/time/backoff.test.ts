// Waits between attempts stay within their bounds and never shrink as failures add up.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backoffMs } from '#core/time/backoff.ts';

test('a wait lies between half of its step and the whole of it, and the steps double up to the bound', () => {
  const bounds = { minMs: 50, maxMs: 1_000 };
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (failures, chance) => {
        const step = Math.min(1_000, 50 * 2 ** Math.min(failures - 1, 30));
        const wait = backoffMs(failures, bounds, chance);
        expect(wait).toBeGreaterThanOrEqual(step / 2);
        expect(wait).toBeLessThanOrEqual(step);
      },
    ),
  );
});
