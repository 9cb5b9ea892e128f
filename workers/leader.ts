// What only the job's leader does: finds partitions, makes their items, shares the splits out.
import { isDeepStrictEqual } from 'node:util';
import { shareOutSplits } from '#core/canary/canary-slot.ts';
import type { CheckpointManifest } from '#core/checkpoint/manifest.ts';
import { splitIn } from '#core/checkpoint/read-manifest.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import type { Assignment, LeaderRecord } from '#core/ports/worker-store.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { WorkerParts } from './parts.ts';

const earliest = -2;
const end = -1;

export class Leader {
  readonly #parts: WorkerParts;
  readonly #checkpoints: Checkpoints;

  constructor(parts: WorkerParts, checkpoints: Checkpoints) {
    this.#parts = parts;
    this.#checkpoints = checkpoints;
  }

  /**
   * All split items, those of partitions that had none included. A lost item is made again from the newest checkpoint,
   * with a higher epoch than any that it may have had there; a partition that no item and no checkpoint knows is read
   * from the route's `start` when it is of the job's first discovery, and from its earliest record when it was added later.
   * Items of partitions that a topic made anew has not any more are kept for the books, and shared out to nobody.
   */
  async ensureItems(all: readonly SplitRecord[]): Promise<readonly SplitRecord[]> {
    const { cluster, goal, splits, log } = this.#parts;
    // A route that was given another source keeps the items of the old one: nobody is to read on there.
    const records = all.filter(({ split }) => split.startsWith(`${goal.source.topic}/`));
    const info = cluster.topic(goal.source.topic);
    if (info === undefined) return records;
    const known = new Set(records.map(({ split }) => split));
    const there = new Set(info.leaders.map((_, partition) => this.#nameOf(partition)));
    const readable = records.filter(({ split }) => there.has(split));
    const missing = info.leaders
      .map((_, partition) => partition)
      .filter((partition) => !known.has(this.#nameOf(partition)));
    if (missing.length === 0) return readable;
    const checkpoint = await this.#checkpoints.load();
    const isNewJob = checkpoint === null && !this.#isDiscovered(records);
    const wanted = await Promise.all(
      missing.map((partition) => this.#newItem(partition, info.topicId, checkpoint, isNewJob)),
    );
    const create = (record: SplitRecord): Promise<SplitRecord> => splits.create(goal.id, record);
    const created = await Promise.all(wanted.slice(1).map(create));
    created.unshift(await create(wanted[0]!));
    log.info('splits were added', { splits: created.map(({ split, position }) => `${split} at ${position}`) });
    return [...readable, ...created];
  }

  /**
   * Whether the job's first discovery was completed: the item of partition 0 is made last, so a leader that died on the way
   * leaves none. Splits are shared out, and so taken, only after it.
   */
  #isDiscovered(records: readonly SplitRecord[]): boolean {
    return records.some(({ split, epoch }) => split === this.#nameOf(0) || epoch > 0);
  }

  async #newItem(
    partition: number,
    topicId: string,
    checkpoint: CheckpointManifest | null,
    isNewJob: boolean,
  ): Promise<SplitRecord> {
    const split = this.#nameOf(partition);
    const saved = splitIn(checkpoint, split);
    if (saved !== null) {
      const { position, accounting } = saved;
      return { split, owner: null, epoch: saved.epoch + 1, position, topicId: saved.topicId, accounting };
    }
    const position = String(await this.#startOffset(partition, isNewJob));
    return { split, owner: null, epoch: 0, position, topicId, accounting: noRecords };
  }

  async #startOffset(partition: number, isNewJob: boolean): Promise<number> {
    const { cluster, goal } = this.#parts;
    const { topic, start } = goal.source;
    const offset = async (at: number): Promise<number | null> => await cluster.offset(topic, partition, at);
    if (!isNewJob || start.kind === 'earliest') return (await offset(earliest)) ?? 0;
    if (start.kind === 'time') return (await offset(start.at)) ?? (await offset(end)) ?? 0;
    return (await offset(end)) ?? 0;
  }

  #nameOf(partition: number): string {
    return `${this.#parts.goal.source.topic}/${partition}`;
  }

  /** Writes a better assignment if there is one; null when another leads by now. */
  async share(
    held: LeaderRecord,
    records: readonly SplitRecord[],
    workers: readonly string[],
    current: Assignment | null,
  ): Promise<Assignment | null> {
    const { goal, log } = this.#parts;
    const names = records.map(({ split }) => split);
    // Before the first assignment, splits stay with whom they are.
    const owners = shareOutSplits(names, workers, current?.owners ?? ownersOf(records));
    if (current !== null && isDeepStrictEqual({ ...current.owners }, owners)) return current;
    const outcome = await this.#parts.workers.assign(goal.id, held, owners);
    if (outcome === 'deposed') return null;
    log.info('splits were assigned', { owners });
    return { version: (current?.version ?? 0) + 1, leaderEpoch: held.epoch, owners };
  }
}

const ownersOf = (records: readonly SplitRecord[]): Record<string, string> =>
  Object.fromEntries(records.flatMap(({ split, owner }) => (owner === null ? [] : [[split, owner]])));
