// One worker of one job, from its first heartbeat to its end: keeps its lease, takes its share of the splits, commits.

import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '#core/errors.ts';
import { judgeProgress } from '#core/health/progress.ts';
import type { ExitName } from '#core/job/exit-codes.ts';
import type { WorkerState } from '#core/job/heartbeat.ts';
import type { StoredLive } from '#core/job/live-settings.ts';
import { roundPauses } from '#core/job/pace.ts';
import type { SplitRef } from '#core/ports/split-store.ts';
import { Commits } from './commits.ts';
import { ErrorsSeen } from './errors-seen.ts';
import { Heartbeats } from './heartbeats.ts';
import { Holdings } from './holdings.ts';
import type { Lease } from './lease.ts';
import { takeOver } from './live-goal.ts';
import { Membership, noLease } from './membership.ts';
import type { WorkerParts } from './parts.ts';
import type { OpenPath, SplitReport } from './path-messages.ts';

/** How often the lease and progress are looked at; both are only compared with the clock. */
const watchMs = 200;
/** How often the cluster's metadata is read anew: new partitions and topics made anew are noticed by it. */
const metadataMs = 5_000;

export class Worker {
  readonly #parts: WorkerParts;
  readonly #lease: Lease;
  readonly #errors: ErrorsSeen;
  readonly #membership: Membership;
  readonly #heartbeats: Heartbeats;
  readonly #commits: Commits;
  readonly #holdings: Holdings;
  readonly #ended = Promise.withResolvers<ExitName>();
  readonly #timers: NodeJS.Timeout[] = [];
  #isOver = false;
  #draining = false;
  #refusedMs: number | null = null;
  /** When a round last came to its end, by the monotonic clock. */
  #lookedMs: number | null = null;
  #beating: Promise<void> | null = null;
  /** The round under way, or the last one. */
  #rounding: Promise<unknown> = Promise.resolve();
  #announced: WorkerState = 'starting';

