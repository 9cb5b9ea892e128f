// A job's compiled goal: all that a worker needs to know, and nothing it has to ask anybody for.
import type { RouteProgram } from '#core/expression/index.ts';
import type { FormatGoal } from '#core/job/format-goal.ts';
import type { SinkGoal } from '#core/job/sink-goal.ts';
import type { OperatorProgram } from '#core/operators/operator.ts';
import type { Delivery } from '#core/spec/delivery.ts';
import type { ErrorPolicy } from '#core/spec/error-policy.ts';
import type { StartPosition } from '#core/spec/route-spec.ts';

/** How often a worker does what; set by the platform, not by the route's author. */
export interface WorkerSettings {
  readonly heartbeatMs: number;
  /** A worker that could not renew for this long (its own monotonic clock) stops by itself; others may take its splits after it. */
  readonly leaseMs: number;
  readonly commitMs: number;
  /** Exactly-once: how long a transaction is written to before it is committed; until then nobody sees its output. */
  readonly transactionMs: number;
  readonly checkpointMs: number;
  readonly checkpointsKept: number;
  /** Output waits at most this long for company in its batch. */
  readonly lingerMs: number;
  readonly fetchWaitMs: number;
  readonly fetchBytesMax: number;
  readonly compression: 'none' | 'lz4' | 'zstd';
  readonly drainMs: number;
}

/** A job that reads dead letters again: which of them, and how fast. */
export interface ReplayGoal {
  readonly errorClass: string | null;
  readonly errorCode: string | null;
  readonly where: RouteProgram | null;
  /** Of the topic that the ends are of: what is in one that was made anew is left. Absent in goals of older versions. */
  readonly topicId?: string;
  /** By partition: those from there on are left. */
  readonly ends: Readonly<Record<number, number>>;
  readonly recordsPerSecond: number;
}

export interface JobGoal {
  /** 2 where there are operators, 3 where there are formats: a worker that does not know them must not pass events by them. */
  readonly formatVersion: 1 | 2 | 3;
  /** `<tenant>/<job name>@<uid>` (names.ts `jobId`): the key of everything that this life of the job owns in tables and buckets. */
  readonly id: string;
  readonly tenant: string;
  /** `<route>.<sink>`. */
  readonly name: string;
  readonly route: string;
  /** Of this life of the route's name; state of another uid is never adopted. */
  readonly uid: string;
  /** The route's revision that this goal was compiled from. */
  readonly revision: number;
  readonly owner: string;
  readonly source: {
    readonly stream: string;
    readonly topic: string;
    readonly start: StartPosition;
    /** Absent: records are JSON as they stand. */
    readonly format?: FormatGoal;
  };
  /** What is done before the program, in this order; absent in a job without. */
  readonly operators?: readonly OperatorProgram[];
  readonly program: RouteProgram;
  /** `select` of the event time alone, for the freshness figure; null where the stream declares none. */
  readonly eventTime: RouteProgram | null;
  readonly sink: SinkGoal;
  readonly deadLetterTopic: string;
  readonly delivery: Delivery;
  readonly errors: ErrorPolicy;
  /** Records that the job reads a second at most; null: as many as it can. */
  readonly throttle: number | null;
  readonly resources: { readonly workers: number; readonly cpu: number; readonly memoryMiB: number };
  readonly stalledAfterMs: number;
  readonly settings: WorkerSettings;
  /** Only of a replay: its source holds dead letters. */
  readonly replay?: ReplayGoal;
}
