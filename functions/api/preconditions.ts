// Conditions on the revision: ETag out, If-Match and If-None-Match in.
import type { GoalRevision } from '#core/ports/goal-store.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';

/** The tag is the declaration's revision; what the status says may differ under one tag. */
export const etagOf = (revision: number): string => `"${revision}"`;

/**
 * The revision that a change is conditional on, for the goal store to check in the change's transaction. `If-Match: *` is
 * checked against `current`. Weak tags never match.
 */
export function expectedRevisionOf(
  headers: Readonly<Record<string, string>>,
  current: GoalRevision | null,
): { readonly expectedRevision?: number } {
  const match = headers['if-match'];
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined) {
    // Something of that revision, and nothing at all: both cannot hold.
    if (match !== undefined) throw stale(current?.revision ?? 0);
    return { expectedRevision: 0 };
  }
  if (match === undefined) return {};
  if (match.trim() === '*') {
    if (current === null) throw stale(0);
    return { expectedRevision: current.revision };
  }
  const tags = match.split(',').map((tag) => tag.trim());
  const known = tags.map((tag) => Number(/^"(\d{1,9})"$/.exec(tag)?.[1] ?? -1));
  if (current !== null && known.includes(current.revision)) return { expectedRevision: current.revision };
  throw stale(current?.revision ?? 0);
}

export const stale = (currentRevision: number): ApiRefusal =>
  new ApiRefusal(
    412,
    'revision-stale',
    currentRevision === 0
      ? 'there is nothing under this name'
      : `the current revision is ${currentRevision}: somebody changed it since it was read, or it exists already`,
    { currentRevision, fix: 'read it again, look at what changed, and apply your change to that' },
  );
