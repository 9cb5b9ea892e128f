// What a worker says of itself, every heartbeat: the control loop's only source about progress (D6).
import type { Accounting } from '#core/job/accounting.ts';

/** starting: no split yet. draining: told to end. stuck: cannot go on without a person or a policy (see errors). */
export type WorkerState = 'starting' | 'running' | 'draining' | 'stuck';

export interface SplitHeartbeat {
  readonly split: string;
  readonly epoch: number;
  /** The next offset to commit: all before it is done with. Decimal text: offsets are 64-bit. */
  readonly position: string;
  readonly endPosition: string;
  readonly lagRecords: number;
  /** When the position last moved, or the split was last seen without lag (epoch ms, worker's clock). */
  readonly movedAt: number;
  /** When a broker last said where the split ends (epoch ms, worker's clock); `lagRecords` is as of then. */
  readonly seenAt: number;
}

export interface WorkerError {
  readonly at: number;
  readonly code: string;
  readonly message: string;
  readonly count: number;
}

export interface Heartbeat {
  readonly job: string;
  readonly uid: string;
  /** `<job id>/<incarnation>/<slot>`. */
  readonly worker: string;
  readonly incarnation: number;
  readonly slot: number;
  readonly revision: number;
  readonly render: string;
  /** Hash of the live settings that it goes by (live-settings.ts); older workers have none. */
  readonly live?: string;
  readonly state: WorkerState;
  /** Grows by one a heartbeat; an observer that sees it stand still for the lease's length knows the worker is gone. */
  readonly beat: number;
  readonly at: number;
  readonly startedAt: number;
  readonly pid: number;
  readonly leader: boolean;
  /** Since when it leads; absent while it does not, and of older workers. */
  readonly leadingSince?: number;
  /** When it last saw who is to have which split, and did its part in it; older workers do not say. */
  readonly lookedAt?: number;
  readonly splits: readonly SplitHeartbeat[];
  /** Of this incarnation. The job's whole account is the sum over its splits' items. */
  readonly accounting: Accounting;
  /** Records read and gathered for files, with when the oldest is written at the latest; absent or null where none are. */
  readonly gathering?: {
    readonly records: number;
    readonly bytes: number;
    readonly oldestAt: number;
    readonly dueAt: number;
  } | null;
  /** What was read, and what of it became dead letters, in about the last minute; older workers do not say. */
  readonly lastMinute?: { readonly in: number; readonly deadLettered: number };
  readonly inPerSecond: number;
  readonly outPerSecond: number;
  /** Uses of a schemaless value as a type that it does not have (NULL then), since the worker started; older workers do not say. */
  readonly mismatches?: number;
  /** Share of the last interval in which the worker was not waiting, 0 to 1. */
  readonly busyRatio: number;
  readonly rssMiB: number;
  /** now − event time (or record timestamp) of the newest record processed; null before the first. */
  readonly freshnessMs: number | null;
  /** `at`: when it was taken, or last seen to hold all that is committed. */
  readonly lastCheckpoint: { readonly sequence: number; readonly at: number } | null;
  /** The latest distinct errors, newest first, at most limits.heartbeatErrorsMax. */
  readonly errors: readonly WorkerError[];
}

/** By its own heartbeats: one that ended right after its start grows no older by being remembered. */
export const hasReportedFor = (spanMs: number, { at, startedAt }: Pick<Heartbeat, 'at' | 'startedAt'>): boolean =>
  at - startedAt >= spanMs;
