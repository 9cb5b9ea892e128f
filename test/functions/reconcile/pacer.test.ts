// Calls within the rate that a system allows: in the order they were asked for, slower after every refusal.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createPacer, type PacedCall, type Rate } from '#functions/reconcile/pacer.ts';
import { settleMicrotasks, VirtualTime } from '#test/simulation/virtual-time.ts';

const rates: Readonly<Record<PacedCall, Rate>> = {
  'run-task': { perSecond: 20, burst: 100 },
  'stop-task': { perSecond: 40, burst: 100 },
};

function aPacer() {
  const time = new VirtualTime(0);
  const pacer = createPacer({ rates, monotonicMs: () => time.now, sleep: (delayMs) => time.sleep(delayMs) });
  const went: { readonly call: PacedCall; readonly number: number; readonly at: number }[] = [];
  const ask = (call: PacedCall, number: number): void => {
    void pacer.take(call).then(() => went.push({ call, number, at: time.now }));
  };
  const wentOf = (call: PacedCall): readonly number[] => went.filter((one) => one.call === call).map(({ at }) => at);
  return { time, pacer, ask, went, wentOf };
}

/** The most calls that went within any `windowMs`. */
const densest = (moments: readonly number[], windowMs: number): number =>
  Math.max(0, ...moments.map((from) => moments.filter((at) => at >= from && at < from + windowMs).length));

describe('a pacer', () => {
  test('lets a burst go at once, and the rest at the rate, in the order they were asked for', async () => {
    const { time, ask, went } = aPacer();
    for (let number = 0; number < 300; number++) ask('run-task', number);
    await settleMicrotasks();
    expect(went).toHaveLength(95);
    await time.runUntil(5_000);
    expect(went.length).toBe(95 + 5 * 19);
    await time.runUntil(60_000);
    expect(went.map(({ number }) => number)).toEqual(Array.from({ length: 300 }, (_, number) => number));
  });

  test('never lets more go than burst and rate allow, however they are asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 1, max: 120 })), { maxLength: 12 }),
        async (bursts) => {
          const { time, ask, wentOf } = aPacer();
          let number = 0;
          for (const [pauseMs, count] of bursts) {
            await time.runUntil(time.now + pauseMs);
            for (let one = 0; one < count; one++) ask('run-task', number++);
            await settleMicrotasks();
          }
          await time.runUntil(time.now + 120_000);
          expect(wentOf('run-task')).toHaveLength(number);
          for (const seconds of [1, 5, 20])
            expect(densest(wentOf('run-task'), seconds * 1_000)).toBeLessThanOrEqual(100 + 20 * seconds);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('does not let one class of calls wait for another', async () => {
    const { ask, wentOf } = aPacer();
    for (let number = 0; number < 500; number++) ask('run-task', number);
    ask('stop-task', 0);
    await settleMicrotasks();
    expect(wentOf('stop-task')).toEqual([0]);
  });

  test('goes at half the rate after a refusal, and is back at the full one some minutes later', async () => {
    const { time, pacer, ask, wentOf } = aPacer();
    for (let number = 0; number < 95; number++) ask('run-task', number);
    await settleMicrotasks();
    pacer.refused('run-task');
    for (let number = 0; number < 2_000; number++) ask('run-task', number);
    await time.runUntil(10_000);
    const slow = wentOf('run-task').filter((at) => at > 0).length;
    expect(slow).toBeGreaterThan(9 * 9);
    expect(slow).toBeLessThan(10 * 12);
    await time.runUntil(600_000);
    for (let number = 0; number < 400; number++) ask('run-task', number);
    const before = wentOf('run-task').length;
    await time.runUntil(time.now + 10_000);
    expect(wentOf('run-task').length - before).toBe(95 + 10 * 19);
  });
});
