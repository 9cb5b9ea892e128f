// What a worker says of its errors: counted by code, newest first, and as new as the pauses that they cause.

import { expect, test } from '@jest/globals';
import { silent } from '#test/support/silent-logger.ts';
import { ErrorsSeen } from '#workers/errors-seen.ts';

function seenAt() {
  const clock = { now: 1_000 };
  return { clock, errors: new ErrorsSeen(silent, () => clock.now) };
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

test('while the pause before the next attempt lasts an error is new, and ages from its end', () => {
  const { clock, errors } = seenAt();
  errors.note('sink-unavailable', 'refused', 30_000);
  const seen = [1_000, 20_000, 31_000, 40_000].map((now) => {
    clock.now = now;
    return errors.latest()[0]!.at;
  });
  expect(seen).toEqual([1_000, 20_000, 31_000, 31_000]);
});
