// The worker's data paths, seen from its main part: told all at once or one by one, and asked what became of the splits.

import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { SplitRef } from '#core/ports/split-store.ts';
import type { FromPath, OpenPath, PathChannel, PathReport, SplitReport, ToPath } from './path-messages.ts';

export interface PathsHooks {
  readonly onSplits: (path: number, splits: readonly SplitReport[]) => void;
  readonly onLeft: (path: number, split: SplitReport, inOrder: boolean) => void;
  readonly onFenced: (split: SplitRef) => void;
}

/** Together, of all data paths. */
export interface PathsState extends Pick<PathReport, 'isRefused' | 'newestAt' | 'mismatchCount' | 'gathering'> {
  readonly errors: readonly PathReport['errors'][];
  readonly usages: readonly PathReport['usage'][];
}

interface Path {
  readonly channel: PathChannel;
  report: PathReport | null;
}

export class Paths {
  readonly #paths: readonly Path[];
  readonly #hooks: PathsHooks;
  /** Paths whose answer is awaited. */
  readonly #silent = new Set<number>();
  #answered: PromiseWithResolvers<void> | null = null;
  #openCount = 0;
  readonly #closed = Promise.withResolvers<void>();

  constructor(open: readonly OpenPath[], hooks: PathsHooks) {
    this.#hooks = hooks;
    this.#paths = open.map((each, index) => ({
      channel: each((message) => this.#hear(index, message)),
      report: null,
    }));
    this.#openCount = this.#paths.length;
  }

  get count(): number {
    return this.#paths.length;
  }

  post(path: number, message: ToPath): void {
    this.#paths[path]!.channel.post(message);
  }

  postAll(message: ToPath): void {
    for (const { channel } of this.#paths) channel.post(message);
  }

  /**
   * Resolves when every path has said what became of its splits; within one thread that is at once. One that does not
   * answer leaves it open: no heartbeat is sent then, so the lease runs out as that of a worker that hangs.
   */
  look(): Promise<void> {
    if (this.#answered !== null) return this.#answered.promise;
    const answered = Promise.withResolvers<void>();
    this.#answered = answered;
    for (let path = 0; path < this.count; path++) this.#silent.add(path);
    this.postAll({ kind: 'report' });
    return answered.promise;
  }

  /** As of the last answers. */
  get state(): PathsState {
    const reports = this.#paths.flatMap(({ report }) => (report === null ? [] : [report]));
    return {
      isRefused: reports.some(({ isRefused }) => isRefused),
      newestAt: reports.reduce<number | null>((newest, { newestAt }) => later(newest, newestAt), null),
      mismatchCount: reports.reduce((sum, { mismatchCount }) => sum + mismatchCount, 0),
      gathering: reports.reduce<PathReport['gathering']>((all, { gathering }) => together(all, gathering), null),
      errors: reports.map(({ errors }) => errors),
      usages: reports.map(({ usage }) => usage),
    };
  }

  async close(): Promise<void> {
    this.postAll({ kind: 'close' });
    await this.#closed.promise;
  }

  #hear(path: number, message: FromPath): void {
    switch (message.kind) {
      case 'report':
        this.#paths[path]!.report = message.report;
        this.#hooks.onSplits(path, message.report.splits);
        this.#silent.delete(path);
        if (this.#silent.size > 0) break;
        this.#answered?.resolve();
        this.#answered = null;
        break;
      case 'left':
        this.#hooks.onLeft(path, message.split, message.inOrder);
        break;
      case 'fenced':
        this.#hooks.onFenced(message.split);
        break;
      case 'closed':
        if (--this.#openCount === 0) this.#closed.resolve();
        break;
    }
  }
}

const later = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b);

type Gathering = NonNullable<Heartbeat['gathering']>;

function together(a: Gathering | null, b: Gathering | null): Gathering | null {
  if (a === null || b === null) return a ?? b;
  return {
    records: a.records + b.records,
    bytes: a.bytes + b.bytes,
    oldestAt: Math.min(a.oldestAt, b.oldestAt),
    dueAt: Math.min(a.dueAt, b.dueAt),
  };
}
