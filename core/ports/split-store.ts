// The port to the splits' items: who owns a split, and how far it is done. The commit point of at-least-once (D3, D4).
import type { Accounting } from '#core/job/accounting.ts';

export interface SplitRecord {
  /** `<topic>/<partition>`. */
  readonly split: string;
  /** The worker's name, or null when free. */
  readonly owner: string | null;
  /** Grows by one with each change of owner: the fencing token. Never goes back. */
  readonly epoch: number;
  /** The next offset to read; decimal text. */
  readonly position: string;
  /** Kafka's id of the topic that the position belongs to: a topic made anew under the same name has another. */
  readonly topicId: string;
  /** Of all that its owners did since the split's first record; what a rewind has read again counts again. */
  readonly accounting: Accounting;
  /** The newest rewind that set the position; absent where none did. */
  readonly placed?: Placement;
}

/** A split while it is one owner's: under another epoch it is another one. */
export interface SplitRef {
  readonly name: string;
  readonly epoch: number;
}

/** Where an operation has put a split's position, and where it stood before. */
export interface Placement {
  readonly operation: string;
  /** Of the operation: a later one has a higher. */
  readonly sequence: number;
  readonly from: string;
  readonly to: string;
  /** Offsets that rewinds have gone back by, this and all before it: at most so many of the account's records were read again. */
  readonly rewoundRecords: number;
}

export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly record: SplitRecord }
  /** Somebody was faster; `record` is what stands there now. */
  | { readonly kind: 'lost'; readonly record: SplitRecord | null };

/** `moved`: the split is not as it was seen any more, so nothing was written; look again. */
export type PlaceOutcome = 'placed' | 'moved';

export type CommitOutcome = 'committed' | 'fenced';

/**
 * Guarantees: every write is conditional on owner and epoch and linearizable per split; reads are strongly consistent.
 * `fenced` is final for that epoch: the worker must stop working on the split. A call that throws has an unknown outcome
 * (it may have been carried out): repeating a commit of the same or a later position is harmless.
 */
export interface SplitStore {
  list(job: string): Promise<readonly SplitRecord[]>;
  /** Creates the split's item unless it exists; gives what stands there afterwards. */
  create(job: string, record: SplitRecord): Promise<SplitRecord>;
  /** Takes the split from `seen.owner` (null = free) if owner and epoch are still as seen; the epoch grows by one. */
  claim(job: string, seen: SplitRecord, worker: string): Promise<ClaimOutcome>;
  /** `topicId` too, since a commit may be the first into a topic made anew; within a topic the position never goes back. */
  commit(
    job: string,
    held: { readonly split: string; readonly worker: string; readonly epoch: number },
    done: { readonly position: string; readonly topicId: string; readonly accounting: Accounting },
  ): Promise<CommitOutcome>;
  /** Frees the split, epoch unchanged. */
  release(
    job: string,
    held: { readonly split: string; readonly worker: string; readonly epoch: number },
  ): Promise<CommitOutcome>;
  /**
   * Sets the position where epoch and topic are still as seen, frees the split and raises its epoch, so that whoever holds
   * it can commit nothing more. Repeating it for the same operation changes nothing.
   */
  place(job: string, seen: SplitRecord, placement: Placement): Promise<PlaceOutcome>;
  /** Removes all items of a job that is deleted. */
  clear(job: string): Promise<void>;
}
