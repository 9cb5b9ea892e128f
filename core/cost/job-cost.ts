// What one job costs a month on AWS, so that a change's price is seen before it is made.
import { fleetCost, totalOf } from '#core/cost/platform-cost.ts';
import { prices } from '#core/cost/price-table.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { awsSettings, type PlatformSettings } from '#core/graph/platform-settings.ts';

/** A paused job has no worker. On a laptop it is what the job would cost on AWS, with the intervals that are set there. */
export function jobCostMonthly({ goal, paused }: JobEntry, splits: number, { platform }: PlatformSettings): number {
  if (paused) return 0;
  const { workers, cpu, memoryMiB } = goal.resources;
  const worker = platform === 'local' ? awsSettings.worker : goal.settings;
  return totalOf(fleetCost({ jobs: 1, workersPerJob: workers, splitsPerJob: splits, cpu, memoryMiB }, worker, prices));
}
