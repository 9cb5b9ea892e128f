// The oracle: with hindsight, the cheapest row of worker numbers that keeps the time to drain below the target, found by dynamic programming.
import { effectiveWorkers } from '#core/autoscale/decide-workers.ts';
import type { Shape } from './shapes.ts';

export interface OracleOptions {
  readonly drainSeconds: number;
  readonly max: number;
  readonly splits: number;
  /** How long a worker that is added is paid for before it works; the length of a step, too. */
  readonly restartSeconds: number;
}

export interface Schedule {
  readonly workerHours: number;
  readonly secondsAbove: number;
  readonly changes: number;
}

/** So many backlogs are told apart, of one second of one worker each; a backlog between two of them is taken for the smaller. */
const bucketSeconds = 4;
/** What changes nothing wins over what costs the same. */
const changeCost = 1e-3;

/**
 * Steps above the target count before any worker does. Since backlogs are rounded down, what it finds is a little cheaper
 * than what could be had: the ratio to it is a little too high, never too low.
 */
export function cheapestSchedule(shape: Shape, options: OracleOptions): Schedule {
  const { drainSeconds, max, splits, restartSeconds } = options;
  const steps = Math.floor((shape.hours * 3_600) / restartSeconds);
  const buckets = Math.ceil((2 * drainSeconds * max) / bucketSeconds);
  const arrives = Array.from({ length: steps }, (_, step) => arriving(shape, step, restartSeconds));
  // By number of workers.
  const worth = Array.from({ length: max + 1 }, (_, workers) =>
    workers === 0 ? 0 : effectiveWorkers(workers, splits),
  );
  const limit = worth.map((one) => (drainSeconds * one) / bucketSeconds);
  const after = (bucket: number, step: number, working: number): number => {
    const left = bucket + (arrives[step]! - worth[working]! * restartSeconds) / bucketSeconds;
    return left <= 0 ? 0 : left >= buckets ? buckets - 1 : left | 0;
  };
  const { choices, start } = decide();
  return follow();

  /** From the last step back to the first: for each number of workers and backlog, the number to go to. */
  function decide(): { readonly choices: readonly Uint8Array[]; readonly start: number } {
    const aboveCost = steps * max * 10;
    const decided: Uint8Array[] = [];
    let next = new Float64Array(buckets * max);
    for (let step = steps - 1; step >= 0; step--) {
      const cost = new Float64Array(buckets * max).fill(Number.POSITIVE_INFINITY);
      const choice = new Uint8Array(buckets * max);
      for (let workers = 1; workers <= max; workers++)
        for (let to = 1; to <= max; to++) {
          const working = Math.min(workers, to);
          const paid = to + (to === workers ? 0 : changeCost);
          for (let bucket = 0; bucket < buckets; bucket++) {
            const left = after(bucket, step, working);
            const total = paid + (left > limit[working]! ? aboveCost : 0) + next[(to - 1) * buckets + left]!;
            const state = (workers - 1) * buckets + bucket;
            if (total >= cost[state]!) continue;
            cost[state] = total;
            choice[state] = to;
          }
        }
      next = cost;
      decided[step] = choice;
    }
    const starts = Array.from({ length: max }, (_, index) => next[index * buckets]!);
    return { choices: decided, start: starts.indexOf(Math.min(...starts)) + 1 };
  }

  function follow(): Schedule {
    let [workers, bucket, paid, above, changes] = [start, 0, 0, 0, 0];
    for (let step = 0; step < steps; step++) {
      const to = choices[step]![(workers - 1) * buckets + bucket]!;
      const working = Math.min(workers, to);
      bucket = after(bucket, step, working);
      paid += to;
      if (bucket > limit[working]!) above++;
      if (to !== workers) changes++;
      workers = to;
    }
    return { workerHours: (paid * restartSeconds) / 3_600, secondsAbove: above * restartSeconds, changes };
  }
}

/** In seconds of one worker. */
function arriving({ load }: Shape, step: number, stepSeconds: number): number {
  let sum = 0;
  for (let second = step * stepSeconds; second < (step + 1) * stepSeconds; second += 5) sum += 5 * load(second);
  return sum;
}
