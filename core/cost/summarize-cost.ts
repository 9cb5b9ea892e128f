// What a person asks of a platform's cost: what it is idle, what a job adds, how that changes with the fleet, and what would make it less.
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { type CostLine, type Fleet, type PlatformShape, platformCost, totalOf } from './platform-cost.ts';
import type { PriceTable } from './price-table.ts';

export interface SizeCost {
  readonly jobs: number;
  readonly monthly: number;
  /** What each job adds to the idle platform; null where there is none. */
  readonly perJob: number | null;
  /** More workers than the stage is made for: its brokers and quotas have to grow with them, and that is not in the figure. */
  readonly isBeyond: boolean;
}

/** A part that something can be done about. */
export interface Lever {
  readonly what: string;
  readonly lever: string;
  readonly monthly: number;
  /** Of the whole. */
  readonly share: number;
}

const fleetSizes = [10, 100, 1_000, 10_000];
const leversMax = 3;

type Settings = Pick<PlatformSettings, 'worker'>;

/** With no job at all: what stands, and the sweep over nothing. */
export const idleCost = (shape: PlatformShape, fleet: Fleet, settings: Settings, prices: PriceTable): number =>
  totalOf(platformCost(shape, { ...fleet, jobs: 0 }, settings, prices));

/** Fleets of the same jobs, from none on. */
export function costBySize(
  shape: PlatformShape,
  fleet: Fleet,
  settings: Settings,
  prices: PriceTable,
): readonly SizeCost[] {
  const idle = idleCost(shape, fleet, settings, prices);
  return [0, ...fleetSizes].map((jobs) => {
    const monthly = totalOf(platformCost(shape, { ...fleet, jobs }, settings, prices));
    const perJob = jobs === 0 ? null : (monthly - idle) / jobs;
    return { jobs, monthly, perJob, isBeyond: jobs * fleet.workersPerJob > shape.tasksMax };
  });
}

/** The dearest first. */
export function biggestLevers(lines: readonly CostLine[]): readonly Lever[] {
  const whole = totalOf(lines);
  return lines
    .filter(({ lever, monthly }) => lever !== '-' && monthly > 0)
    .toSorted((a, b) => b.monthly - a.monthly)
    .slice(0, leversMax)
    .map(({ what, lever, monthly }) => ({ what, lever, monthly, share: monthly / whole }));
}