  /** `paths`: of the records; one in this thread, or each in a thread of its own. They go by the same lease. */
  constructor(parts: WorkerParts, lease: Lease, paths: readonly OpenPath[]) {
    this.#parts = parts;
    const { clock, log } = parts;
    this.#lease = lease;
    this.#errors = new ErrorsSeen(log, clock);
    this.#membership = new Membership(parts, this.#lease, this.#errors);
    this.#heartbeats = new Heartbeats(parts);
    const onFenced = (split: SplitRef): void => this.#onFenced(split);
    this.#commits = new Commits(parts, this.#lease, this.#errors, onFenced);
    const { commits, errors } = { commits: this.#commits, errors: this.#errors };
    this.#holdings = new Holdings({ worker: parts, commits, errors, paths, onFenced });
  }

  /** Works until it is told to end or has to; gives the reason. */
  async run(): Promise<ExitName> {
    const { settings } = this.#parts.goal;
    const first = this.#beat();
    this.#holdings.paths.postAll({ kind: 'open' });
    void this.#refresh();
    await first;
    this.#every(settings.heartbeatMs, () => void this.#beat());
    this.#every(settings.commitMs, () => void this.#commit());
    this.#every(watchMs, () => this.#watch());
    this.#every(metadataMs, () => void this.#refresh());
    void this.#rounds();
    const reason = await this.#ended.promise;
    for (const timer of this.#timers) clearInterval(timer);
    return reason;
  }

  /** Told to end: stops reading, delivers and commits what was read, frees the splits for others. */
  async drain(): Promise<void> {
    if (this.#draining || this.#isOver) return;
    this.#draining = true;
    const { goal, identity, workers, log } = this.#parts;
    log.info('draining', { splits: this.#holdings.all.length });
    const wasStuck = this.#isStuck;
    const wasLeading = this.#membership.leads;
    const announced = this.#beat();
    // Another may lead, and share our splits out, while we still deliver what was read.
    const resigned = announced.then(() => this.#membership.resign());
    // Waited for below, after the splits are free: until then its failure must not count as one that nobody handles.
    resigned.catch(() => {});
    const inTime = await this.#letGoOfAll();
    // What a round under way still makes or claims must not come after others see us gone, and perhaps clear the job.
    await Promise.race([this.#rounding, wait(goal.settings.leaseMs, undefined, { ref: false })]);
    inTime.push(...(await this.#letGoOfAll()));
    try {
      await resigned;
      await this.#membership.resign();
      if (wasLeading) await this.#membership.checkpoints.take();
      await this.#beating;
      this.#isOver = true;
      await workers.remove(identity.job, identity.worker);
    } catch (error) {
      log.warn('did not take leave in order; others wait for the lease to run out', { reason: messageOf(error) });
    }
    await this.#holdings.paths.close();
    this.#end(inTime.includes(false) ? 'drainTimeout' : wasStuck ? 'stuck' : 'ended', 'drained');
  }

  /** Of each split, whether nothing of it was left to the next owner. */
  async #letGoOfAll(): Promise<boolean[]> {
    const { drainMs } = this.#parts.goal.settings;
    const inTime: boolean[] = [];
    while (this.#holdings.all.length > 0)
      inTime.push(...(await Promise.all(this.#holdings.all.map(({ name }) => this.#holdings.letGo(name, drainMs)))));
    return inTime;
  }

  /** A cluster that cannot be reached is the data paths' trouble to tell of. */
  async #refresh(): Promise<void> {
    await this.#parts.cluster.refresh().catch(() => {});
  }

  /** Reads the view again and again and acts on it: often while something is awaited, else once a heartbeat or oftener. */
  async #rounds(): Promise<void> {
    const pauseMs = roundPauses(this.#parts.goal.settings);
    while (!this.#isOver && !this.#draining) {
      let waits = true;
      try {
        const round = this.#round();
        this.#rounding = round.catch(() => {});
        waits = await round;
        this.#lookedMs = this.#parts.clock.monotonicMs();
      } catch (error) {
        this.#errors.note('worker-store-failed', messageOf(error));
      }
      await wait(pauseMs(waits));
    }
  }

  /** True when something is awaited that may come at any moment. */
  async #round(): Promise<boolean> {
    const round = await this.#membership.round(this.#holdings.all);
    if (round.kind === 'fenced') {
      this.#end('fenced', round.why);
      return false;
    }
    this.#takeOver(round.live);
    if (this.#draining || !this.#lease.isHeld) return true;
    const { claim, lost, release, free, waitingFor } = round.decision;
    for (const split of lost) this.#holdings.drop(split);
    for (const name of release) void this.#holdings.letGo(name, this.#parts.goal.settings.drainMs);
    const hadNone = this.#holdings.all.length === 0;
    await this.#holdings.free(free);
    await this.#holdings.claim(claim);
    if (hadNone && this.#holdings.all.length > 0) void this.#beat();
    return waitingFor.length > 0 || lost.length > 0 || this.#holdings.all.length === 0;
  }

  #takeOver(stored: StoredLive | null): void {
    if (stored === null || !takeOver(this.#parts, stored)) return;
    this.#holdings.paths.postAll({ kind: 'live', stored });
    void this.#beat();
  }

  async #beat(): Promise<void> {
    if (this.#isOver) return;
    this.#beating ??= this.#sendBeat().finally(() => {
      this.#beating = null;
    });
    await this.#beating;
  }

  async #sendBeat(): Promise<void> {
    const { workers, clock } = this.#parts;
    await this.#holdings.paths.look();
    const sentMs = clock.monotonicMs();
    const heartbeat = this.#heartbeats.next({
      state: this.#state,
      leadsSinceMs: this.#membership.leadsSinceMs,
      lookedMs: this.#lookedMs,
      holdings: this.#holdings.all,
      retired: this.#holdings.retired,
      paths: this.#holdings.paths.state,
      lastCheckpoint: this.#membership.checkpoints.latest,
      errors: this.#errors.latest(),
    });
    try {
      const outcome = await workers.beat(heartbeat);
      if (outcome === 'fenced') this.#end('fenced', 'this worker was declared dead');
      else this.#lease.renew(sentMs);
    } catch (error) {
      this.#errors.note('worker-store-failed', messageOf(error));
    }
  }

  async #commit(): Promise<void> {
    await this.#holdings.paths.look();
    await this.#commits.commitAll(this.#holdings.all);
    await this.#commits.tell(this.#holdings.all);
  }

  /** Another worker holds the split. If it is because this one was declared dead, all of it has to end. */
  #onFenced(split: SplitRef): void {
    this.#holdings.drop(split);
    void this.#beat();
  }

  #watch(): void {
    const { clock, goal } = this.#parts;
    if (this.#lease.isOver) {
      this.#end('fenced', noLease(goal.settings));
      return;
    }
    void this.#holdings.paths.look();
    if (this.#announced !== this.#state) void this.#beat();
    this.#announced = this.#state;
    const nowMs = clock.monotonicMs();
    if (this.#holdings.paths.state.isRefused) this.#refusedMs = nowMs;
    const splits = this.#reports
      .filter(({ state }) => state !== 'stuck')
      .map(({ name, lagRecords, movedMs }) => ({ split: name, lagRecords, movedMs }));
    const progress = judgeProgress({ nowMs, stalledAfterMs: goal.stalledAfterMs, splits, refusedMs: this.#refusedMs });
    if (progress.kind === 'stalled') this.#endStalled(progress.splits, progress.forMs);
  }

  #endStalled(splits: readonly string[], forMs: number): void {
    const evidence = this.#reports
      .filter(({ name }) => splits.includes(name))
      .map(({ name, state, durable, fetchOffset, endOffset }) => ({
        name,
        state,
        position: durable.position,
        fetchOffset,
        endOffset,
      }));
    this.#parts.log.error('no position moved although there is something to read', {
      forMs: Math.round(forMs),
      splits: evidence,
    });
    this.#end('noProgress', `no progress for ${Math.round(forMs)} ms`);
  }

  get #reports(): readonly SplitReport[] {
    return this.#holdings.all.map(({ report }) => report);
  }

  get #isStuck(): boolean {
    return this.#reports.some(({ state }) => state === 'stuck');
  }

  get #state(): WorkerState {
    if (this.#draining) return 'draining';
    if (this.#isStuck) return 'stuck';
    return this.#holdings.all.length === 0 ? 'starting' : 'running';
  }

  #end(reason: ExitName, why: string): void {
    this.#isOver = true;
    this.#parts.log.info('ends', { reason, why });
    this.#ended.resolve(reason);
  }

  #every(intervalMs: number, act: () => void): void {
    this.#timers.push(setInterval(act, intervalMs));
  }
}
