// What a pass remembers of a job's health from one look to the next: since when something lasts, what was done, how often.

/** LeaderStalled: it beats, and shares nothing out. WorkerStalled: it beats, and takes no part. */
export type AilmentKind = 'LeaderStalled' | 'WorkerStalled' | 'CheckpointStale';

/**
 * `replaced`: the worker is told to end, and another takes its place. The others: nothing is restarted, because the job's
 * restart budget is spent, as many jobs show the same that the cause lies outside, or the worker itself says what refuses.
 */
export type AilmentHandling = 'replaced' | 'budget-spent' | 'fleet-wide' | 'outside';

export interface HealthRecord {
  /** Since when splits are held by nobody, or one worker has several and another none, although all report. */
  readonly unsharedSince?: number;
  readonly ailment?: {
    readonly kind: AilmentKind;
    readonly incarnation: number;
    /** As it was told when it was first seen. */
    readonly why: string;
    readonly since: number;
    readonly handled: AilmentHandling;
  };
  /** Workers that were replaced for what ailed them, of this render: counted against the restart budget. */
  readonly corrections?: {
    readonly render: string;
    readonly at: readonly number[];
    /** Of the last one. */
    readonly incarnation: number;
  };
}
