// Whether a job is in a state in which its number of workers may change at all: one thing at a time.
import type { Standstill } from '#core/autoscale/decide-workers.ts';
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import { isBeingCleared } from '#core/plan/plan-ended-job.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';

export interface Stands {
  readonly reason: Standstill;
  readonly why: string;
}

const stands = (reason: Standstill, why: string): Stands => ({ reason, why });

/** `workers`: how many it is to have. Null: nothing is in the way. */
export function findStandstill(entry: JobEntry, observed: ObservedJob, workers: number): Stands | null {
  const { control, heartbeats } = observed;
  if (control === null) return stands('under-way', 'it has not been started');
  if (entry.paused) return stands('paused', 'the job is paused');
  if (entry.freeze !== null) return stands('frozen', 'changes are frozen');
  const change = changeUnderWay(entry, control);
  if (change !== null) return stands('under-way', change);
  if (heartbeats.some(({ certainty }) => certainty === 'unsure'))
    return stands('unobserved', 'whether its workers live is not known');
  return crewIsWhole(entry, observed, control, workers);
}

function changeUnderWay(entry: JobEntry, control: ControlRecord): string | null {
  if (isBeingCleared(control)) return 'it is being removed';
  if (control.announced['frozen'] !== undefined) return 'the goal store went back in time';
  if (control.canary !== undefined) return 'its newest revision is tried on a share of the splits';
  if (control.failed?.render === entry.render) return 'its newest revision was rolled back';
  if (control.rollout !== undefined || control.good?.render !== entry.render)
    return 'its newest revision has yet to get somewhere';
  const operation = entry.requested.find(({ kind }) => kind !== 'replay-dead-letters');
  if (operation !== undefined) return `the operation ${operation.kind} is under way`;
  return control.rewindBegunAt === undefined ? null : 'its positions are being set';
}

function crewIsWhole(
  { render, goal }: JobEntry,
  { heartbeats, at }: ObservedJob,
  control: ControlRecord,
  workers: number,
): Stands | null {
  const slots = Object.values(control.slots);
  if (slots.length !== workers || slots.some((slot) => slot.render !== render || slot.successor !== undefined))
    return stands('under-way', 'workers start and end');
  if (slots.some(({ quarantinedAt }) => quarantinedAt !== undefined))
    return stands('under-way', 'a worker is quarantined');
  const reports = (incarnation: number): boolean =>
    heartbeats.some(
      (one) => one.incarnation === incarnation && one.state !== 'draining' && at - one.at <= goal.settings.leaseMs,
    );
  return slots.every(({ incarnation }) => reports(incarnation))
    ? null
    : stands('under-way', 'not all workers report yet');
}
