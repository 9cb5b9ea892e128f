// The platform's cost: by hand for one line, and the relations that must hold for all.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Fleet, platformCost, totalOf } from '#core/cost/platform-cost.ts';
import { platformShapes } from '#core/cost/platform-shapes.ts';
import { prices } from '#core/cost/price-table.ts';
import { biggestLevers, costBySize, idleCost } from '#core/cost/summarize-cost.ts';
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

  test('idle it costs what stands and the sweep over nothing, and each size of fleet that and what its jobs add', () => {
    const idle = idleCost(platformShapes.prod, fleet(5), awsSettings, prices);
    expect(idle).toBe(totalOf(cost(0)));
    const sizes = costBySize(platformShapes.prod, fleet(5), awsSettings, prices);
    expect(sizes[0]).toEqual({ jobs: 0, monthly: idle, perJob: null, isBeyond: false });
    for (const { jobs, monthly, perJob } of sizes.slice(1)) expect(idle + jobs * perJob!).toBeCloseTo(monthly, 4);
    const twoEach = costBySize(platformShapes.prod, { ...fleet(5), workersPerJob: 2 }, awsSettings, prices);
    expect(twoEach.map(({ isBeyond }) => isBeyond)).toEqual([false, false, false, false, true]);
  });

  test('the biggest levers are the dearest parts that something can be done about', () => {
    const levers = biggestLevers(cost(10_000));
    expect(levers.map(({ what }) => what.split(':')[0])).toEqual(['Workers', 'Commits', 'Heartbeats']);
    expect(biggestLevers(cost(0)).map(({ what }) => what.split(':')[0])).toEqual(['Kafka', 'Kafka', 'Endpoints']);
    expect(levers[0]!.share).toBeCloseTo(levers[0]!.monthly / totalOf(cost(10_000)), 6);
  });

  test('the table in the docs is what the command says', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/operate/cost.md'), 'utf8');
    const dollars = (amount: number): string => `$${Math.round(amount).toLocaleString('en-US')}`;
    const rows = Object.entries(platformShapes).map(([stage, shape]) => {
      const cells = costBySize(shape, fleet(0), awsSettings, prices).map(({ monthly, isBeyond }) =>
        isBeyond ? ' |' : ` ${dollars(monthly)} |`,
      );
      return `| ${stage} |${cells.join('')}`;
    });
    for (const row of rows) expect(page).toContain(row);
    const each = costBySize(platformShapes.prod, fleet(0), awsSettings, prices)[1]!.perJob!;
    expect(page).toContain(`A job adds $${each.toFixed(2)} whatever their number`);
  });

  test('what does not grow is the same for any fleet; more jobs never cost less, and twice as many at most twice as much', () => {
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
