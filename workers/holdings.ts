// The splits that a worker holds: taken, read, let go of.
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '#core/errors.ts';
import { type Accounting, addAccounting, noRecords } from '#core/job/accounting.ts';
import { rememberedEvents } from '#core/operators/operator.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import type { Commits } from './commits.ts';
import type { DataPath } from './data-path.ts';
import type { ErrorsSeen } from './errors-seen.ts';
import type { WorkerParts } from './parts.ts';
import { Split } from './split.ts';

/** What is done on the data path with the splits that come and go. */
export type SplitPath = Pick<DataPath, 'add' | 'remove' | 'commitTransactions' | 'forget'>;

export class Holdings {
  readonly #parts: WorkerParts;
  readonly #path: SplitPath;
  readonly #commits: Commits;
  readonly #errors: ErrorsSeen;
  readonly #splits = new Map<string, Split>();
  readonly #leaving = new Map<string, Promise<boolean>>();
  /** What was done to splits that are not held any more. */
  retired: Accounting = noRecords;

  constructor(parts: WorkerParts, path: SplitPath, commits: Commits, errors: ErrorsSeen) {
    this.#parts = parts;
    this.#path = path;
    this.#commits = commits;
    this.#errors = errors;
  }

  get all(): readonly Split[] {
    return [...this.#splits.values()];
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#splits.keys());
  }

  /** Takes what is free by now; somebody else may have been quicker. */
  async claim(records: readonly SplitRecord[]): Promise<void> {
    await Promise.all(records.map((record) => this.#claimOne(record)));
  }

  async #claimOne(seen: SplitRecord): Promise<void> {
    const { splits, identity, goal, clock, log } = this.#parts;
    const outcome = await splits.claim(identity.job, seen, identity.worker);
    if (outcome.kind === 'lost' || this.#splits.has(seen.split)) return;
    const split = new Split(outcome.record, clock, rememberedEvents(goal.operators ?? []));
    this.#splits.set(split.name, split);
    log.info('took a split', {
      split: split.name,
      epoch: split.epoch,
      position: split.done.position,
      from: seen.owner,
    });
    this.#path.add(split);
  }

  /**
   * Stops reading, waits until what was read is acknowledged, commits and frees the split. What is not acknowledged within
   * `withinMs` is left to the next owner, who reads it again: false then.
   */
  async letGo(name: string, withinMs: number): Promise<boolean> {
    const split = this.#splits.get(name);
    if (split === undefined) return true;
    let leaving = this.#leaving.get(name);
    if (leaving === undefined) {
      leaving = this.#letGo(split, withinMs).finally(() => this.#leaving.delete(name));
      this.#leaving.set(name, leaving);
    }
    return await leaving;
  }

  async #letGo(split: Split, withinMs: number): Promise<boolean> {
    const { splits, identity, log } = this.#parts;
    split.state = 'leaving';
    this.#path.remove(split);
    await Promise.race([split.settled(), wait(withinMs, undefined, { ref: false })]);
    const inOrder = split.isSettled;
    if (!inOrder) split.rewind();
    await this.#path.commitTransactions(split);
    await this.#commits.commit(split);
    if (!this.#splits.has(split.name)) return inOrder;
    try {
      await splits.release(identity.job, { split: split.name, worker: identity.worker, epoch: split.epoch });
      log.info('freed a split', { split: split.name, epoch: split.epoch, position: split.committed.position });
    } catch (error) {
      // It stays ours on paper: the next owner waits until we are gone.
      this.#errors.note('release-failed', `${split.name}: ${messageOf(error)}`);
    }
    this.#forget(split);
    return inOrder;
  }

  /** Somebody else owns it: what is in flight may arrive and is a duplicate then, but nothing of it is committed. */
  drop(split: Split): void {
    split.state = 'leaving';
    this.#path.remove(split);
    split.rewind();
    this.#forget(split);
    this.#parts.log.warn('lost a split to another worker', { split: split.name, epoch: split.epoch });
  }

  #forget(split: Split): void {
    if (!this.#splits.delete(split.name)) return;
    this.#path.forget(split);
    this.retired = addAccounting(this.retired, split.own);
  }
}
