// The world as one pass saw it, and the part of it that belongs to one job.
import type { Traffic } from '#core/autoscale/traffic.ts';
import type { SightedHeartbeat } from '#core/health/sight-beats.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import type { ObservedTopic } from '#core/ports/broker-admin.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';

/** `unknown`: the bucket could not be asked. */
export type EarlierGoal = JobGoal | 'unknown';

/** A part that could not be observed is null: unknown, which is never taken for empty. */
export interface Observed {
  readonly at: number;
  readonly topics: readonly ObservedTopic[] | null;
  readonly tasks: readonly ObservedTask[] | null;
  readonly heartbeats: readonly SightedHeartbeat[] | null;
  readonly controls: readonly ControlRecord[] | null;
  /** By job, of those jobs only that go by an earlier goal than the newest; of a job that is missing there is none that this version reads. */
  readonly earlier: ReadonlyMap<string, EarlierGoal>;
  /** By job, of those jobs only whose operations ask for it; a job that is missing could not be read. */
  readonly splits: ReadonlyMap<string, readonly SplitRecord[]>;
  /** By job, as far as it was watched for long enough. */
  readonly traffic?: ReadonlyMap<string, Traffic>;
}

export interface ObservedJob {
  readonly at: number;
  readonly tasks: readonly ObservedTask[];
  readonly heartbeats: readonly SightedHeartbeat[];
  readonly control: ControlRecord | null;
  /** The stored goal that it goes by where that is not the newest; null where it does, and where there is none any more. */
  readonly earlier: EarlierGoal | null;
  /** Null where they were not read. */
  readonly splits: readonly SplitRecord[] | null;
  /** Absent where it was not watched for long enough. */
  readonly traffic?: Traffic;
  /** By topic, of all that were described: which of them is its source depends on the goal that it goes by. Absent where none was. */
  readonly partitions?: ReadonlyMap<string, number>;
}
