// Composes the worker's heartbeat from what its parts say of themselves.
import { performance } from 'node:perf_hooks';
import { type Accounting, addAccounting, noRecords } from '#core/job/accounting.ts';
import type { Heartbeat, SplitHeartbeat, WorkerError, WorkerState } from '#core/job/heartbeat.ts';
import { liveHash } from '#core/job/live-settings.ts';
import type { WorkerParts } from './parts.ts';
import type { Split } from './split.ts';

export interface HeartbeatFacts {
  readonly state: WorkerState;
  readonly leader: boolean;
  readonly splits: readonly Split[];
  /** Of the splits that this worker had and has no more. */
  readonly retired: Accounting;
  readonly newestAt: number | null;
  readonly mismatches: number;
  readonly gathering: Heartbeat['gathering'];
  readonly lastCheckpoint: Heartbeat['lastCheckpoint'];
  readonly errors: readonly WorkerError[];
}

const bytesPerMiB = 1024 * 1024;

export class Heartbeats {
  readonly #parts: WorkerParts;
  readonly #startedAt: number;
  #beat = 0;
  #previous: {
    readonly atMs: number;
    readonly accounting: Accounting;
    readonly usage: ReturnType<typeof performance.eventLoopUtilization>;
  };

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.#previous = {
      atMs: parts.clock.monotonicMs(),
      accounting: noRecords,
      usage: performance.eventLoopUtilization(),
    };
  }

  next(facts: HeartbeatFacts): Heartbeat {
    const { identity, goal, clock } = this.#parts;
    const accounting = facts.splits.reduce((sum, { own }) => addAccounting(sum, own), facts.retired);
    const rates = this.#measure(accounting);
    return {
      job: goal.id,
      uid: goal.uid,
      worker: identity.worker,
      incarnation: identity.incarnation,
      slot: identity.slot,
      revision: goal.revision,
      render: identity.render,
      live: liveHash(goal),
      state: facts.state,
      beat: ++this.#beat,
      at: clock.now(),
      startedAt: this.#startedAt,
      pid: identity.pid,
      leader: facts.leader,
      splits: facts.splits.map(describeSplit),
      accounting,
      gathering: facts.gathering ?? null,
      mismatches: facts.mismatches,
      ...rates,
      rssMiB: Math.round(process.memoryUsage.rss() / bytesPerMiB),
      freshnessMs: facts.newestAt === null ? null : clock.now() - facts.newestAt,
      lastCheckpoint: facts.lastCheckpoint,
      errors: facts.errors,
    };
  }

  #measure(accounting: Accounting): Pick<Heartbeat, 'inPerSecond' | 'outPerSecond' | 'busyRatio'> {
    const before = this.#previous;
    const usage = performance.eventLoopUtilization();
    this.#previous = { atMs: this.#parts.clock.monotonicMs(), accounting, usage };
    const seconds = Math.max(this.#previous.atMs - before.atMs, 1) / 1000;
    return {
      inPerSecond: Math.round((accounting.in - before.accounting.in) / seconds),
      outPerSecond: Math.round((accounting.out - before.accounting.out) / seconds),
      busyRatio: Number(performance.eventLoopUtilization(usage, before.usage).utilization.toFixed(3)),
    };
  }
}

const describeSplit = (split: Split): SplitHeartbeat => ({
  split: split.name,
  epoch: split.epoch,
  position: String(split.durable.position),
  endPosition: String(split.endOffset ?? split.durable.position),
  lagRecords: split.lagRecords,
  movedAt: split.movedAt,
  seenAt: split.seenAt,
});
