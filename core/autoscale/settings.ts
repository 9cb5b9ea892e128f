// What the platform team sets for the autoscaler of a whole installation.

export interface AutoscaleSettings {
  /** Rates are measured over this time. */
  readonly windowMs: number;
  /** Workers are given back only after so long without need of them, at least. */
  readonly calmMs: number;
  /** And so many times as long as a change takes: what it costs has to come back. */
  readonly calmRestarts: number;
  /** Jobs whose number of workers changes, by one pass and within an hour: so many, or the share of all that may where that is more. */
  readonly changesPerPass: number;
  readonly changesPerHour: { readonly min: number; readonly share: number };
}

/** Heartbeats come by the second, and a worker starts in one. */
export const localAutoscale: AutoscaleSettings = {
  ...{ windowMs: 10_000, calmMs: 120_000, calmRestarts: 10 },
  ...{ changesPerPass: 10, changesPerHour: { min: 30, share: 0.5 } },
};

export const awsAutoscale: AutoscaleSettings = {
  ...{ windowMs: 120_000, calmMs: 900_000, calmRestarts: 10 },
  ...{ changesPerPass: 50, changesPerHour: { min: 50, share: 0.5 } },
};
