// The closed list of what a pass can do to the world; each action is idempotent.

import type { JobGoal } from '#core/job/job-goal.ts';
import type { StoredLive } from '#core/job/live-settings.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { OperationEnding, PlatformEvent } from '#core/ports/goal-store.ts';
import type { Placement, SplitRecord } from '#core/ports/split-store.ts';

export type Action =
  | {
      readonly kind: 'create-topic';
      readonly topic: string;
      readonly partitions: number;
      readonly config: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'grow-topic'; readonly topic: string; readonly partitions: number }
  | {
      readonly kind: 'configure-topic';
      readonly topic: string;
      readonly config: Readonly<Record<string, string | null>>;
    }
  /** Only as long as nothing that could want the topic was declared after `goalSequence`. */
  | {
      readonly kind: 'delete-topic';
      readonly topic: string;
      readonly tenant: string;
      readonly stream: string;
      readonly goalSequence: number;
    }
  | {
      readonly kind: 'start-worker';
      readonly goal: JobGoal;
      readonly worker: string;
      readonly incarnation: number;
      readonly slot: number;
      readonly render: string;
      readonly clientToken: string;
    }
  | { readonly kind: 'stop-worker'; readonly job: string; readonly taskId: string; readonly why: string }
  /** Declares a worker dead, so that its splits are free at once and its writes are refused. */
  | { readonly kind: 'fence-worker'; readonly job: string; readonly worker: string }
  /** Tells an event with the last lines that the task has logged, as far as the runtime can show them. */
  | { readonly kind: 'tell-with-log'; readonly taskId: string; readonly event: PlatformEvent }
  /** Settings for running workers to take over. */
  | { readonly kind: 'set-live'; readonly job: string; readonly live: StoredLive }
  /** Forgets a worker's items once its task is certain to be over. */
  | { readonly kind: 'forget-worker'; readonly job: string; readonly worker: string }
  /**
   * Removes the splits', workers' and control items of a job whose life is over. `goalSequence`: nothing is removed where its
   * route has changed since, and the mark goes; null where some of it may be gone already.
   */
  | {
      readonly kind: 'clear-job';
      readonly job: string;
      readonly controlVersion: number;
      readonly goalSequence: number | null;
    }
  | {
      readonly kind: 'finish-operation';
      readonly tenant: string;
      readonly id: string;
      readonly ending: OperationEnding;
    }
  /** Makes a split's item, unless it is there. */
  | { readonly kind: 'create-split'; readonly job: string; readonly record: SplitRecord }
  /** Sets a split's position, unless somebody has taken or set it since it was seen. */
  | { readonly kind: 'place-split'; readonly job: string; readonly seen: SplitRecord; readonly placement: Placement }
  | {
      readonly kind: 'confirm-removed';
      readonly tenant: string;
      readonly of: 'Stream' | 'Route';
      readonly name: string;
      readonly revision: number;
    };

/**
 * What one pass decided for one target. Carried out in order: `control` first, by compare-and-set, so that of two
 * passes that decided on the same observation only one acts; then the actions; then the events are announced.
 */
export interface Decision {
  /** A job's id, a topic, or a deleted name: for logs, and for failures to stay with their target. */
  readonly target: string;
  readonly control: ControlRecord | null;
  readonly actions: readonly Action[];
  readonly events: readonly PlatformEvent[];
  /** Whether a further pass soon has something to see: a worker on its way up or down. */
  readonly settled: boolean;
  /** Nothing before then is worth another pass (a backoff's end); absent when settled. */
  readonly nextPassAt?: number;
}

/** Left as it is in this pass. */
export const leftAlone = (target: string): Decision => ({
  ...{ target, control: null, actions: [], events: [], settled: true },
});
