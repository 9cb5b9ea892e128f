// Conditions on the revision: ETag out, If-Match and If-None-Match in.
import { type ExpectedRevision, type GoalRevision, isExpected } from '#core/ports/goal-store.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';

/** The tag is the declaration's revision; what the status says may differ under one tag. */
export const etagOf = (revision: number): string => `"${revision}"`;

/** What the headers say, and nothing of what there is: a request that is repeated under its key is the same again. Weak tags never match. */
export function expectedRevisionOf(headers: Readonly<Record<string, string>>): {
  readonly expectedRevision?: ExpectedRevision;
} {
  const match = headers['if-match'];
  // Something of that revision, and nothing at all: both cannot hold.
  if (headers['if-none-match'] !== undefined) return { expectedRevision: match === undefined ? 0 : [] };
  if (match === undefined) return {};
  if (match.trim() === '*') return { expectedRevision: 'any' };
  const tags = match.split(',').map((tag) => Number(/^"([1-9]\d{0,8})"$/.exec(tag.trim())?.[1] ?? 0));
  const revisions = tags.filter((revision) => revision > 0);
  return { expectedRevision: tags.length === 1 && revisions.length === 1 ? revisions[0]! : revisions };
}

/** Said early, of what is known; the goal store says it of what there is, in the change's transaction. */
export function requireExpected(expected: ExpectedRevision | undefined, current: GoalRevision | null): void {
  const revision = current?.revision ?? 0;
  if (!isExpected(expected, revision)) throw stale(revision);
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
