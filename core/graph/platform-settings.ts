// What the platform team sets for a whole installation; every job is compiled under it.
import { type AutoscaleSettings, awsAutoscale, localAutoscale } from '#core/autoscale/settings.ts';
import type { ConfigSource } from '#core/config/layers.ts';
import type { WorkerSettings } from '#core/job/job-goal.ts';
import { limits } from '#core/limits.ts';
import { environment } from '#core/names.ts';
import { parseNetworks } from '#core/network/address.ts';
import { type GuardLimits, guardLimits } from '#core/plan/destruction-guard.ts';

/** What sinks and schema registries may be reached over HTTP. */
export interface SinkSettings {
  /** Beside the public internet: `10.0.0.0/8`, or the word `loopback`. */
  readonly networks: readonly string[];
  /** The cluster of OpenSearch sinks that name none. */
  readonly openSearchUrl: string | null;
  /** The schema registry of streams that name none. */
  readonly registryUrl: string | null;
}

export interface PlatformSettings {
  /** Names the installation in tags, so that two of them in one account never touch each other's tasks. */
  readonly platform: string;
  /** Acknowledgements a durable write waits for; at most the broker's replication factor. Null: left to the broker. */
  readonly minInsyncReplicas: number | null;
  readonly deadLetterRetentionMs: number;
  readonly worker: WorkerSettings;
  /** What the installation's own file and variable say beside it. */
  readonly config: { readonly files: readonly ConfigSource[]; readonly environment: readonly ConfigSource[] };
  readonly sinks: SinkSettings;
  /** In this time a new goal has to get somewhere, where its route does not say otherwise. */
  readonly progressWithinMs: number;
  /** A deletion can be undone for so long: until then events, positions and books of what was deleted are kept. */
  readonly deletionGraceMs: number;
  /** How many of a tenant's jobs a pass may end without asking: so many, or the share where that is more. */
  readonly guard: GuardLimits;
  readonly autoscale: AutoscaleSettings;
  /** What a job's output pauses for, as a rule, where its workers stop and others start in their place. */
  readonly stopStartPauseMs: number;
  /** A task that never reported after this is given up. */
  readonly startDeadlineMs: number;
  /** A task that the runtime does not list is unknown, not gone, until this long after it was asked for. */
  readonly listingGraceMs: number;
}

const worker: WorkerSettings = {
  heartbeatMs: 1_000,
  leaseMs: 5_000,
  commitMs: 1_000,
  transactionMs: 250,
  checkpointMs: 10_000,
  checkpointsKept: 10,
  lingerMs: 5,
  fetchWaitMs: 500,
  fetchBytesMax: limits.fetchBytesMax,
  compression: 'none',
  drainMs: 10_000,
};

/** What whoever runs the platform sets of it in the environment; what cannot be read is refused at the start. */
export function withEnvironment(
  settings: PlatformSettings,
  from: Readonly<Record<string, string | undefined>>,
): PlatformSettings {
  const networks = from[environment.sinkNetworks];
  const openSearchUrl = from[environment.openSearchUrl];
  const registryUrl = from[environment.registryUrl];
  const leaseMs = from[environment.leaseMs];
  return {
    ...settings,
    ...(leaseMs === undefined ? {} : stretched(settings, readLease(leaseMs))),
    ...(from[environment.minInsyncReplicas] === 'of-broker' ? { minInsyncReplicas: null } : {}),
    sinks: {
      networks: networks === undefined ? settings.sinks.networks : readNetworks(networks),
      openSearchUrl: openSearchUrl === undefined ? settings.sinks.openSearchUrl : openSearchUrl.replace(/\/+$/, ''),
      registryUrl: registryUrl === undefined ? settings.sinks.registryUrl : registryUrl.replace(/\/+$/, ''),
    },
  };
}

/**
 * Many workers on few cores: what each does by the clock is done less often, and one that waits for a core is not taken for
 * dead.
 */
function stretched(
  { worker, startDeadlineMs }: PlatformSettings,
  leaseMs: number,
): Pick<PlatformSettings, 'worker' | 'startDeadlineMs'> {
  const longer = (ms: number): number => Math.round((ms * leaseMs) / worker.leaseMs);
  return {
    worker: {
      ...{ ...worker, leaseMs, heartbeatMs: longer(worker.heartbeatMs), commitMs: longer(worker.commitMs) },
      // An idle worker is woken by its broker at this pace; one that ends waits for the last answer.
      fetchWaitMs: Math.min(longer(worker.fetchWaitMs), stretchedFetchWaitMsMax),
    },
    startDeadlineMs: longer(startDeadlineMs),
  };
}

const stretchedFetchWaitMsMax = 2_000;
const leaseBoundsMs = { min: 2_000, max: 300_000 };

function readLease(text: string): number {
  const ms = Number(text);
  if (Number.isInteger(ms) && ms >= leaseBoundsMs.min && ms <= leaseBoundsMs.max) return ms;
  throw new Error(
    `${environment.leaseMs}: got ${JSON.stringify(text)}, expected milliseconds from ${leaseBoundsMs.min} to ${leaseBoundsMs.max}`,
  );
}

function readNetworks(text: string): readonly string[] {
  const texts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== 'none');
  for (const one of texts)
    if (parseNetworks(one) === null)
      throw new Error(
        `${environment.sinkNetworks}: got ${JSON.stringify(one)}, expected networks such as loopback,10.0.0.0/8, or none`,
      );
  return texts;
}

/** One broker, one machine, nobody to pay for requests: short intervals. */
export const localSettings: PlatformSettings = {
  platform: 'local',
  minInsyncReplicas: 1,
  deadLetterRetentionMs: 7 * 86_400_000,
  worker,
  config: { files: [], environment: [] },
  sinks: { networks: ['loopback'], openSearchUrl: null, registryUrl: null },
  progressWithinMs: 60_000,
  deletionGraceMs: 3_600_000,
  guard: guardLimits,
  autoscale: localAutoscale,
  // Measured by the bench (docs/performance.md), rounded up.
  stopStartPauseMs: 2_000,
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
    compression: 'zstd',
    drainMs: 60_000,
  },
  config: { files: [], environment: [] },
  sinks: { networks: [], openSearchUrl: null, registryUrl: null },
  progressWithinMs: 600_000,
  deletionGraceMs: 86_400_000,
  guard: guardLimits,
  autoscale: awsAutoscale,
  // Taken on, not measured: to drain, and until a task has its network and its image.
  stopStartPauseMs: 60_000,
  startDeadlineMs: 180_000,
  listingGraceMs: 300_000,
};
