// Composes the worker's heartbeat from what its parts say of themselves.
import { performance } from 'node:perf_hooks';
import { type Accounting, addAccounting, noRecords } from '#core/job/accounting.ts';
import type { Heartbeat, SplitHeartbeat, WorkerError, WorkerState } from '#core/job/heartbeat.ts';
import type { Checkpoints } from './checkpoints.ts';
import { mergeErrors } from './errors-seen.ts';
import type { Holding } from './holding.ts';
import { currentLiveHash } from './live-goal.ts';
import type { WorkerParts } from './parts.ts';
import type { SplitReport } from './path-messages.ts';
import type { PathsState } from './paths.ts';

export interface HeartbeatFacts {
  readonly state: WorkerState;
  /** By the monotonic clock: since when it leads (null: it does not), and when it last did its part in sharing splits out. */
  readonly leadsSinceMs: number | null;
  readonly lookedMs: number | null;
  readonly holdings: readonly Holding[];
  /** Of the splits that this worker had and has no more. */
  readonly retired: Accounting;
  readonly paths: PathsState;
  readonly lastCheckpoint: Checkpoints['latest'];
  /** Of the worker's main part. */
  readonly errors: readonly WorkerError[];
}

const minuteMs = 60_000;

const bytesPerMiB = 1024 * 1024;

export class Heartbeats {
  readonly #parts: WorkerParts;
  readonly #rssBytes: () => number;
  readonly #startedMonotonicMs: number;
  #beat = 0;
  /** The books of the last minute, oldest first; a heartbeat each. */
  #minute: { readonly atMs: number; readonly accounting: Accounting }[] = [];
  #previous: {
    readonly atMs: number;
    readonly accounting: Accounting;
    readonly usages: PathsState['usages'];
  };

  constructor(parts: WorkerParts, rssBytes = (): number => process.memoryUsage.rss()) {
    this.#parts = parts;
    this.#rssBytes = rssBytes;
    this.#startedMonotonicMs = parts.clock.monotonicMs();
    this.#previous = { atMs: this.#startedMonotonicMs, accounting: noRecords, usages: [] };
  }

  next(facts: HeartbeatFacts): Heartbeat {
    const { identity, goal } = this.#parts;
    const { paths } = facts;
    const splits = facts.holdings.map(({ report }) => report);
    const { at, timeOf } = this.#time();
    const accounting = splits.reduce((sum, { own }) => addAccounting(sum, own), facts.retired);
    const rates = this.#measure(accounting, paths.usages);
    return {
      job: goal.id,
      uid: goal.uid,
      worker: identity.worker,
      incarnation: identity.incarnation,
      slot: identity.slot,
      revision: goal.revision,
      render: identity.render,
      live: currentLiveHash(goal),
      state: facts.state,
      beat: ++this.#beat,
      at,
      startedAt: timeOf(this.#startedMonotonicMs),
      ...(facts.leadsSinceMs === null ? {} : { leadingSince: timeOf(facts.leadsSinceMs) }),
      lookedAt: timeOf(facts.lookedMs ?? this.#startedMonotonicMs),
      pid: identity.pid,
      leader: facts.leadsSinceMs !== null,
      splits: splits.map((split) => describeSplit(split, timeOf)),
      accounting,
      lastMinute: this.#lastMinute(accounting),
      gathering: paths.gathering,
      mismatches: paths.mismatchCount,
      ...rates,
      rssMiB: Math.round(this.#rssBytes() / bytesPerMiB),
      freshnessMs: paths.newestAt === null ? null : at - paths.newestAt,
      lastCheckpoint: facts.lastCheckpoint && {
        sequence: facts.lastCheckpoint.sequence,
        at: timeOf(facts.lastCheckpoint.asOfMs),
      },
      errors: mergeErrors([facts.errors, ...paths.errors]),
    };
  }

  /** All by the clock as it goes now: of one that was set meanwhile, who reads it knows only what it is off at `at`. */
  #time(): { readonly at: number; readonly timeOf: (monotonicMs: number) => number } {
    const { clock } = this.#parts;
    const at = clock.now();
    const nowMs = clock.monotonicMs();
    return { at, timeOf: (monotonicMs) => at - Math.round(nowMs - monotonicMs) };
  }

  #lastMinute(accounting: Accounting): NonNullable<Heartbeat['lastMinute']> {
    const atMs = this.#parts.clock.monotonicMs();
    this.#minute = [...this.#minute.filter((then) => atMs - then.atMs <= minuteMs), { atMs, accounting }];
    const from = this.#minute[0]!.accounting;
    return { in: accounting.in - from.in, deadLettered: accounting.deadLettered - from.deadLettered };
  }

  #measure(
    accounting: Accounting,
    usages: PathsState['usages'],
  ): Pick<Heartbeat, 'inPerSecond' | 'outPerSecond' | 'busyRatio'> {
    const before = this.#previous;
    this.#previous = { atMs: this.#parts.clock.monotonicMs(), accounting, usages };
    const seconds = Math.max(this.#previous.atMs - before.atMs, 1) / 1000;
    return {
      inPerSecond: Math.round((accounting.in - before.accounting.in) / seconds),
      outPerSecond: Math.round((accounting.out - before.accounting.out) / seconds),
      busyRatio: Number(busiest(usages, before.usages).toFixed(3)),
    };
  }
}

/** Of several threads the one that has the most to do: it is what holds the worker up. */
function busiest(usages: PathsState['usages'], before: PathsState['usages']): number {
  const ratios = usages.map((usage, index) => {
    const since = before[index];
    return (since === undefined ? usage : performance.eventLoopUtilization(usage, since)).utilization;
  });
  return Math.max(0, ...ratios);
}

const describeSplit = (split: SplitReport, timeOf: (monotonicMs: number) => number): SplitHeartbeat => ({
  split: split.name,
  epoch: split.epoch,
  position: String(split.durable.position),
  endPosition: String(split.endOffset ?? split.durable.position),
  lagRecords: split.lagRecords,
  movedAt: timeOf(split.movedMs),
  seenAt: timeOf(split.seenMs),
});
