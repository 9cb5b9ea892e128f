// The client-side quota: in virtual time.
import { describe, expect, test } from '@jest/globals';
import { RateLimit } from '#adapters/ecs/rate-limit.ts';

function virtualTime() {
  let now = 0;
  return {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
}

async function turns(limit: RateLimit, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await limit.turn();
}

describe('a rate limit', () => {
  test('lets a burst through at once and the rest at the rate', async () => {
    const time = virtualTime();
    const limit = new RateLimit({ burst: 10, perSecond: 20 }, time);
    await turns(limit, 10);
    expect(time.now()).toBe(0);
    await turns(limit, 200);
    expect(time.now()).toBeGreaterThanOrEqual(10_000);
    expect(time.now()).toBeLessThan(10_500);
  });

  test('halves its rate when throttled, and has it back after twenty calls that went well', async () => {
    const limit = new RateLimit({ burst: 1, perSecond: 10 }, virtualTime());
    limit.throttled();
    limit.throttled();
    expect(limit.share).toBe(0.25);
    for (let n = 0; n < 20; n++) limit.succeeded();
    expect(limit.share).toBe(1);
  });

  test('never stops altogether, however often it is throttled [fault 45]', async () => {
    const time = virtualTime();
    const limit = new RateLimit({ burst: 1, perSecond: 16 }, time);
    for (let n = 0; n < 50; n++) limit.throttled();
    await turns(limit, 3);
    expect(time.now()).toBeLessThan(4_000);
  });

  test('callers go in the order in which they came', async () => {
    const limit = new RateLimit({ burst: 1, perSecond: 1_000 }, virtualTime());
    const order: number[] = [];
    await Promise.all([1, 2, 3, 4].map((n) => limit.turn().then(() => order.push(n))));
    expect(order).toEqual([1, 2, 3, 4]);
  });
});
