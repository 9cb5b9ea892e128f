// What the platform tells people of a job: one phase, and conditions with the evidence they stand on.
import type { Accounting } from '#core/job/accounting.ts';
import type { ScaleMode } from '#core/spec/autoscale.ts';

export type JobPhase =
  | 'Pending'
  | 'Deploying'
  | 'Running'
  | 'Degraded'
  | 'Paused'
  | 'Stalled'
  | 'Quarantined'
  | 'Failed'
  | 'Stopped';

export type ConditionType =
  | 'Progressing'
  | 'InSync'
  | 'CheckpointFresh'
  | 'Balanced'
  | 'Stable'
  | 'Led'
  | 'RuntimeAgrees'
  | 'UpstreamAlive'
  | 'Quiet'
  | 'Scaled';

export interface Condition {
  readonly type: ConditionType;
  readonly status: 'true' | 'false' | 'unknown';
  /** CamelCase. */
  readonly reason: string;
  /** With numbers: "4/4 splits moved in 15 s". */
  readonly message: string;
}

export interface WorkerStatus {
  readonly worker: string;
  readonly taskId: string | null;
  readonly pid: number | null;
  readonly incarnation: number;
  readonly slot: number;
  readonly state: string;
  readonly since: number;
  readonly splits: number;
  readonly rssMiB: number | null;
  readonly log: string | null;
}

/** How many workers a job is to have, and why. */
export interface ScaleStatus {
  readonly mode: ScaleMode;
  readonly workers: number;
  readonly declared: number;
  /** Whose number it is. */
  readonly by: 'declaration' | 'autoscaler';
  /** When the autoscaler chose it, and why; null where it did not. */
  readonly since: number | null;
  readonly why: string | null;
  readonly min: number;
  readonly max: number;
  readonly drainMs: number;
  /** What it would do and does not; `state` is `advised`, or what is in the way. */
  readonly wish: {
    readonly state: string;
    readonly workers: number;
    readonly why: string;
    readonly since: number;
  } | null;
  /** As measured; null: not yet. */
  readonly restartMs: number | null;
  readonly capacityPerSecond: number | null;
}

export interface JobStatus {
  readonly phase: JobPhase;
  /** One sentence: why this phase, and what to do where a person has to. */
  readonly message: string;
  readonly conditions: readonly Condition[];
  readonly observedRevision: number;
  readonly runningRevision: number | null;
  /** The newest that has got somewhere: what another one is tried beside, and makes room for; null where none has yet. */
  readonly provenRevision: number | null;
  readonly lag: {
    /** Null while no worker reports, or not all splits are held. */
    readonly records: number | null;
    /** At the current rate; null when unknown or never. */
    readonly drainMs: number | null;
    /** Of the worker that is furthest behind, among those behind which events wait; null before the first record. */
    readonly freshnessMs: number | null;
  };
  readonly accounting: Accounting;
  /** Uses of a schemaless value as a type that it does not have (NULL then), by the live workers since they started. */
  readonly mismatches: number;
  /** Dead letters among what the live workers read in the last minute; null where they read nothing. */
  readonly deadLetterShare: number | null;
  readonly inPerSecond: number;
  readonly outPerSecond: number;
  readonly workers: readonly WorkerStatus[];
  readonly scale: ScaleStatus;
}
