// The port to the reconciler's own memory: per job what it decided last. Losing it costs time, never correctness.
import type { HealthRecord } from '#core/health/health-record.ts';
import type { Accounting } from '#core/job/accounting.ts';

/** One worker of a slot, as the reconciler last decided. */
export interface PlacedWorker {
  /** Of the worker that was last started in this slot. */
  readonly incarnation: number;
  /** Hash of all that shapes the worker's process: goal, size, restart floor. Another hash means another worker. */
  readonly render: string;
  readonly startedAt: number;
  /** Failed starts and early deaths in a row; the backoff grows with it. */
  readonly failureCount: number;
  /** Not before. */
  readonly nextStartAt: number;
  /** Ends in a row, of workers of this goal, that were their own fault; absent where there was none. */
  readonly faults?: {
    readonly count: number;
    readonly last: string;
    /** When, the latest few: the restart budget is counted by them. */
    readonly at?: readonly number[];
  };
  /** Since when it is not started again, its restart budget being spent; a goal of another shape begins anew. */
  readonly quarantinedAt?: number;
}

export interface SlotRecord extends PlacedWorker {
  /** Since when its worker reports and the runtime does not know it; absent while both agree. */
  readonly unlistedSince?: number;
  /** When workers of it were replaced that the runtime and their own word disagreed on, of the restart budget's span. */
  readonly drifts?: readonly number[];
  /** Of a newer goal, started beside it: it has the slot once it reports and reads. */
  readonly successor?: PlacedWorker;
}

/** What the autoscaler has chosen, learned and told of a job. */
export interface ScaleRecord {
  /** What was chosen; absent where as many run as are declared. */
  readonly workers?: number;
  /** The declared number when that began: another one there begins anew. */
  readonly declared: number;
  /** Of the workers that `capacity` was seen of. */
  readonly render: string;
  readonly last?: {
    readonly at: number;
    readonly from: number;
    readonly to: number;
    readonly why: string;
    /** Records a second that the job got through before; null: not known. */
    readonly done: number | null;
    /** When all workers of the new number were reading; null: not yet. */
    readonly settledAt: number | null;
  };
  /** When it changed, of the last hour: the fleet's budget is counted by them. */
  readonly changes: readonly number[];
  /** From a change until all workers read, as measured. */
  readonly restartMs?: number;
  /** Records a second of one worker. */
  readonly capacity?: number;
  /** How often workers were given back that were needed soon after. */
  readonly regrets?: number;
  /** What it would do and does not: told once. `state`: `advised`, or what is in the way. */
  readonly wish?: { readonly state: string; readonly to: number; readonly why: string; readonly at: number };
}

export interface ControlRecord {
  readonly job: string;
  readonly uid: string;
  /** For compare-and-set: grows by one a write. */
  readonly version: number;
  /** Highest incarnation ever given out; never goes back. */
  readonly incarnationLast: number;
  /** Highest revision of the goal ever acted upon: a goal store that went back in time is noticed by it. */
  readonly revisionActed: number;
  /** The goal that the slots were last brought to; absent in records of older versions. */
  readonly acted?: { readonly revision: number; readonly render: string; readonly paused: boolean };
  /** The newest goal that has got somewhere: what one that does not is rolled back to. */
  readonly good?: { readonly revision: number; readonly render: string };
  /** The goal that has yet to get somewhere, and since when it is tried. */
  readonly rollout?: {
    readonly render: string;
    readonly since: number;
    /** Why no worker ran when it began: the job was paused, or all had ended so that positions were set; absent where some ran. */
    readonly after?: 'pause' | 'placing';
    /** When the first worker of another goal was asked to end for it; absent where none was. */
    readonly stoppedAt?: number;
    /** When all splits were being read again. */
    readonly flowsAt?: number;
  };
  /** A goal that got nowhere in its time: it is not tried again until there is another. */
  readonly failed?: { readonly revision: number; readonly render: string; readonly at: number; readonly why: string };
  /** The goal that is tried on a share of the splits, its worker in the slot of its own (core/canary); absent where none is. */
  readonly canary?: {
    readonly render: string;
    readonly revision: number;
    readonly since: number;
    readonly baseline: Readonly<Record<string, Accounting>>;
    /** Since when it has the rest of the splits as well: it counts as the goal from then on. */
    readonly promotedAt?: number;
  };
  readonly slots: Readonly<Record<string, SlotRecord>>;
  /** Phase and conditions that were last announced as events, so that a transition is announced once. */
  readonly announced: Readonly<Record<string, string>>;
  /** Workers that were declared dead and that the workers' table still knows, by name, with when; absent where there is none. */
  readonly fenced?: Readonly<Record<string, number>>;
  /** Tasks as the last pass observed them, for `get jobs`. */
  readonly tasks: readonly ControlTask[];
  /** Restart operations up to this sequence are carried out. */
  readonly restartSequence: number;
  /** Rewinds and switches up to this sequence have set their positions; absent (0) in records of older versions. */
  readonly placedSequence?: number;
  /**
   * When the last of them was asked for. After a restored backup of the goal store sequences come again: one that was asked
   * for later is another. Absent in records of older versions.
   */
  readonly placedRequestedAt?: number;
  /** When the first worker was asked to end for the rewind or switch under way; absent where there is none. */
  readonly rewindBegunAt?: number;
  /** Absent where the autoscaler has nothing to remember. */
  readonly scale?: ScaleRecord;
  /** What ails it although its workers report; absent where nothing is to be remembered. */
  readonly health?: HealthRecord;
}

export interface ControlTask {
  readonly taskId: string;
  readonly worker: string;
  readonly incarnation: number;
  readonly slot: number;
  readonly state: string;
  readonly since: number;
  readonly pid?: number;
  readonly log?: string;
}

/** Writes are compare-and-set by `version` and linearizable; reads are strongly consistent (a listing need not be). */
export interface ControlStore {
  read(job: string): Promise<ControlRecord | null>;
  /** By job; those that are not there are not in it. Each is as consistent as by itself. */
  readMany(jobs: readonly string[]): Promise<ReadonlyMap<string, ControlRecord>>;
  list(): Promise<readonly ControlRecord[]>;
  /** Writes `record` if the stored version is `record.version - 1` (0: none is stored). */
  write(record: ControlRecord): Promise<'written' | 'stale'>;
  remove(job: string, version: number): Promise<'removed' | 'stale'>;
}
