// The platform's cost: by hand for one line, and the relations that must hold for all.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Fleet, platformCost, totalOf } from '#core/cost/platform-cost.ts';
import { platformShapes } from '#core/cost/platform-shapes.ts';
import { prices } from '#core/cost/price-table.ts';
import { awsSettings, localSettings } from '#core/graph/platform-settings.ts';

const fleet = (jobs: number): Fleet => ({ jobs, workersPerJob: 1, splitsPerJob: 4, cpu: 0.25, memoryMiB: 512 });
const cost = (jobs: number, settings = awsSettings) => platformCost(platformShapes.prod, fleet(jobs), settings, prices);

describe('the cost of a platform', () => {
  test('a worker of a quarter vCPU and 512 MiB for a month is 730 h × (0.25 × 0.03238 + 0.5 × 0.00356)', () => {
    const workers = cost(1).find(({ what }) => what.startsWith('Workers'));
    expect(workers?.monthly).toBeCloseTo(730 * (0.25 * 0.03238 + 0.5 * 0.00356), 6);
  });

  test('every broker type of a stage has a price', () => {
    for (const { brokerType } of Object.values(platformShapes))
      expect(prices.kafkaBrokerHour[brokerType]).toBeGreaterThan(0);
  });

  test('idle it costs what does not grow; more jobs never cost less, and twice as many at most twice as much', () => {
    const fixed = totalOf(cost(1_000).filter(({ grows }) => !grows));
    expect(totalOf(cost(0).filter(({ grows }) => !grows))).toBe(fixed);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), (jobs) => {
        expect(totalOf(cost(jobs + 1))).toBeGreaterThan(totalOf(cost(jobs)));
        expect(totalOf(cost(2 * jobs))).toBeLessThanOrEqual(2 * totalOf(cost(jobs)));
      }),
    );
  });

  test('the short intervals of a laptop would cost more on AWS', () => {
    expect(totalOf(cost(100, localSettings))).toBeGreaterThan(totalOf(cost(100)));
  });
});
