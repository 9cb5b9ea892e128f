// A job whose goal is older than what was carried out (a restored goal store): held as by a freeze until somebody decides.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { historyAuthor } from '#core/plan/goal-history.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';

const olderGoal = 'older-goal-';

/** Marks of a held job among what was announced of it: by which revision of the goal store, and since when. */
export type HeldMarks = { readonly frozen: string; readonly frozenAt: string };

/**
 * Two things are somebody's decision since: the route was declared again, whatever its number; and a restart, by which the job
 * goes by what the store holds. One that was asked for before the job was held is of the other history.
 */
export function isBehind(
  { goal, requested }: Pick<JobEntry, 'goal' | 'requested'>,
  control: ControlRecord | null,
): boolean {
  if (control === null || control.revisionActed <= goal.revision) return false;
  const { frozen, frozenAt } = control.announced;
  if (frozen === undefined) return true;
  if (goal.revision > Number(frozen.slice(olderGoal.length))) return false;
  return !requested.some(({ kind, requestedAt }) => kind === 'restart' && requestedAt > Number(frozenAt ?? Infinity));
}

/** The same entry where nothing holds it back, or somebody's freeze does already. */
export function holdBehind(entry: JobEntry, control: ControlRecord | null): JobEntry {
  if (entry.freeze !== null || !isBehind(entry, control)) return entry;
  const { tenant, name } = entry.goal;
  const reason = 'the goal store went back in time';
  return { ...entry, freeze: { tenant, scope: 'job', name, author: historyAuthor, reason, at: 0 } };
}

/** The first time stays: a restart counts from then on. */
export const heldMarks = ({ goal }: JobEntry, { announced }: ControlRecord, now: number): HeldMarks => ({
  frozen: `${olderGoal}${goal.revision}`,
  frozenAt: announced['frozenAt'] ?? String(now),
});

export const isToldHeld = ({ goal }: JobEntry, { announced }: ControlRecord): boolean =>
  announced['frozen'] === `${olderGoal}${goal.revision}`;
