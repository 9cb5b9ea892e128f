// What a transaction says of its split beside the offset, and which of two accounts of a split's progress is the newer.
import * as z from 'zod';
import { readAccounting } from '#core/checkpoint/read-manifest.ts';
import type { Accounting } from '#core/job/accounting.ts';

/** Brokers take 4096 bytes at most by default. */
export interface TransactionNote {
  /** The job's id: another life of the job starts anew. */
  readonly job: string;
  readonly epoch: number;
  readonly topicId: string;
  readonly accounting: Accounting;
  /** Sequence of the newest rewind that had set the position before; 0 where none did. */
  readonly placed: number;
}

const note = z.object({
  version: z.literal(1),
  job: z.string(),
  epoch: z.int().nonnegative(),
  topicId: z.string(),
  accounting: readAccounting,
  placed: z.int().nonnegative(),
});

export const writeNote = (note: TransactionNote): string => JSON.stringify({ version: 1, ...note });

/** Null for what is none of ours. */
export function readNote(text: string, job: string): TransactionNote | null {
  try {
    const parsed = note.safeParse(JSON.parse(text));
    return parsed.success && parsed.data.job === job ? (parsed.data as TransactionNote) : null;
  } catch {
    return null;
  }
}

export interface ProgressPoint {
  readonly position: number;
  readonly topicId: string;
  readonly placed: number;
}

/**
 * A transaction's progress is the truth; the split's item follows it, and may be behind after a crash. The item is ahead only
 * where the job ran without transactions meanwhile, and before the transaction where it was rewound since. Positions of
 * different lives of the source's topic do not compare: then the one of the topic that is there now holds.
 */
export function newerProgress(
  item: ProgressPoint,
  committed: ProgressPoint,
  topicIdNow: string | null,
): 'item' | 'committed' {
  if (item.placed !== committed.placed) return item.placed > committed.placed ? 'item' : 'committed';
  if (item.topicId === committed.topicId) return item.position >= committed.position ? 'item' : 'committed';
  return item.topicId === topicIdNow ? 'item' : 'committed';
}
