// How often a worker looks at what others of its job wrote: each look is two reads, which are paid for.
import type { WorkerSettings } from './job-goal.ts';

/** At the least so often, so that live settings arrive within seconds where heartbeats are rare. */
const roundMsMax = 2_500;
/** Where a lease is long because there are many workers, looking is rarer too. */
const roundsPerLease = 8;

/** Between two looks of a worker that awaits nothing, in ms. */
export const roundMs = ({ heartbeatMs, leaseMs }: Pick<WorkerSettings, 'heartbeatMs' | 'leaseMs'>): number =>
  Math.min(heartbeatMs, Math.max(roundMsMax, leaseMs / roundsPerLease));

/** While splits that are ours are still held by another worker, and at the start, the view is read this often at first. */
const eagerMsMin = 100;
/** What is awaited for long, or cannot be asked for, is asked for ever less often: many workers that start at once would hold each other up. */
const eagerGrowth = 1.5;

/** Gives, after each look, for how many ms to pause; `awaits`: something is awaited that may come at any moment. */
export function roundPauses(settings: Pick<WorkerSettings, 'heartbeatMs' | 'leaseMs'>): (awaits: boolean) => number {
  const calmMs = roundMs(settings);
  let eagerMs = eagerMsMin;
  return (awaits) => {
    const pauseMs = awaits ? Math.min(eagerMs, calmMs) : calmMs;
    eagerMs = awaits ? Math.min(eagerMs * eagerGrowth, calmMs) : eagerMsMin;
    return pauseMs;
  };
}
