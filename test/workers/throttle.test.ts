// A worker's share of its job's rate, and how many dead letters it may write: both by a clock that the test moves.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DeadLetterRate } from '#workers/dead-letter-rate.ts';
import { Throttle } from '#workers/throttle.ts';

describe('a throttle', () => {
  test('lets no more records through than the rate allows, however it is asked', () => {
    const steps = fc.array(fc.record({ ms: fc.nat(2_000), wanted: fc.nat(500) }), { maxLength: 50 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), steps, (perSecond, moves) => {
        let nowMs = 0;
        let passed = 0;
        const throttle = new Throttle(
          () => perSecond,
          () => nowMs,
        );
        for (const { ms, wanted } of moves) {
          nowMs += ms;
          if (throttle.room() !== null) continue;
          const count = Math.min(wanted, throttle.allowance);
          throttle.spend(count);
          passed += count;
          expect(passed).toBeLessThanOrEqual(1 + (perSecond * nowMs) / 1_000 + 1e-6);
        }
      }),
    );
  });

  test('gives all that the rate allows to one who takes it as it comes', () => {
    let nowMs = 0;
    let passed = 0;
    const throttle = new Throttle(
      () => 100,
      () => nowMs,
    );
    for (; nowMs < 10_000; nowMs += 20) {
      const count = throttle.allowance;
      throttle.spend(count);
      passed += count;
    }
    expect(passed).toBeGreaterThanOrEqual(990);
  });

  test('follows its share as splits come and go, and lets nothing through without one', () => {
    let nowMs = 0;
    let share = 0;
    const throttle = new Throttle(
      () => 1_000 * share,
      () => nowMs,
    );
    throttle.spend(1);
    nowMs = 60_000;
    expect(throttle.allowance).toBe(0);
    share = 0.5;
    nowMs += 100;
    expect(throttle.allowance).toBe(50);
  });
});

describe('a throttle that comes and goes while the worker runs', () => {
  test('holds from the moment it is set, with nothing saved up before, and no longer than until it is taken away', () => {
    let nowMs = 0;
    let perSecond: number | null = null;
    const throttle = new Throttle(
      () => perSecond,
      () => nowMs,
    );
    expect([throttle.allowance, throttle.room()]).toEqual([Infinity, null]);
    throttle.spend(1_000_000);
    nowMs = 60_000;
    expect(throttle.allowance).toBe(Infinity);
    perSecond = 100;
    expect(throttle.allowance).toBe(1);
    throttle.spend(1);
    expect(throttle.room()).not.toBeNull();
    nowMs += 50;
    expect(throttle.allowance).toBe(5);
    perSecond = null;
    expect(throttle.room()).toBeNull();
  });
});

describe('a rate of dead letters', () => {
  test('is not judged by the first few', () => {
    const rate = new DeadLetterRate(
      () => 0.01,
      () => 0,
    );
    expect(Array.from({ length: 11 }, () => rate.admit(1)).filter((admitted) => admitted)).toHaveLength(10);
  });

  test('is the share of what was read in the last minute', () => {
    let nowMs = 0;
    const rate = new DeadLetterRate(
      () => 0.01,
      () => nowMs,
    );
    rate.noteRead(5_000);
    const admitted = (): number => Array.from({ length: 100 }, () => rate.admit(1)).filter((each) => each).length;
    expect(admitted()).toBe(50);
    nowMs = 61_000;
    expect(admitted()).toBe(10);
  });
});
