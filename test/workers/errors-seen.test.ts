// What a worker says of its errors: counted by code, newest first, and as new as the pauses that they cause.

import { expect, test } from '@jest/globals';
import { silent } from '#test/support/silent-logger.ts';
import { ErrorsSeen } from '#workers/errors-seen.ts';

function seenAt() {
  /** `ahead`: the wall clock's, of the monotonic one. */
  const clock = { now: 1_000, aheadMs: 0 };
  const errors = new ErrorsSeen(silent, { now: () => clock.now + clock.aheadMs, monotonicMs: () => clock.now });
  return { clock, errors };
}

test('an error that recurs is one, counted, with its newest words', () => {
  const { clock, errors } = seenAt();
  errors.note('sink-unavailable', 'refused');
  errors.note('poison', 'not JSON');
  clock.now = 2_000;
  errors.note('sink-unavailable', 'timed out');
  expect(errors.latest()).toEqual([
    { at: 2_000, code: 'sink-unavailable', message: 'timed out', count: 2 },
    { at: 1_000, code: 'poison', message: 'not JSON', count: 1 },
  ]);
});

test.each([600_000, -600_000])('an error is as old as it is, though the clock was set by %d ms since', (aheadMs) => {
  const { clock, errors } = seenAt();
  errors.note('source-recreated', 'made anew');
  Object.assign(clock, { now: 4_000, aheadMs });
  expect(clock.now + aheadMs - errors.latest()[0]!.at).toBe(3_000);
});

test('while the pause before the next attempt lasts an error is new, and ages from its end', () => {
  const { clock, errors } = seenAt();
  errors.note('sink-unavailable', 'refused', 30_000);
  const seen = [1_000, 20_000, 31_000, 40_000].map((now) => {
    clock.now = now;
    return errors.latest()[0]!.at;
  });
  expect(seen).toEqual([1_000, 20_000, 31_000, 31_000]);
});
