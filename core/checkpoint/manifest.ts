// A checkpoint of a routing job: the positions and accounts of all its splits at one time.
import type { Accounting } from '#core/job/accounting.ts';

export interface CheckpointSplit {
  readonly split: string;
  readonly topicId: string;
  readonly epoch: number;
  readonly position: string;
  readonly accounting: Accounting;
}

/** Immutable once stored; stored only if absent, so a sequence number has one writer. */
export interface CheckpointManifest {
  readonly formatVersion: 1;
  /** The oldest reader that understands it. */
  readonly minReaderVersion: 1;
  readonly job: string;
  readonly uid: string;
  readonly revision: number;
  readonly sequence: number;
  readonly takenAt: number;
  readonly worker: string;
  readonly splits: readonly CheckpointSplit[];
}
