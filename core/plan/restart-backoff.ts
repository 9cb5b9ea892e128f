// How long a slot waits before its next worker, by how often in a row its workers failed.
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { PlacedWorker } from '#core/ports/control-store.ts';

/** The first replacement starts at once: most deaths are single ones. Then 1 s, doubling to 5 minutes. */
export function startDelayMs(failuresBefore: number): number {
  if (failuresBefore === 0) return 0;
  return Math.min(300_000, 1_000 * 2 ** Math.min(20, failuresBefore - 1));
}

/** Its worker is over, and the next is not started yet. */
export const isWaiting = ({ nextStartAt, startedAt }: PlacedWorker): boolean => nextStartAt > startedAt;

/** Whether a heartbeat is of the worker that has the slot: of one that was found to be over, the last is no sign of life. */
export const isOfWorker = (slot: PlacedWorker, { incarnation }: Pick<Heartbeat, 'incarnation'>): boolean =>
  slot.incarnation === incarnation && !isWaiting(slot);
