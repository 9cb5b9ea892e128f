// The port to the audit log: who changed what, chained by hashes, so that no entry can be changed or taken out unseen.

/** A change by its place in the order of all: the same hash at the same number is the same history up to there. */
export interface AuditHead {
  /** 0: none yet. */
  readonly sequence: number;
  /** Of all changes up to it; '' of none. */
  readonly hash: string;
}

export type AuditVerdict =
  | { readonly ok: true; readonly entries: number; readonly head: AuditHead }
  | { readonly ok: false; readonly entries: number; readonly at: number; readonly problem: string };

/**
 * Guarantee: `ok` only where each entry follows from the one before it, none is missing, and `known` (a head that somebody
 * kept elsewhere) is among them. Whoever can write to the store can also compute a whole new chain: a head that is kept
 * where they cannot write is what shows that.
 */
export interface AuditLog {
  verify(known?: AuditHead): Promise<AuditVerdict>;
}
