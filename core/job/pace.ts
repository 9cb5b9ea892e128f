// How often a worker looks at what others of its job wrote: each look is two reads, which are paid for.
import type { WorkerSettings } from './job-goal.ts';

/** At the least so often, so that live settings arrive within seconds where heartbeats are rare. */
const roundMsMax = 2_500;
/** Where a lease is long because there are many workers, looking is rarer too. */
const roundsPerLease = 8;

/** Between two looks of a worker that awaits nothing, in ms. */
export const roundMs = ({ heartbeatMs, leaseMs }: Pick<WorkerSettings, 'heartbeatMs' | 'leaseMs'>): number =>
  Math.min(heartbeatMs, Math.max(roundMsMax, leaseMs / roundsPerLease));
