// The way of the records: source, pipeline and sink put together, and what is done when the sink cannot take them as they are.
import { setTimeout as wait } from 'node:timers/promises';
import { isPlatformError, messageOf } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Chain } from '#core/operators/run/chain.ts';
import { backoffMs } from '#core/time/backoff.ts';
import { Aside } from './aside.ts';
import type { ErrorsSeen } from './errors-seen.ts';
import { Producer } from './kafka/producer.ts';
import { Source } from './kafka/source.ts';
import type { Lease } from './lease.ts';
import { openChain } from './open-chain.ts';
import type { WorkerParts } from './parts.ts';
import { Pipeline } from './pipeline.ts';
import { ReplayGate } from './replay-gate.ts';
import { createSink } from './sinks/create-sink.ts';
import type { Gathering, Sink } from './sinks/sink.ts';
import type { Split } from './split.ts';
import { resolveUnreadable } from './unreadable-split.ts';

const retry = { minMs: 50, maxMs: 1_000 };

export class DataPath {
  readonly #parts: WorkerParts;
  readonly #errors: ErrorsSeen;
  readonly #producer: Producer;
  readonly #sink: Sink;
  readonly #gate: ReplayGate | null;
  readonly #source: Source;
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
    this.#gate = goal.replay === undefined ? null : new ReplayGate(goal.replay, () => clock.monotonicMs());
    this.#producer = new Producer(cluster, {
      compression: goal.settings.compression,
      lingerMs: goal.settings.lingerMs,
      pendingBytesMax: limits.producePendingBytesMax,
      monotonicMs: () => clock.monotonicMs(),
      maySend: () => lease.isHeld,
      onTrouble: (code, message) => errors.note(code, message),
      onReplay: (reason) => void this.#replay(reason),
    });
    this.#sink = createSink(goal.sink, {
      worker: parts,
      producer: this.#producer,
      newestAt: () => this.#pipeline?.newestAt ?? null,
      hooks: {
        maySend: () => lease.isHeld,
        onTrouble: (code, message) => errors.note(code, message),
        onReplay: (reason) => void this.#replay(reason),
        onFenced,
        setAside: (original, unit, refusal) => this.#aside!.putLate(original, unit, refusal),
        monotonicMs: () => clock.monotonicMs(),
      },
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
        room: () =>
          this.#pipeline === null ? wait(20) : (this.#gate?.room() ?? this.#producer.room() ?? this.#sink.room()),
        work: (split, fetched, offset) => this.#pipeline!.work(split, fetched, offset),
        worked: () => {
          this.#producer.nudge();
          this.#sink.nudge();
        },
        unreadable: (split, code) => resolveUnreadable(split, code, cluster, errors),
        onTrouble: (code, message) => errors.note(code, message),
        mayRead: () => lease.isHeld,
      },
    );
  }

  /** True while the sink or the source is the reason that nothing moves. */
  get isRefused(): boolean {
    const isHeld = this.#gate?.isWaiting === true || [...this.#splits].some(({ state }) => state === 'holding');
    return (
      this.#sinkTrouble || isHeld || this.#producer.isRefused || this.#sink.isRefused || this.#source.isUnreachable
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
    for (let failureCount = 1; !this.#closed; failureCount++) {
      try {
        if (failureCount > 1) await cluster.refresh();
        if (cluster.topic(goal.deadLetterTopic) === undefined)
          throw new Error(`topic ${goal.deadLetterTopic} does not exist`);
        this.#chain ??= await openChain(this.#parts);
        cluster.openLinks(goal.source.topic, 'fetch');
        const [deadLetters] = await Promise.all([this.#producer.prepare(goal.deadLetterTopic), this.#sink.open()]);
        const now = (): number => clock.now();
        const onError = (code: string, message: string): void => this.#errors.note(code, message);
        this.#aside = new Aside({ goal, producer: this.#producer, deadLetters, now, onError });
        this.#pipeline = new Pipeline({
          ...{ goal, processor, eventTime, now, onError, chain: this.#chain, gate: this.#gate },
          sink: this.#sink,
          aside: this.#aside,
        });
        this.#sinkTrouble = false;
        return;
      } catch (error) {
        this.#sinkTrouble = true;
        this.#errors.note(isPlatformError(error) ? error.code : 'sink-unavailable', messageOf(error));
        await wait(backoffMs(failureCount, retry, Math.random()));
      }
    }
  }

  add(split: Split): void {
    this.#splits.add(split);
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
    this.#producer.flush();
    this.#sink.flush();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#producer.close();
    await Promise.all([this.#source.close(), this.#sink.close()]);
  }

  /** Forgets what is not acknowledged and reads it again. Splits on their way out are left to their next owner. */
  async #replay(reason: string): Promise<void> {
    this.#errors.note('replay', `${reason}; what was not acknowledged is read and routed again`);
    this.#producer.startOver();
    for (let busy = this.#sink.startOver(); busy !== null; busy = this.#sink.startOver()) await busy;
    for (const split of this.#splits) split.rewind();
  }
}
