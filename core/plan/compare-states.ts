// Two states of all that a tenant has declared: what is in one and not in the other, and what differs, name by name.
import type { NamedChange } from '#core/api/wire.ts';
import { canonicalJson } from '#core/hash.ts';
import { diffJson } from '#core/plan/change-weight.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';

const keyOf = ({ kind, name }: GoalRevision): string => `${kind}/${name}`;

/** Both without deleted names; in order of kind and name. */
export function compareStates(from: readonly GoalRevision[], to: readonly GoalRevision[]): readonly NamedChange[] {
  const was = new Map(from.map((revision) => [keyOf(revision), revision]));
  const is = new Map(to.map((revision) => [keyOf(revision), revision]));
  const keys = [...new Set([...was.keys(), ...is.keys()])].sort();
  return keys.flatMap((key) => compareOne(was.get(key) ?? null, is.get(key) ?? null) ?? []);
}

export function compareOne(before: GoalRevision | null, after: GoalRevision | null): NamedChange | null {
  const { kind, name } = (after ?? before)!;
  const revisions = { from: before?.revision ?? null, to: after?.revision ?? null };
  if (before === null || after === null)
    return { kind, name, outcome: before === null ? 'created' : 'deleted', revisions, fields: [] };
  const fields = [
    ...diffJson(kind, before.metadata.labels, after.metadata.labels, 'metadata.labels'),
    ...diffJson(kind, before.declared, after.declared, 'spec'),
  ];
  // Another life of the name with the same content is no difference in what is declared.
  const isSame = canonicalJson([before.metadata, before.declared]) === canonicalJson([after.metadata, after.declared]);
  return isSame ? null : { kind, name, outcome: 'changed', revisions, fields };
}
