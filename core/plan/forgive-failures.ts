// When what went wrong in a slot counts no more: asked where it matters, by the heartbeats, so that a steady world writes nothing for it.
import { type Heartbeat, hasReportedFor } from '#core/job/heartbeat.ts';
import type { PlacedWorker } from '#core/ports/control-store.ts';

const forgiveAfterMs = 60_000;

/**
 * The worker has reported for a minute, by its own word: the failures before it are made good. When it was started says nothing:
 * a heartbeat that came while nobody looked is taken for new. `heartbeat`: its latest, if any.
 */
export const hasMadeGood = (heartbeat: Pick<Heartbeat, 'at' | 'startedAt'> | null | undefined): boolean =>
  heartbeat != null && hasReportedFor(forgiveAfterMs, heartbeat);

/** Failures in a row count from nothing; when faults took place stays known, since the restart budget goes by its own span. */
export function forgiven<Worker extends PlacedWorker>(
  worker: Worker,
  heartbeat: Pick<Heartbeat, 'at' | 'startedAt'> | null | undefined,
): Worker {
  if (!hasMadeGood(heartbeat)) return worker;
  const { faults } = worker;
  return { ...worker, failureCount: 0, ...(faults === undefined ? {} : { faults: { ...faults, count: 0 } }) };
}
