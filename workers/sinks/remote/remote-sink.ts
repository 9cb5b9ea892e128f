// Everything of a sink over HTTP but what it makes of a record: held within bounds, sent in order, forgotten, closed.
import { openedNetworks } from '#core/graph/check-sinks.ts';
import type { SinkGoal } from '#core/job/sink-goal.ts';
import { limits } from '#core/limits.ts';
import type { Resolve } from '#core/network/pinned-lookup.ts';
import type { Ordering } from '#core/spec/route-spec.ts';
import type { Slice } from '../../kafka/output-batch.ts';
import type { Split, Unit } from '../../split.ts';
import type { Original, RecordView, Refusal, Sink, SinkHooks } from '../sink.ts';
import { Endpoint } from './endpoint.ts';
import { type Proof, type ProofParts, readProof } from './proof.ts';
import { type Protocol, Sender } from './sender.ts';

export interface RemoteParts extends ProofParts {
  readonly jobName: string;
  readonly uid: string;
  readonly ordering: Ordering;
  readonly resolve: Resolve;
  readonly now: () => number;
  readonly hooks: SinkHooks;
}

/** What a record is to a service. */
export interface Shaped {
  /** Records of one lane are delivered in their order. */
  readonly lane: string;
  /** By which the other side knows it again. */
  readonly id: string;
  readonly payload: Buffer;
}

/** What is particular to a kind of service. */
export interface Service extends Protocol {
  readonly requestsMax: number;
  readonly answerBytesMax: number;
  readonly exchangeMs: number;
  /** A record's name there, for messages. */
  readonly thing: 'event' | 'document';
  shape(record: RecordView, unit: Unit): Shaped | Refusal;
  /** Throws while it cannot be written to. Not asked of a service where a request might do something. */
  greet?(endpoint: Endpoint, proof: Proof | null): Promise<void>;
}

type RemoteGoal = Exclude<SinkGoal, { kind: 'stream' | 'warehouse' }>;

export class RemoteSink implements Sink {
  readonly #goal: RemoteGoal;
  readonly #service: Service;
  readonly #endpoint: Endpoint;
  readonly #sender: Sender;
  /** Of one record's outputs the first counts the original's bytes. */
  #lastKept: RecordView | null = null;

  constructor(goal: RemoteGoal, parts: RemoteParts, service: Service) {
    this.#goal = goal;
    this.#service = service;
    const { exchangeMs, answerBytesMax, requestsMax } = service;
    const { resolve, now, hooks } = parts;
    this.#endpoint = new Endpoint({
      ...{ url: goal.url, networks: openedNetworks(goal.networks) },
      ...{ connectionsMax: requestsMax, exchangeMs, answerBytesMax, resolve, now },
    });
    const { auth } = goal;
    this.#sender = new Sender({
      ...{ endpoint: this.#endpoint, protocol: service, requestsMax, hooks },
      // Read anew with each record: it may change while the worker runs.
      get bounds() {
        return goal.batch;
      },
      pendingBytesMax: limits.sinkPendingBytesMax,
      readProof: async () => (auth === null ? null : await readProof(auth, parts)),
    });
  }

  get isRefused(): boolean {
    return this.#sender.isRefused;
  }

  async open(): Promise<void> {
    const proof = await this.#sender.open();
    await this.#service.greet?.(this.#endpoint, proof);
  }

  take(record: RecordView, unit: Unit, original: Original): Refusal | null {
    const shaped = this.#service.shape(record, unit);
    if (!('payload' in shaped)) return shaped;
    const { lane, id, payload } = shaped;
    const { maxBytes } = this.#goal.batch;
    if (payload.length > maxBytes)
      return {
        ...{ errorClass: 'too-large', code: 'sink-record-too-large' },
        message: `the ${this.#service.thing} has ${payload.length} bytes, a batch ${maxBytes} (batch.maxBytes)`,
      };
    const kept = original.keep();
    const originalBytes = kept === this.#lastKept ? 0 : bytesOf(kept.key) + bytesOf(kept.value) + bytesOf(kept.headers);
    this.#lastKept = kept;
    const bytes = payload.length + originalBytes + recordOverheadBytes;
    this.#sender.add(lane, { unit, original: kept, topicId: unit.topicId, payload, id, bytes });
    return null;
  }

  get hasRoom(): boolean {
    return this.#sender.hasRoom;
  }

  room(): Promise<void> | null {
    return this.#sender.room();
  }

  nudge(): void {
    this.#sender.pump();
  }

  flush(): void {
    this.#sender.flush();
  }

  startOver(): null {
    this.#sender.startOver();
    return null;
  }

  forget(split: Split): void {
    this.#sender.forget(split);
  }

  async close(): Promise<void> {
    this.#sender.close();
  }
}

/** Objects and their bookkeeping, beside the bytes themselves. */
const recordOverheadBytes = 512;

const bytesOf = ({ start, end }: Slice): number => Math.max(0, end - start);
