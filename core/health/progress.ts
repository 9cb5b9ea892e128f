// Whether a worker makes progress (D10): positions move while there is something to read, or somebody else is to blame.

export interface ProgressFacts {
  /** All times on one monotonic clock. */
  readonly nowMs: number;
  readonly stalledAfterMs: number;
  /** Of the splits that are to be read; one that waits for a person (stuck) is not among them. */
  readonly splits: readonly { readonly split: string; readonly lagRecords: number; readonly movedMs: number }[];
  /** When the sink or the source was last seen refusing or unreachable; null: never. */
  readonly refusedMs: number | null;
}

export type Progress =
  | { readonly kind: 'idle' }
  | { readonly kind: 'moving' }
  /** Nothing moves, but somebody else is the reason, or was until less than the time allowed ago. */
  | { readonly kind: 'held-up' }
  | { readonly kind: 'stalled'; readonly splits: readonly string[]; readonly forMs: number };

/**
 * Stalled: at least one split has lag, none of those with lag has moved for the time allowed, and for as long nothing
 * outside refused. The time that a block of the event loop took counts: nobody else beats on a blocked worker's behalf.
 */
export function judgeProgress({ nowMs, stalledAfterMs, splits, refusedMs }: ProgressFacts): Progress {
  const lagging = splits.filter(({ lagRecords }) => lagRecords > 0);
  if (lagging.length === 0) return { kind: 'idle' };
  const lastMovedMs = Math.max(...lagging.map(({ movedMs }) => movedMs));
  if (nowMs - lastMovedMs < stalledAfterMs) return { kind: 'moving' };
  if (refusedMs !== null && nowMs - refusedMs < stalledAfterMs) return { kind: 'held-up' };
  return { kind: 'stalled', splits: lagging.map(({ split }) => split), forMs: nowMs - lastMovedMs };
}
