// One worker slot judged from three sides: what the reconciler decided, what the runtime says, what the worker says.
import type { SightedHeartbeat } from '#core/health/sight-beats.ts';
import type { SlotRecord } from '#core/ports/control-store.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';

export interface SlotFacts {
  readonly now: number;
  readonly slot: SlotRecord;
  readonly task: ObservedTask | null;
  readonly heartbeat: SightedHeartbeat | null;
}

export interface SlotDeadlines {
  readonly leaseMs: number;
  readonly startDeadlineMs: number;
  readonly listingGraceMs: number;
}

export type SlotHealth =
  /** Reports, and its task is there (or the listing lags). */
  | { readonly kind: 'alive'; readonly listed: boolean; readonly lookAgain: boolean }
  /** Asked for, not heard of yet. `listed` false: asking again with the same token is harmless, and repairs a lost request. */
  | { readonly kind: 'starting'; readonly listed: boolean }
  /** First seen, and its beat is old by its own word: watched for a lease before anything is done. */
  | { readonly kind: 'unsure' }
  /** On its way out; whether it still works is in its heartbeat. */
  | { readonly kind: 'stopping'; readonly reporting: boolean }
  /** Its task runs, but it has been silent for longer than its lease: cut off, stopped or hung. It may wake up. */
  | { readonly kind: 'silent'; readonly silentMs: number }
  /** Its task runs, but it never reported. */
  | { readonly kind: 'never-reported'; readonly waitedMs: number }
  /** It is certain to be over. */
  | { readonly kind: 'over'; readonly exitCode: number | null; readonly reason: string; readonly livedMs: number }
  /** Not listed for longer than a listing may lag, and silent: as good as over, but it may wake up. */
  | { readonly kind: 'lost' };

/** Heartbeats bear the observer's times (sight-beats.ts); one that nobody is sure of is neither silent nor alive yet. */
export function judgeSlot(facts: SlotFacts, deadlines: SlotDeadlines): SlotHealth {
  const { now, slot, task, heartbeat } = facts;
  const silentMs = heartbeat ? now - heartbeat.at : Number.POSITIVE_INFINITY;
  const reporting = silentMs <= deadlines.leaseMs;
  const sinceStartMs = now - slot.startedAt;
  if (task?.state === 'stopped') {
    const reason = task.stopReason ?? 'the task stopped';
    return {
      kind: 'over',
      exitCode: task.exitCode ?? null,
      reason,
      livedMs: Math.max(0, (task.stoppedAt ?? now) - task.createdAt),
    };
  }
  const mayReport = reporting || heartbeat?.certainty === 'unsure';
  if (task?.state === 'stopping') return { kind: 'stopping', reporting: mayReport };
  if (heartbeat?.certainty === 'unsure') return { kind: 'unsure' };
  if (reporting) return { kind: 'alive', listed: task !== null, lookAgain: heartbeat?.certainty === 'suspect' };
  if (task === null)
    return sinceStartMs <= deadlines.listingGraceMs ? { kind: 'starting', listed: false } : { kind: 'lost' };
  if (heartbeat) return { kind: 'silent', silentMs };
  return sinceStartMs <= deadlines.startDeadlineMs
    ? { kind: 'starting', listed: true }
    : { kind: 'never-reported', waitedMs: sinceStartMs };
}
