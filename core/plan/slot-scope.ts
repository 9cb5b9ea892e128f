// What the decision about one worker slot is made from, and what it is made of.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { judgeSlot, type SlotHealth } from '#core/health/worker-health.ts';
import type { Action } from '#core/plan/action.ts';
import { jobEvent } from '#core/plan/job-event.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { taskIncarnation } from '#core/plan/task-tags.ts';
import type { SlotRecord } from '#core/ports/control-store.ts';
import type { PlatformEvent } from '#core/ports/goal-store.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';
import type { Json } from '#core/spec/json.ts';

/** What is decided for one slot: its record afterwards (null: the slot is gone), and what to do. */
export interface SlotDecision {
  readonly record: SlotRecord | null;
  readonly actions: readonly Action[];
  readonly events: readonly PlatformEvent[];
  readonly settled: boolean;
  readonly nextPassAt?: number;
}

export interface JobScope {
  readonly entry: JobEntry;
  readonly observed: ObservedJob;
  readonly settings: PlatformSettings;
  readonly now: number;
  /** Why no worker is wanted at all; null where some are. */
  readonly whyNone: string | null;
  /** Hands out incarnations, each once. */
  readonly nextIncarnation: () => number;
  /** So many jobs ail at once that the cause lies outside: whoever works is left alone. */
  readonly isFleetWide: boolean;
}

export const latestHeartbeat = (scope: JobScope, incarnation: number) =>
  scope.observed.heartbeats.find((heartbeat) => heartbeat.incarnation === incarnation) ?? null;

export const taskOf = (scope: JobScope, incarnation: number) =>
  scope.observed.tasks.find((task) => taskIncarnation(task) === incarnation) ?? null;

export function healthOf(scope: JobScope, record: SlotRecord): { health: SlotHealth; task: ObservedTask | null } {
  const task = taskOf(scope, record.incarnation);
  const heartbeat = latestHeartbeat(scope, record.incarnation);
  const deadlines = { ...scope.settings, leaseMs: scope.entry.goal.settings.leaseMs };
  return { health: judgeSlot({ now: scope.now, slot: record, task, heartbeat }, deadlines), task };
}

export const scopeEvent = (
  scope: JobScope,
  severity: PlatformEvent['severity'],
  reason: string,
  message: string,
  evidence?: object,
): PlatformEvent => {
  const { goal } = scope.entry;
  // A replay's story is told among its job's.
  return jobEvent(
    goal,
    scope.now,
    severity,
    reason,
    goal.replay ? `Replay: ${message}` : message,
    evidence as Json | undefined,
  );
};
