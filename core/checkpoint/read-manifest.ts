// Reads checkpoint manifests, and says which are to be looked at, in which order, and which are too old to be kept.

import * as z from 'zod';
import { dropReasons } from '#core/job/accounting.ts';
import { ok, type Result, refuse } from '#core/result.ts';
import type { CheckpointManifest, CheckpointSplit } from './manifest.ts';

const decimal = z.string().regex(/^\d+$/);
const count = z.int().nonnegative();

export const readAccounting = z.object({
  in: count,
  out: count,
  filtered: count,
  deadLettered: count,
  dropped: z.partialRecord(z.enum(dropReasons), count),
  emitted: count.optional(),
});

const manifest = z.object({
  formatVersion: z.literal(1),
  minReaderVersion: z.literal(1),
  job: z.string(),
  uid: z.string(),
  revision: count,
  sequence: count,
  takenAt: z.number(),
  worker: z.string(),
  splits: z.array(
    z.object({ split: z.string(), topicId: z.string(), epoch: count, position: decimal, accounting: readAccounting }),
  ),
});

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Refuses what is cut short, altered, of another job or life of it, or written for a newer reader. */
export function readManifest(bytes: Uint8Array, job: string, uid: string): Result<CheckpointManifest, string> {
  try {
    const parsed = manifest.safeParse(JSON.parse(decoder.decode(bytes)));
    if (!parsed.success) return refuse(parsed.error.issues[0]!.message);
    if (parsed.data.job !== job || parsed.data.uid !== uid)
      return refuse(`it is of job ${parsed.data.job}, uid ${parsed.data.uid}; expected ${job}, uid ${uid}`);
    return ok(parsed.data as CheckpointManifest);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** The sequence number in a checkpoint's key; null for a key that is none. */
export function sequenceOf(key: string): number | null {
  const match = /\/(\d{12})\.json$/.exec(key);
  return match ? Number(match[1]) : null;
}

/** A job's checkpoint keys in the order in which to try them. */
export const newestFirst = (keys: readonly string[]): string[] =>
  keys.filter((key) => sequenceOf(key) !== null).sort((a, b) => sequenceOf(b)! - sequenceOf(a)!);

/** What is beyond the newest `keptCount`, oldest first: a deletion that is cut off leaves the newest ones. */
export const keysToRemove = (keys: readonly string[], keptCount: number): string[] =>
  newestFirst(keys).slice(keptCount).reverse();

export const splitIn = (checkpoint: CheckpointManifest | null, split: string): CheckpointSplit | null =>
  checkpoint?.splits.find((each) => each.split === split) ?? null;
