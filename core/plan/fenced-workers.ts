// Workers of a job that were declared dead: until when one may still work, and when nothing needs to be known of it any more.
import { limits } from '#core/limits.ts';
import type { Action } from '#core/plan/action.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';

/** By a worker's name, when it was declared dead. */
type FencedWorkers = NonNullable<ControlRecord['fenced']>;

/** One that is decided on with each pass is noted anew only when what was decided may not be done any more. */
export function withFences(record: ControlRecord, actions: readonly Action[], at: number): ControlRecord {
  const { fenced = {} } = record;
  const decided = actions.flatMap((action) => (action.kind === 'fence-worker' ? [action.worker] : []));
  const noted = decided.filter((worker) => at - (fenced[worker] ?? Number.NEGATIVE_INFINITY) > limits.decisionMsMax);
  if (noted.length === 0) return record;
  return { ...record, fenced: { ...fenced, ...Object.fromEntries(noted.map((worker) => [worker, at])) } };
}

/**
 * A worker that is fenced is not seen any more, and works until it has heard of it: for a lease at most, from whenever the
 * pass that decided it came to do it.
 */
export const fencedGoneAt = (fenced: FencedWorkers, leaseMs: number): number =>
  Math.max(Number.NEGATIVE_INFINITY, ...Object.values(fenced)) + limits.decisionMsMax + leaseMs;

/** Within which time a worker begins, is listed, and hears that it was fenced. */
export interface ForgetTimes {
  readonly leaseMs: number;
  readonly startDeadlineMs: number;
  readonly listingGraceMs: number;
}

/**
 * What the workers' table keeps of them grows with every worker that is replaced, and each worker of the job reads it with
 * each of its rounds. One that was fenced so long ago has heard of it, or has never begun: it is certain not to come back.
 */
export function forgetFenced(
  record: ControlRecord,
  at: number,
  { leaseMs, startDeadlineMs, listingGraceMs }: ForgetTimes,
): { readonly record: ControlRecord; readonly actions: readonly Action[] } {
  const { fenced = {}, ...rest } = record;
  const forgottenBy = at - (limits.decisionMsMax + leaseMs + startDeadlineMs + listingGraceMs);
  const { over = [], kept = [] } = Object.groupBy(Object.entries(fenced), ([, fencedAt]) =>
    fencedAt < forgottenBy ? 'over' : 'kept',
  );
  if (over.length === 0) return { record, actions: [] };
  return {
    record: kept.length === 0 ? rest : { ...rest, fenced: Object.fromEntries(kept) },
    actions: over.map(([worker]) => ({ kind: 'forget-worker', job: record.job, worker })),
  };
}
