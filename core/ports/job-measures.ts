// The port to the figures of jobs that people and alarms look at: written once a minute, never read back by the platform.

export interface JobMeasure {
  readonly tenant: string;
  readonly job: string;
  /** 1 where a person should look: stalled, failed, quarantined or degraded. */
  readonly unhealthy: 0 | 1;
  /** This and the next: null where it is not known, or nobody has declared an alert on the job. */
  readonly lagMs: number | null;
  readonly deadLetterShare: number | null;
}

/** Best effort: a figure that is lost is followed by another a minute later. */
export type JobMeasures = (measures: readonly JobMeasure[], at: number) => void;
