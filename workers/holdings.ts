// The splits that a worker holds: taken, dealt out to its data paths, let go of.
import { messageOf } from '#core/errors.ts';
import { type Accounting, addAccounting, noRecords } from '#core/job/accounting.ts';
import type { SplitRecord, SplitRef } from '#core/ports/split-store.ts';
import type { Commits } from './commits.ts';
import type { ErrorsSeen } from './errors-seen.ts';
import type { Holding } from './holding.ts';
import type { WorkerParts } from './parts.ts';
import { type OpenPath, reportOf, type SplitReport } from './path-messages.ts';
import { Paths } from './paths.ts';
import { Split } from './split.ts';

interface Leaving {
  readonly holding: Holding;
  readonly left: PromiseWithResolvers<boolean>;
  readonly done: Promise<boolean>;
}

export interface HoldingsParts {
  readonly worker: WorkerParts;
  readonly commits: Commits;
  readonly errors: ErrorsSeen;
  readonly paths: readonly OpenPath[];
  /** A data path found that another worker owns the split. */
  readonly onFenced: (split: SplitRef) => void;
}

export class Holdings {
  readonly paths: Paths;
  readonly #parts: HoldingsParts;
  readonly #holdings = new Map<string, Holding>();
  readonly #leaving = new Map<string, Leaving>();
  /** What was done to splits that are not held any more. */
  retired: Accounting = noRecords;

  constructor(parts: HoldingsParts) {
    this.#parts = parts;
    this.paths = new Paths(parts.paths, {
      onSplits: (path, splits) => this.#note(path, splits),
      onLeft: (path, split, inOrder) => this.#noteLeft(path, split, inOrder),
      onFenced: parts.onFenced,
    });
  }

  get all(): readonly Holding[] {
    return [...this.#holdings.values()];
  }

  /** Takes what is free by now; somebody else may have been quicker. */
  async claim(records: readonly SplitRecord[]): Promise<void> {
    await Promise.all(records.map((record) => this.#claimOne(record)));
  }

  /** Let go of before, which the store has not heard. */
  async free(records: readonly SplitRecord[]): Promise<void> {
    const { splits, identity } = this.#parts.worker;
    for (const { split, epoch } of records)
      if (!this.#holdings.has(split)) await splits.release(identity.job, { split, worker: identity.worker, epoch });
  }

  async #claimOne(seen: SplitRecord): Promise<void> {
    const { splits, identity, clock, log } = this.#parts.worker;
    const outcome = await splits.claim(identity.job, seen, identity.worker);
    if (outcome.kind === 'lost' || this.#holdings.has(seen.split)) return;
    const { record } = outcome;
    const split = new Split(record, clock);
    const path = this.#emptiestPath();
    const { name, epoch, partition, durable } = split;
    this.#holdings.set(name, { name, epoch, partition, path, committed: durable, report: reportOf(split) });
    log.info('took a split', {
      ...{ split: name, epoch, position: durable.position, from: seen.owner },
      ...(this.paths.count === 1 ? {} : { path }),
    });
    this.paths.post(path, { kind: 'take', record });
  }

  #emptiestPath(): number {
    const counts = Array.from({ length: this.paths.count }, () => 0);
    for (const { path } of this.#holdings.values()) counts[path]!++;
    return counts.indexOf(Math.min(...counts));
  }

  /**
   * Stops reading, waits until what was read is acknowledged, commits and frees the split. What is not acknowledged within
   * `withinMs` is left to the next owner, who reads it again: false then.
   */
  async letGo(name: string, withinMs: number): Promise<boolean> {
    const holding = this.#holdings.get(name);
    if (holding === undefined) return true;
    let leaving = this.#leaving.get(name);
    if (leaving === undefined) {
      const left = Promise.withResolvers<boolean>();
      const done = this.#letGo(holding, left.promise).finally(() => this.#leaving.delete(name));
      leaving = { holding, left, done };
      this.#leaving.set(name, leaving);
      this.paths.post(holding.path, { kind: 'let-go', split: refOf(holding), withinMs });
    }
    return await leaving.done;
  }

  async #letGo(holding: Holding, left: Promise<boolean>): Promise<boolean> {
    const inOrder = await left;
    if (!this.#isHeld(holding)) return inOrder;
    const { errors, commits, worker } = this.#parts;
    const { splits, identity, log } = worker;
    const { name, epoch } = holding;
    await commits.commit(holding);
    if (!this.#isHeld(holding)) return inOrder;
    try {
      await splits.release(identity.job, { split: name, worker: identity.worker, epoch });
      log.info('freed a split', { split: name, epoch, position: holding.committed.position });
    } catch (error) {
      // It stays ours on paper until a later round frees it.
      errors.note('release-failed', `${name}: ${messageOf(error)}`);
    }
    this.#forget(holding);
    return inOrder;
  }

  /** Somebody else owns it: nothing of it is committed any more. */
  drop({ name, epoch }: SplitRef): void {
    const holding = this.#holdings.get(name);
    if (holding?.epoch !== epoch) return;
    this.#forget(holding);
    this.paths.post(holding.path, { kind: 'drop', split: { name, epoch } });
    this.#leaving.get(name)?.left.resolve(true);
    this.#parts.worker.log.warn('lost a split to another worker', { split: name, epoch });
  }

  #forget(holding: Holding): void {
    if (!this.#isHeld(holding)) return;
    this.#holdings.delete(holding.name);
    this.retired = addAccounting(this.retired, holding.report.own);
  }

  #isHeld(holding: Holding): boolean {
    return this.#holdings.get(holding.name) === holding;
  }

  #note(path: number, reports: readonly SplitReport[]): void {
    for (const report of reports) {
      const holding = this.#holdings.get(report.name);
      if (holding?.epoch === report.epoch && holding.path === path) holding.report = report;
    }
  }

  #noteLeft(path: number, report: SplitReport, inOrder: boolean): void {
    this.#note(path, [report]);
    const leaving = this.#leaving.get(report.name);
    if (leaving?.holding.epoch === report.epoch) leaving.left.resolve(inOrder);
  }
}

const refOf = ({ name, epoch }: Holding): SplitRef => ({ name, epoch });
