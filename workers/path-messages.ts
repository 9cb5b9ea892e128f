// What a worker's main part and its data paths say to each other: plain data, the same within a thread and between threads.
import type { performance } from 'node:perf_hooks';
import type { Accounting } from '#core/job/accounting.ts';
import type { WorkerError } from '#core/job/heartbeat.ts';
import type { StoredLive } from '#core/job/live-settings.ts';
import type { SplitRecord, SplitRef } from '#core/ports/split-store.ts';
import type { Gathering } from './sinks/sink.ts';
import type { Progress, Split, SplitState } from './split.ts';

/**
 * The main part owns: membership, lease, claims, commits, checkpoints, heartbeat, the decision to end. A data path owns: what is
 * read, worked on and acknowledged of the splits that it was given. Nothing is committed but what a path reported, and a path
 * reports nothing that the sink has not acknowledged: so a commit may be late, and never ahead.
 */
export type ToPath =
  | { readonly kind: 'open' }
  /** The split is ours: it is read from where its record says. */
  | { readonly kind: 'take'; readonly record: SplitRecord }
  /** Answered by `left` when what was read is acknowledged, or is forgotten after `withinMs`. */
  | { readonly kind: 'let-go'; readonly split: SplitRef; readonly withinMs: number }
  /** Somebody else owns it: all that is not acknowledged is forgotten. */
  | { readonly kind: 'drop'; readonly split: SplitRef }
  /** Answered by `report`. */
  | { readonly kind: 'report' }
  | { readonly kind: 'live'; readonly stored: StoredLive }
  /** Answered by `closed`. */
  | { readonly kind: 'close' };

export type FromPath =
  | { readonly kind: 'report'; readonly report: PathReport }
  /** `inOrder`: nothing that was read was forgotten. The path has done with it. */
  | { readonly kind: 'left'; readonly split: SplitReport; readonly inOrder: boolean }
  /** The sink, or the table of splits, says that somebody else owns it. */
  | { readonly kind: 'fenced'; readonly split: SplitRef }
  | { readonly kind: 'closed' };

/** What became of a split, as of now. */
export interface SplitReport extends SplitRef {
  readonly state: SplitState;
  /** What may be committed. */
  readonly durable: Progress;
  /** What this worker did of it itself. */
  readonly own: Accounting;
  readonly fetchOffset: number;
  readonly endOffset: number | null;
  readonly lagRecords: number;
  readonly movedMs: number;
  readonly seenMs: number;
}

export interface PathReport {
  readonly splits: readonly SplitReport[];
  /** The source or the sink is the reason that nothing moves. */
  readonly isRefused: boolean;
  readonly newestAt: number | null;
  readonly mismatchCount: number;
  readonly gathering: Gathering | null;
  readonly errors: readonly WorkerError[];
  /** Of the thread that the path runs in, since it began. */
  readonly usage: ReturnType<typeof performance.eventLoopUtilization>;
}

/** The way to a data path. Messages arrive in the order in which they were sent, or the process ends. */
export interface PathChannel {
  post(message: ToPath): void;
}

export type OpenPath = (hear: (message: FromPath) => void) => PathChannel;

export const reportOf = (split: Split): SplitReport => {
  const { name, epoch, state, durable, own, fetchOffset, endOffset, lagRecords, movedMs, seenMs } = split;
  return { name, epoch, state, durable, own, fetchOffset, endOffset, lagRecords, movedMs, seenMs };
};
