// The world as one pass saw it, and the part of it that belongs to one job.
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { ObservedTopic } from '#core/ports/broker-admin.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';

/** A part that could not be observed is null: unknown, which is never taken for empty. */
export interface Observed {
  readonly at: number;
  readonly topics: readonly ObservedTopic[] | null;
  readonly tasks: readonly ObservedTask[] | null;
  readonly heartbeats: readonly Heartbeat[] | null;
  readonly controls: readonly ControlRecord[] | null;
  /** By job, of those jobs only whose operations ask for it; a job that is missing could not be read. */
  readonly splits: ReadonlyMap<string, readonly SplitRecord[]>;
}

export interface ObservedJob {
  readonly at: number;
  readonly tasks: readonly ObservedTask[];
  readonly heartbeats: readonly Heartbeat[];
  readonly control: ControlRecord | null;
  /** Null where they were not read. */
  readonly splits: readonly SplitRecord[] | null;
}
