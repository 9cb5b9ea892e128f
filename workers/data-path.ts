// The way of the records: source, pipeline and sink put together, and what is done when the sink cannot take them as they are.
import { setTimeout as wait } from 'node:timers/promises';
import { isPlatformError, messageOf } from '#core/errors.ts';
import { judgeRefusal, refusedClass } from '#core/job/give-up.ts';
import { limits } from '#core/limits.ts';
import type { Chain } from '#core/operators/run/chain.ts';
import { backoffMs } from '#core/time/backoff.ts';
import { Aside } from './aside.ts';
import { Brakes } from './brakes.ts';
import { DeadLetterRate } from './dead-letter-rate.ts';
import type { ErrorsSeen } from './errors-seen.ts';
import { openRegistryOf } from './formats/open-registry.ts';
import { SourceDecoder, type SourceDecoderHooks } from './formats/source-decoder.ts';
import { isAuthorization } from './kafka/error-codes.ts';
import type { Outlet, TransactionalOutlet } from './kafka/outlet.ts';
import { Producer } from './kafka/producer.ts';
import { Source } from './kafka/source.ts';
import type { Lease } from './lease.ts';
import { LossBudget } from './loss-budget.ts';
import { openChain } from './open-chain.ts';
import type { WorkerParts } from './parts.ts';
import { Pipeline } from './pipeline.ts';
import { ReplayGate } from './replay-gate.ts';
import { createSink } from './sinks/create-sink.ts';
import type { Gathering, Sink } from './sinks/sink.ts';
import type { Split } from './split.ts';
import { SplitTransactions } from './split-transactions.ts';
import { Throttle } from './throttle.ts';
import { resolveUnreadable } from './unreadable-split.ts';

/** Until the topics that are written to are found nothing is worked on; whether they are is looked at this often. */
const openingMs = 20;
const retry = { minMs: 50, maxMs: 1_000 };

export class DataPath {
  readonly #parts: WorkerParts;
  readonly #errors: ErrorsSeen;
  readonly #outlet: Outlet;
  /** The same, where its output counts with the position only. */
  readonly #transactions: TransactionalOutlet | null;
  readonly #sink: Sink;
  readonly #gate: ReplayGate | null;
  readonly #source: Source;
  readonly #brakes: Brakes;
  /** Null where the source's records are JSON as they stand. */
  readonly #decoder: SourceDecoder | null;
  readonly #splits = new Set<Split>();
  #pipeline: Pipeline | null = null;
  #aside: Aside | null = null;
  #chain: Chain | null = null;
  #sinkTrouble = false;
  #closed = false;

