// The leader's checkpoints: a manifest of all splits in the bucket, now and then, from which lost items are made anew.
import { isDeepStrictEqual } from 'node:util';
import type { CheckpointManifest, CheckpointSplit } from '#core/checkpoint/manifest.ts';
import { keysToRemove, newestFirst, readManifest, sequenceOf } from '#core/checkpoint/read-manifest.ts';
import { messageOf } from '#core/errors.ts';
import { objectKeys } from '#core/names.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import type { WorkerParts } from './parts.ts';

export class Checkpoints {
  readonly #parts: WorkerParts;
  #newest: CheckpointManifest | null = null;
  #sequence: number | null = null;
  #takenMs = Number.NEGATIVE_INFINITY;
  /** By the monotonic clock, when the newest was taken, or last seen to hold all that is committed: an idle job's stays fresh without being written again. */
  #asOfMs = Number.NEGATIVE_INFINITY;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
  }

  get latest(): { readonly sequence: number; readonly asOfMs: number } | null {
    return this.#newest && { sequence: this.#newest.sequence, asOfMs: this.#asOfMs };
  }

  /** The newest that can be read; one that cannot is logged and the one before it taken. */
  async load(): Promise<CheckpointManifest | null> {
    const { goal, objects, clock, log } = this.#parts;
    const keys = newestFirst(await objects.list(objectKeys.checkpointPrefix(goal.id, goal.uid)));
    this.#sequence = keys[0] === undefined ? 0 : (sequenceOf(keys[0]) ?? 0);
    for (const key of keys) {
      const bytes = await objects.get(key);
      if (bytes === null) continue;
      const read = readManifest(bytes, goal.id, goal.uid);
      if (read.ok) {
        this.#newest = read.value;
        // By the clock of whoever took it: a time that is still to come is one of a clock that is ahead.
        this.#asOfMs = clock.monotonicMs() - Math.max(0, clock.now() - read.value.takenAt);
        return read.value;
      }
      log.error('a checkpoint cannot be read; the one before it is used', { key, reason: read.problem });
    }
    return null;
  }

  /** Another led meanwhile and went on with the numbers: they are looked up again before the next is given. */
  lookAgain(): void {
    this.#sequence = null;
  }

  isDue(): boolean {
    return this.#parts.clock.monotonicMs() - this.#takenMs >= this.#parts.goal.settings.checkpointMs;
  }

  /**
   * Stores the splits as they stand, unless nothing has moved since the last. Each split's position and account are consistent.
   * The number is known before the splits are read: then a checkpoint is at least as new as all of lower numbers, whoever took them.
   * The other way round a leader that stood still in between would hide its successor's checkpoints behind what it had read long before.
   */
  async take(): Promise<void> {
    const { goal, objects, splits: store, clock, identity } = this.#parts;
    if (this.#sequence === null) await this.load();
    this.#takenMs = clock.monotonicMs();
    const records = await store.list(identity.job);
    const splits = records.map(asCheckpointSplit).sort((a, b) => (a.split < b.split ? -1 : 1));
    if (splits.length === 0) return;
    if (isDeepStrictEqual(splits, this.#newest?.splits)) {
      this.#asOfMs = clock.monotonicMs();
      return;
    }
    const manifest: CheckpointManifest = {
      formatVersion: 1,
      minReaderVersion: 1,
      job: goal.id,
      uid: goal.uid,
      revision: goal.revision,
      sequence: (this.#sequence ?? 0) + 1,
      takenAt: clock.now(),
      worker: identity.worker,
      splits,
    };
    const key = objectKeys.checkpoint(goal.id, goal.uid, manifest.sequence);
    const outcome = await objects.put(key, Buffer.from(JSON.stringify(manifest)), { ifAbsent: true });
    // Another leader was quicker with this number: its checkpoint stands, and ours is taken next time.
    if (outcome === 'exists') this.#sequence = null;
    else {
      this.#newest = manifest;
      this.#asOfMs = this.#takenMs;
      this.#sequence = manifest.sequence;
      await this.#prune();
    }
  }

  async #prune(): Promise<void> {
    const { goal, objects, log } = this.#parts;
    try {
      const keys = await objects.list(objectKeys.checkpointPrefix(goal.id, goal.uid));
      for (const key of keysToRemove(keys, goal.settings.checkpointsKept)) await objects.remove(key);
    } catch (error) {
      log.info('old checkpoints could not be removed; tried again after the next', { reason: messageOf(error) });
    }
  }
}

const asCheckpointSplit = ({ split, topicId, epoch, position, accounting }: SplitRecord): CheckpointSplit => ({
  split,
  topicId,
  epoch,
  position,
  accounting,
});
