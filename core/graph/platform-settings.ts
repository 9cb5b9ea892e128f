// What the platform team sets for a whole installation; every job is compiled under it.
import type { WorkerSettings } from '#core/job/job-goal.ts';
import { limits } from '#core/limits.ts';

export interface PlatformSettings {
  /** Names the installation in tags, so that two of them in one account never touch each other's tasks. */
  readonly platform: string;
  /** Acknowledgements a durable write waits for; at most the broker's replication factor. */
  readonly minInsyncReplicas: number;
  readonly deadLetterRetentionMs: number;
  readonly worker: WorkerSettings;
  /** A task that never reported after this is given up. */
  readonly startDeadlineMs: number;
  /** A task that the runtime does not list is unknown, not gone, until this long after it was asked for. */
  readonly listingGraceMs: number;
}

const worker: WorkerSettings = {
  heartbeatMs: 1_000,
  leaseMs: 5_000,
  commitMs: 1_000,
  checkpointMs: 10_000,
  checkpointsKept: 10,
  lingerMs: 5,
  fetchWaitMs: 500,
  fetchBytesMax: limits.fetchBytesMax,
  compression: 'none',
  drainMs: 10_000,
};

/** One broker, one machine, nobody to pay for requests: short intervals. */
export const localSettings: PlatformSettings = {
  platform: 'local',
  minInsyncReplicas: 1,
  deadLetterRetentionMs: 7 * 86_400_000,
  worker,
  startDeadlineMs: 30_000,
  listingGraceMs: 5_000,
};

/** Every write to a table is paid for, and the runtime's listing lags. */
export const awsSettings: PlatformSettings = {
  platform: 'millrace',
  minInsyncReplicas: 2,
  deadLetterRetentionMs: 7 * 86_400_000,
  worker: {
    ...worker,
    heartbeatMs: 5_000,
    leaseMs: 20_000,
    commitMs: 5_000,
    checkpointMs: 60_000,
    compression: 'lz4',
    drainMs: 60_000,
  },
  startDeadlineMs: 180_000,
  listingGraceMs: 300_000,
};