  constructor(parts: WorkerParts, lease: Lease, errors: ErrorsSeen, onFenced: (split: Split) => void) {
    this.#parts = parts;
    this.#errors = errors;
    const { goal, cluster, clock } = parts;
    const note = (code: string, message: string, failingForMs = 0, pauseMs = 0): void =>
      this.#note(code, message, failingForMs, pauseMs);
    this.#gate = goal.replay === undefined ? null : new ReplayGate(goal.replay, () => clock.monotonicMs());
    this.#transactions = transactionsOf({ parts, lease, onTrouble: note, onLost: onFenced });
    this.#outlet =
      this.#transactions ??
      new Producer(cluster, {
        compression: goal.settings.compression,
        get lingerMs() {
          return goal.settings.lingerMs;
        },
        pendingBytesMax: limits.producePendingBytesMax,
        monotonicMs: () => clock.monotonicMs(),
        maySend: () => lease.isHeld,
        onTrouble: note,
        onReplay: (reason) => void this.#replay(reason),
      });
    this.#sink = createSink(goal.sink, {
      worker: parts,
      outlet: this.#outlet,
      newestAt: () => this.#pipeline?.newestAt ?? null,
      hooks: {
        maySend: () => lease.isHeld,
        onTrouble: note,
        onReplay: (reason) => void this.#replay(reason),
        onFenced,
        judge: (code, failingForMs) => judgeRefusal(goal.errors, code, failingForMs),
        setAside: (original, unit, refusal) => this.#aside!.putLate(original, unit, refusal),
        monotonicMs: () => clock.monotonicMs(),
      },
    });
    this.#decoder = decoderOf(parts, (code, message, pauseMs) => note(code, message, 0, pauseMs));
    const { lossBudget } = goal.delivery;
    const hasRoom = (): boolean => this.#outlet.hasRoom && this.#sink.hasRoom;
    const onSpent = (message: string): void => note('loss-budget-spent', message);
    this.#brakes = new Brakes({
      ...{ decoder: this.#decoder, gate: this.#gate, throttle: throttleOf(parts, () => this.#splits.size) },
      lossBudget: lossBudget === null ? null : new LossBudget(lossBudget, hasRoom, onSpent),
      sinkRoom: () => this.#outlet.room() ?? this.#sink.room(),
      ...{ sinkHasRoom: hasRoom, asideHasRoom: () => this.#outlet.hasRoom },
      monotonicMs: () => clock.monotonicMs(),
    });
    this.#source = new Source(
      cluster,
      {
        topic: goal.source.topic,
        get fetchWaitMs() {
          return goal.settings.fetchWaitMs;
        },
        get fetchBytesMax() {
          return goal.settings.fetchBytesMax;
        },
      },
      {
        room: () => (this.#pipeline === null ? wait(openingMs) : this.#brakes.room()),
        work: (split, fetched, offset) => this.#pipeline!.work(split, fetched, offset),
        worked: () => {
          this.#outlet.nudge();
          this.#sink.nudge();
        },
        unreadable: async (split, code) => {
          await resolveUnreadable(split, code, cluster, errors, goal.replay);
          if (isAuthorization(code) && goal.errors.auth === 'stop') this.#stopReading();
        },
        onTrouble: note,
        mayRead: () => lease.isHeld,
      },
    );
  }

  /** True while the sink or the source is the reason that nothing moves. */
  get isRefused(): boolean {
    const isHeld = [...this.#splits].some(({ state, isOpening }) => state === 'holding' || isOpening);
    return (
      this.#sinkTrouble ||
      isHeld ||
      this.#brakes.isHeld ||
      this.#outlet.isRefused ||
      this.#sink.isRefused ||
      this.#source.isUnreachable
    );
  }

  get newestAt(): number | null {
    return this.#sink.durableAt === undefined ? (this.#pipeline?.newestAt ?? null) : this.#sink.durableAt;
  }

  get gathering(): Gathering | null {
    return this.#sink.gathering ?? null;
  }

  /** Uses of schemaless values as a type that they do not have, since the worker started. */
  get mismatchCount(): number {
    return (this.#chain ?? this.#parts.processor).mismatchCount;
  }

  /** Finds the topics that are written to, however long that takes; until then nothing is read. */
  async open(): Promise<void> {
    const { goal, cluster, clock, processor, eventTime } = this.#parts;
    const begunMs = clock.monotonicMs();
    for (let failureCount = 1; !this.#closed; failureCount++) {
      try {
        if (failureCount > 1) await cluster.refresh();
        if (cluster.topic(goal.deadLetterTopic) === undefined)
          throw new Error(`topic ${goal.deadLetterTopic} does not exist`);
        this.#chain ??= await openChain(this.#parts);
        cluster.openLinks(goal.source.topic, 'fetch');
        const [deadLetters] = await Promise.all([this.#outlet.prepare(goal.deadLetterTopic), this.#openSink(begunMs)]);
        const now = (): number => clock.now();
        const onError = (code: string, message: string): void => this.#errors.note(code, message);
        const deadLetterRate = new DeadLetterRate(
          () => goal.errors.deadLetterRateMax,
          () => clock.monotonicMs(),
        );
        this.#aside = new Aside({ goal, outlet: this.#outlet, deadLetters, deadLetterRate, now, onError });
        this.#pipeline = new Pipeline({
          ...{ goal, processor, eventTime, now, onError, chain: this.#chain, gate: this.#gate },
          sink: this.#sink,
          aside: this.#aside,
          decoder: this.#decoder,
          brakes: this.#brakes,
        });
        this.#sinkTrouble = false;
        return;
      } catch (error) {
        this.#sinkTrouble = true;
        this.#note(codeOf(error), messageOf(error), clock.monotonicMs() - begunMs);
        await wait(backoffMs(failureCount, retry, Math.random()));
      }
    }
  }

  /** One that cannot be found for as long as the route waits is used unfound: each of its records is then given up. */
  async #openSink(begunMs: number): Promise<void> {
    const { goal, clock } = this.#parts;
    try {
      await this.#sink.open();
    } catch (error) {
      const code = codeOf(error);
      const verdict = judgeRefusal(goal.errors, code, clock.monotonicMs() - begunMs);
      if (verdict === 'retry' || verdict === 'stop') throw error;
      this.#errors.note(code, messageOf(error));
    }
  }

  add(split: Split): void {
    this.#splits.add(split);
    this.#transactions?.join(split);
    const adopted = this.#sink.adopt?.(split);
    if (adopted === undefined) this.#source.add(split);
    else
      void adopted.then(() => {
        if (this.#splits.has(split)) this.#source.add(split);
      });
  }

  remove(split: Split): void {
    this.#splits.delete(split);
    this.#source.remove(split);
    this.#outlet.flush();
    this.#sink.flush();
  }

  /** With transactions: commits what was acknowledged, of all splits or of one. Without, it counts already. */
  async commitTransactions(split?: Split): Promise<void> {
    await (split === undefined ? this.#transactions?.commitAll() : this.#transactions?.commit([split]));
  }

  /** The split is not ours any more. */
  forget(split: Split): void {
    this.#transactions?.leave(split);
    this.#sink.forget?.(split);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#outlet.close();
    this.#decoder?.close();
    await Promise.all([this.#source.close(), this.#sink.close()]);
  }

  /** Where the route gives the sink up by stopping, what was read stays unacknowledged until it takes it or somebody decides. */
  #note(code: string, message: string, failingForMs: number, pauseMs = 0): void {
    const stops = judgeRefusal(this.#parts.goal.errors, code, failingForMs) === 'stop';
    this.#errors.note(code, stops ? `${message}; ${whyStopped(code, failingForMs)}` : message, pauseMs);
    if (stops) this.#stopReading();
  }

  #stopReading(): void {
    for (const split of this.#splits) split.stop();
  }

  /** Forgets what is not acknowledged and reads it again. Splits on their way out are left to their next owner. */
  async #replay(reason: string): Promise<void> {
    this.#errors.note('replay', `${reason}; what was not acknowledged is read and routed again`);
    void this.#outlet.startOver();
    for (let busy = this.#sink.startOver(); busy !== null; busy = this.#sink.startOver()) await busy;
    for (const split of this.#splits) split.rewind();
  }
}

const codeOf = (error: unknown): string => (isPlatformError(error) ? error.code : 'sink-unavailable');

const whyStopped = (code: string, failingForMs: number): string =>
  `nothing more is read after ${Math.round(failingForMs / 1_000)} s of it, as errors.${refusedClass(code)} asks; a restart of the job tries again`;

/** By its share of the source's partitions; without bounds where the route sets no rate. */
function throttleOf({ goal, cluster, clock }: WorkerParts, splitCount: () => number): Throttle {
  const { source } = goal;
  const share = (): number => splitCount() / Math.max(1, cluster.topic(source.topic)?.leaders.length ?? 1);
  return new Throttle(
    () => (goal.throttle === null ? null : goal.throttle * share()),
    () => clock.monotonicMs(),
  );
}

function decoderOf(parts: WorkerParts, onTrouble: SourceDecoderHooks['onTrouble']): SourceDecoder | null {
  const { format } = parts.goal.source;
  const registry = openRegistryOf(parts, format);
  if (format === undefined || registry === null) return null;
  return new SourceDecoder(format, registry, { onTrouble, monotonicMs: () => parts.clock.monotonicMs() });
}

/** Null where the route does not ask for exactly-once. */
function transactionsOf(more: {
  readonly parts: WorkerParts;
  readonly lease: Lease;
  readonly onTrouble: (code: string, message: string, failingForMs: number) => void;
  readonly onLost: (split: Split) => void;
}): TransactionalOutlet | null {
  const { parts: worker, ...hooks } = more;
  const { delivery, sink, deadLetterTopic } = worker.goal;
  if (delivery.guarantee !== 'exactly-once' || sink.kind !== 'stream') return null;
  return new SplitTransactions({ worker, topics: [sink.topic, deadLetterTopic], ...hooks });
}
