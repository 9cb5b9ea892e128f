// The place of a worker that tries a new revision, and the share of the splits that goes with it.
import { assignSplits } from '#core/graph/assign-splits.ts';

/** Above every slot that a job can want. A worker's name tells its slot, so whoever shares splits out knows it for what it is. */
export const canarySlot = 9_999;
/** Of the splits, as long as that is one of them. */
const share = 0.1;

export const isCanary = (worker: string): boolean => worker.endsWith(`/${canarySlot}`);

/** Never all of them: of a single split nothing is left to compare with. */
export const canarySplits = (splitCount: number): number =>
  splitCount < 2 ? 0 : Math.max(1, Math.floor(splitCount * share));

/**
 * As `assignSplits`, with a worker on trial among the workers: it has its share and no more, also while nobody else is there;
 * the others share the rest evenly. What it has it keeps; what it lacks it gets from those that have the most.
 */
export function shareOutSplits(
  splits: readonly string[],
  workers: readonly string[],
  current: Readonly<Record<string, string>>,
): Record<string, string> {
  const canary = workers.filter(isCanary).sort().at(-1);
  const others = workers.filter((worker) => !isCanary(worker));
  if (canary === undefined) return assignSplits(splits, others, current);
  const sorted = [...new Set(splits)].sort();
  const loads = new Map(others.map((worker) => [worker, sorted.filter((split) => current[split] === worker).length]));
  const rank = (split: string): number =>
    current[split] === canary ? Number.POSITIVE_INFINITY : (loads.get(current[split] ?? '') ?? 0);
  const tried = sorted.sort((a, b) => rank(b) - rank(a) || (a < b ? -1 : 1)).slice(0, canarySplits(sorted.length));
  const rest = splits.filter((split) => !tried.includes(split));
  const owners = {
    ...assignSplits(rest, others, current),
    ...Object.fromEntries(tried.map((split) => [split, canary])),
  };
  return Object.fromEntries(Object.entries(owners).sort(([a], [b]) => (a < b ? -1 : 1)));
}
