// Where the runtime's word on a worker and the worker's own differ: remembered, and believed when it is no blink.
import type { SlotHealth } from '#core/health/worker-health.ts';
import { type JobScope, latestHeartbeat, taskOf } from '#core/plan/slot-scope.ts';
import type { SlotRecord } from '#core/ports/control-store.ts';

/** A listing may lag: from when on it did not show a worker that reports is remembered, and forgotten when it does. */
export function noteListing(scope: JobScope, record: SlotRecord, health: SlotHealth): SlotRecord {
  if (health.kind !== 'alive') return record;
  const { unlistedSince, ...rest } = record;
  if (health.listed) return unlistedSince === undefined ? record : rest;
  const isYoung = scope.now - record.startedAt <= scope.settings.listingGraceMs;
  return isYoung || unlistedSince !== undefined ? record : { ...record, unlistedSince: scope.now };
}

/** No blink: not listed for twice as long as a listing may lag. */
export const isUnlistedForLong = ({ unlistedSince }: SlotRecord, now: number, listingGraceMs: number): boolean =>
  unlistedSince !== undefined && now - unlistedSince > listingGraceMs;

export const isDrifting = (scope: JobScope, record: SlotRecord): boolean =>
  !scope.isFleetWide && isUnlistedForLong(record, scope.now, scope.settings.listingGraceMs);

/** What the two say, side by side. */
export function driftOf(scope: JobScope, record: SlotRecord, worker: string): object {
  const heartbeat = latestHeartbeat(scope, record.incarnation);
  const task = taskOf(scope, record.incarnation);
  return {
    ...{ worker, runtime: task?.state ?? 'unknown', task: task?.taskId ?? null },
    ...{ lastBeatAt: heartbeat?.at ?? null, beat: heartbeat?.beat ?? null, splits: heartbeat?.splits.length ?? 0 },
  };
}
