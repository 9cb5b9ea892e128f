// The journal of one split's files in the bucket: read by a new owner, and written by one condition, that a number is free.

import { PlatformError } from '#core/errors.ts';
import { tableKeys } from '#core/names.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import { type JournalEntry, readJournalEntry } from '#core/warehouse/journal-entry.ts';

/** So many of the newest entries are kept: for people, and far more than recovery needs. */
const entriesKept = 50;

export interface JournalHead {
  readonly sequence: number;
  /** Null before the first entry. */
  readonly entry: JournalEntry | null;
}

export class Journal {
  readonly #objects: ObjectStore;
  readonly #job: string;
  readonly #split: string;

  constructor(objects: ObjectStore, job: string, split: string) {
    this.#objects = objects;
    this.#job = job;
    this.#split = split;
  }

  async head(): Promise<JournalHead> {
    const key = (await this.#keys()).at(-1);
    if (key === undefined) return { sequence: 0, entry: null };
    const bytes = await this.#objects.get(key);
    // Removed since it was listed: it was not the newest then, but a number that came too late and was taken back.
    if (bytes === null) return await this.head();
    const read = readJournalEntry(bytes, this.#split);
    if (!read.ok)
      throw new PlatformError('journal-unreadable', `${key} cannot be read: ${read.problem}`, {
        fault: 'internal',
        retry: 'no-retry',
      });
    return { sequence: sequenceOf(key), entry: read.value };
  }

  /**
   * `refused`: somebody else wrote this number, or later ones; nothing of the entry counts. Numbers that were pruned are
   * free again, so whoever comes so late is told by what stands behind its entry, and takes it back.
   */
  async append(sequence: number, entry: JournalEntry): Promise<'appended' | 'refused'> {
    const key = tableKeys.journalEntry(this.#job, this.#split, sequence);
    const bytes = Buffer.from(JSON.stringify(entry));
    const outcome = await this.#objects.put(key, bytes, { ifAbsent: true });
    if (outcome === 'exists' && !(await this.#isOurs(key, bytes))) return 'refused';
    const newest = (await this.#keys()).at(-1);
    if (newest === undefined || newest === key) return 'appended';
    await this.#objects.remove(key);
    return 'refused';
  }

  /** An answer of an earlier attempt was lost. */
  async #isOurs(key: string, bytes: Uint8Array): Promise<boolean> {
    const there = await this.#objects.get(key);
    return there !== null && Buffer.compare(there, bytes) === 0;
  }

  async prune(): Promise<void> {
    for (const key of (await this.#keys()).slice(0, -entriesKept)) await this.#objects.remove(key);
  }

  async #keys(): Promise<readonly string[]> {
    const keys = await this.#objects.list(tableKeys.journal(this.#job, this.#split));
    return keys.filter((key) => Number.isFinite(sequenceOf(key)));
  }
}

const sequenceOf = (key: string): number => Number(/\/(\d{12})\.json$/.exec(key)?.[1] ?? Number.NaN);
