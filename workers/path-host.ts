// One data path's end of the line: holds the splits that the worker's main part gave it, and does what it is told.
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '#core/errors.ts';
import { rememberedEvents } from '#core/operators/operator.ts';
import type { SplitRecord, SplitRef } from '#core/ports/split-store.ts';
import { DataPath } from './data-path.ts';
import { ErrorsSeen } from './errors-seen.ts';
import type { Lease } from './lease.ts';
import { takeOver } from './live-goal.ts';
import type { WorkerParts } from './parts.ts';
import { type FromPath, type OpenPath, reportOf, type ToPath } from './path-messages.ts';
import { Split } from './split.ts';

export type SplitPath = Pick<
  DataPath,
  | ('open' | 'add' | 'remove' | 'commitTransactions' | 'forget' | 'close')
  | ('isRefused' | 'newestAt' | 'mismatchCount' | 'gathering')
>;

export interface PathHostParts {
  readonly worker: WorkerParts;
  readonly path: SplitPath;
  readonly errors: ErrorsSeen;
  readonly tell: (message: FromPath) => void;
}

export class PathHost {
  readonly #parts: PathHostParts;
  readonly #splits = new Map<string, Split>();
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: PathHostParts) {
    this.#parts = parts;
  }

  get splits(): readonly Split[] {
    return [...this.#splits.values()];
  }

  receive(message: ToPath): void {
    switch (message.kind) {
      case 'open':
        void this.#open();
        break;
      case 'take':
        this.#take(message.record);
        break;
      case 'let-go':
        this.#with(message.split, (split) => void this.#letGo(split, message.withinMs));
        break;
      case 'drop':
        this.#with(message.split, (split) => this.#drop(split));
        break;
      case 'report':
        this.#report();
        break;
      case 'live':
        takeOver(this.#parts.worker, message.stored);
        break;
      case 'close':
        void this.#close();
        break;
    }
  }

  async #open(): Promise<void> {
    const { worker, path, errors } = this.#parts;
    const { cluster, log, clock, goal } = worker;
    const startedMs = clock.monotonicMs();
    this.#timer = setInterval(() => void path.commitTransactions(), goal.settings.transactionMs);
    await cluster.refresh().catch((error: unknown) => errors.note('source-unavailable', messageOf(error)));
    await path.open();
    log.info('the sink is ready', { tookMs: Math.round(clock.monotonicMs() - startedMs) });
  }

  #take(record: SplitRecord): void {
    const { goal, clock } = this.#parts.worker;
    const split = new Split(record, clock, rememberedEvents(goal.operators ?? []));
    this.#splits.set(split.name, split);
    this.#parts.path.add(split);
  }

  async #letGo(split: Split, withinMs: number): Promise<void> {
    const { path, tell } = this.#parts;
    split.state = 'leaving';
    path.remove(split);
    await Promise.race([split.settled(), wait(withinMs, undefined, { ref: false })]);
    const inOrder = split.isSettled;
    if (!inOrder) split.rewind();
    await path.commitTransactions(split);
    this.#forget(split);
    tell({ kind: 'left', split: reportOf(split), inOrder });
  }

  /** What is in flight may arrive and is a duplicate then, but nothing of it is reported. */
  #drop(split: Split): void {
    split.state = 'leaving';
    this.#parts.path.remove(split);
    split.rewind();
    this.#forget(split);
  }

  #forget(split: Split): void {
    if (this.#splits.get(split.name) === split) this.#splits.delete(split.name);
    this.#parts.path.forget(split);
  }

  #report(): void {
    const { path, errors, tell } = this.#parts;
    const { isRefused, newestAt, mismatchCount, gathering } = path;
    const splits = this.splits.map(reportOf);
    const usage = performance.eventLoopUtilization();
    tell({
      kind: 'report',
      report: { splits, isRefused, newestAt, mismatchCount, gathering, errors: errors.latest(), usage },
    });
  }

  async #close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#parts.path.close();
    this.#parts.tell({ kind: 'closed' });
  }

  #with({ name, epoch }: SplitRef, act: (split: Split) => void): void {
    const split = this.#splits.get(name);
    if (split?.epoch === epoch) act(split);
  }
}

/** A data path of these parts; what it has to say goes to `tell`. */
export function hostPath(worker: WorkerParts, lease: Lease, tell: (message: FromPath) => void): PathHost {
  const errors = new ErrorsSeen(worker.log, worker.clock);
  const onFenced = ({ name, epoch }: Split): void => tell({ kind: 'fenced', split: { name, epoch } });
  return new PathHost({ worker, errors, tell, path: new DataPath(worker, lease, errors, onFenced) });
}

/** In the thread of the worker's main part: a message is a call. */
export const openHere =
  (worker: WorkerParts, lease: Lease): OpenPath =>
  (hear) => {
    const host = hostPath(worker, lease, hear);
    return { post: (message) => host.receive(message) };
  };
