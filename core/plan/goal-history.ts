// Whether the goal store is still the one that passes have gone by: a restored backup lacks changes that were carried out.

/** A change of the goal store, as the audit log knows it: its place in the order, and the hash of all up to it. */
export interface HistoryMark {
  readonly sequence: number;
  readonly hash: string;
}

export type HistoryVerdict =
  /** Nothing of it was seen before, or all that was seen is still in it. */
  | { readonly kind: 'continues' }
  /** Nothing was ever declared in it: a wrong or an empty store, whose absences are no wishes anyway. */
  | { readonly kind: 'empty' }
  /** What was seen is not in it: changes are gone, though others may have come in their place. */
  | { readonly kind: 'went-back'; readonly message: string };

/**
 * `seen`: the newest change that a pass has gone by. `sequence`: the store's newest. `hashThere`: what the store has at the
 * place of `seen`; null: nothing.
 */
export function judgeHistory(seen: HistoryMark | null, sequence: number, hashThere: string | null): HistoryVerdict {
  if (seen === null) return { kind: 'continues' };
  if (sequence === 0) return { kind: 'empty' };
  if (hashThere === seen.hash) return { kind: 'continues' };
  const what =
    sequence < seen.sequence
      ? `it ends with change ${sequence}, and change ${seen.sequence} was carried out`
      : `change ${seen.sequence} in it is another one than was carried out`;
  return {
    kind: 'went-back',
    message: `the goal store went back in time: ${what}. What runs is kept as it is. Declare again what is missing (millrace plan, millrace events), then millrace unfreeze fleet`,
  };
}

/** Who freezes a fleet where nobody did. */
export const historyAuthor = 'reconciler';
