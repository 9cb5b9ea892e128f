// When what went wrong in a slot counts no more: asked where it matters, by the heartbeats, so that a steady world writes nothing for it.
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { PlacedWorker } from '#core/ports/control-store.ts';

const forgiveAfterMs = 60_000;

/** It has reported for a minute since it was started: the failures before it are made good. `heartbeat`: its latest, if any. */
export const hasMadeGood = (
  { startedAt }: Pick<PlacedWorker, 'startedAt'>,
  heartbeat: Pick<Heartbeat, 'at'> | null | undefined,
): boolean => heartbeat != null && heartbeat.at - startedAt > forgiveAfterMs;

/** Failures in a row count from nothing; when faults took place stays known, since the restart budget goes by its own span. */
export function forgiven<Worker extends PlacedWorker>(
  worker: Worker,
  heartbeat: Pick<Heartbeat, 'at'> | null | undefined,
): Worker {
  if (!hasMadeGood(worker, heartbeat)) return worker;
  const { faults } = worker;
  return { ...worker, failureCount: 0, ...(faults === undefined ? {} : { faults: { ...faults, count: 0 } }) };
}
