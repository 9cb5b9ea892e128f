// How often a worker looks at what others of its job wrote.
import { expect, test } from '@jest/globals';
import { roundMs, roundPauses } from '#core/job/pace.ts';

const settings = { heartbeatMs: 1_000, leaseMs: 5_000 };

test('what is awaited is asked for often at first, and ever less often, never less than when nothing is', () => {
  const pauseMs = roundPauses(settings);
  const pauses = Array.from({ length: 9 }, () => Math.round(pauseMs(true)));
  expect(pauses).toEqual([100, 150, 225, 338, 506, 759, 1_000, 1_000, 1_000]);
  expect(pauseMs(false)).toBe(1_000);
  expect(pauseMs(true)).toBe(100);
});

test('where leases are long, live settings arrive within seconds all the same, and looks are rarer where leases are longer still', () => {
  expect(roundMs({ heartbeatMs: 5_000, leaseMs: 20_000 })).toBe(2_500);
  expect(roundMs({ heartbeatMs: 15_000, leaseMs: 60_000 })).toBe(7_500);
});
