// The journal of a split's files: a chain of entries, each created once, of which the newest says how far the table goes.
import * as z from 'zod';
import { readAccounting } from '#core/checkpoint/read-manifest.ts';
import type { Accounting } from '#core/job/accounting.ts';
import { ok, type Result, refuse } from '#core/result.ts';

/** Uploaded under `staged`; part of the table once it stands under `key`. */
export interface JournalFile {
  readonly staged: string;
  readonly key: string;
  /** Folder below the table's prefix; empty for a table without partitions. */
  readonly folder: string;
  readonly rows: number;
  readonly bytes: number;
}

/**
 * `takeover`: a new owner has read the chain up to here; whoever held the split before can add nothing more, since its next
 * number is taken. `files`: these rows are in the table, and everything before `position` is done with.
 */
export interface JournalEntry {
  readonly formatVersion: 1;
  readonly kind: 'takeover' | 'files';
  readonly split: string;
  readonly epoch: number;
  readonly worker: string;
  readonly at: number;
  /** The offset of the first row in the files; for a takeover the position. */
  readonly first: string;
  readonly position: string;
  readonly topicId: string;
  /** Of all records before `position`. */
  readonly accounting: Accounting;
  /** Sequence of the newest rewind that the owner knew of; 0 before any. */
  readonly placement: number;
  readonly files: readonly JournalFile[];
}

const decimal = z.string().regex(/^\d+$/);
const count = z.int().nonnegative();

const entry = z.object({
  formatVersion: z.literal(1),
  kind: z.enum(['takeover', 'files']),
  split: z.string(),
  epoch: count,
  worker: z.string(),
  at: z.number(),
  first: decimal,
  position: decimal,
  topicId: z.string(),
  accounting: readAccounting,
  placement: count,
  files: z.array(z.object({ staged: z.string(), key: z.string(), folder: z.string(), rows: count, bytes: count })),
});

export function readJournalEntry(bytes: Uint8Array, split: string): Result<JournalEntry, string> {
  try {
    const parsed = entry.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    if (!parsed.success) return refuse(parsed.error.issues[0]!.message);
    if (parsed.data.split !== split) return refuse(`it is of split ${parsed.data.split}; expected ${split}`);
    return ok(parsed.data as JournalEntry);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** What is known of a split from its item, or from its journal. */
export interface KnownProgress {
  readonly position: string;
  readonly topicId: string;
  readonly accounting: Accounting;
  readonly placement: number;
}

/**
 * Where the owner of a split goes on: what the journal says is in the table, unless the item is further, or a rewind that
 * the journal does not know of has set it back on purpose. Both count every record since the split's first, so the greater
 * count is the later.
 */
export const isJournalAhead = (item: KnownProgress, journal: KnownProgress): boolean =>
  item.placement <= journal.placement && journal.accounting.in > item.accounting.in;
