// One sink partition's batches in order: which are written, waiting, in flight and refused. No input or output here.
import type { Acks } from './apis.ts';
import { errorCodes, isSequenceLost, isTooLarge } from './error-codes.ts';
import type { OutputBatch, OutputCompression, ProducerIdentity } from './output-batch.ts';

export type Outcome =
  | 'acknowledged'
  /** To be sent again, in order and with the same sequence numbers, once all of the lane that is in flight is settled. */
  | 'again'
  /** The broker lost our place in the sequence: a new producer id is needed. */
  | 'sequence-lost'
  /** Larger than the topic takes: nothing of the batch was written. */
  | 'too-large';

export interface Settlement {
  readonly outcome: Outcome;
  /** Of all batches that left the lane for good by it: this one, or refused ones that were not wanted any more. */
  readonly releasedBytes: number;
}

const sequenceMask = 0x7fffffff;

/** More in flight would be beyond what a broker remembers of a producer to tell repeats by. */
const inFlightMax = 5;

/**
 * Guarantees the order of a partition: batches go out in the order they were written, at most five at a time, and after
 * a failure all wait until everything in flight is settled. Until the first acknowledgement under a producer id (and
 * after each failure) only one is in flight, since a broker that knows nothing of us would take any sequence number. One
 * that is sent again goes alone: newer ones beside it could push it out of what the broker remembers.
 */
export class Lane {
  readonly topic: string;
  readonly partition: number;
  readonly acks: Acks;
  open: OutputBatch | null = null;
  failureCount = 0;
  /** On the caller's clock; since when nothing was taken although it was sent, a new producer id or not; null while nothing failed. */
  failingSinceMs: number | null = null;
  /** On the caller's clock; nothing is sent before. */
  retryAtMs = 0;
  #waiting: OutputBatch[] = [];
  #inFlight: OutputBatch[] = [];
  readonly #refused = new Set<OutputBatch>();
  #nextSequence = 0;
  #isProven = false;
  #discards = false;
  /** What was acknowledged last, and where in which topic it ends. */
  #acked = { sequence: -1, topicId: '', end: 0 };

  constructor(topic: string, partition: number, acks: Acks = -1) {
    this.topic = topic;
    this.partition = partition;
    this.acks = acks;
  }

  get isIdle(): boolean {
    return this.open === null && this.#waiting.length === 0 && this.#inFlight.length === 0;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Gives the buffer that the batch needs no more, where there is one. */
  seal(compression: OutputCompression): Buffer | null {
    if (this.open === null) return null;
    const isNext = this.#waiting.length === 0;
    const buffer = this.open.seal(compression) ?? (isNext ? null : this.open.shrink());
    this.#waiting.push(this.open);
    this.open = null;
    return buffer;
  }

  /** A batch that was sealed elsewhere, after all that was written before. */
  enqueue(batch: OutputBatch): void {
    this.#waiting.push(batch);
  }

  canSend(nowMs: number): boolean {
    if (this.#waiting.length === 0 || this.#refused.size > 0 || nowMs < this.retryAtMs) return false;
    if (this.#inFlight.length === 0) return true;
    const isFresh = this.#waiting[0]!.baseSequence < 0;
    return isFresh && this.#isProven && this.#inFlight.length < inFlightMax;
  }

  /** The next batch to send, stamped; only when `canSend`. */
  take(identity: ProducerIdentity): OutputBatch {
    const batch = this.#waiting.shift()!;
    if (batch.baseSequence < 0) {
      batch.stamp(identity, this.#nextSequence);
      this.#nextSequence = (this.#nextSequence + batch.count) & sequenceMask;
    } else this.#isProven = false;
    this.#inFlight.push(batch);
    return batch;
  }

  /**
   * How many records at most were acknowledged and then lost, of all who write to the partition: seen by a newer batch that
   * stands before them. Only a leader that acknowledges alone can lose any.
   */
  noteAcknowledged({ baseSequence, count }: OutputBatch, baseOffset: number, topicId: string): number {
    const { sequence, end } = this.#acked;
    if (this.acks !== 1 || baseOffset < 0 || baseSequence < sequence) return 0;
    const lost = this.#acked.topicId === topicId ? Math.max(0, end - baseOffset) : 0;
    this.#acked = { sequence: baseSequence, topicId, end: baseOffset + count };
    return lost;
  }

  settle(batch: OutputBatch, errorCode: number): Settlement {
    if (errorCode === errorCodes.none || errorCode === errorCodes.duplicateSequence) {
      this.#inFlight.splice(this.#inFlight.indexOf(batch), 1);
      // Behind a refused batch it proves nothing: that one goes alone, lest newer ones push it out of the broker's memory.
      if (this.#refused.size === 0) this.#isProven = true;
      this.failureCount = 0;
      this.failingSinceMs = null;
      return { outcome: 'acknowledged', releasedBytes: batch.length + this.#sortOutRefused() };
    }
    const isFirstRefused = this.#refused.size === 0;
    this.#refused.add(batch);
    this.#isProven = false;
    const releasedBytes = this.#sortOutRefused();
    if (isTooLarge(errorCode)) return { outcome: 'too-large', releasedBytes };
    // Behind a refused batch a gap in the sequence is no news: the batch is sent again behind the one that was refused.
    return { outcome: isSequenceLost(errorCode) && isFirstRefused ? 'sequence-lost' : 'again', releasedBytes };
  }

  /** Drops all that is not in flight, and what is in flight when it comes back refused; gives the bytes dropped at once. */
  discard(): number {
    const dropped = [...this.#waiting, ...(this.open === null ? [] : [this.open])];
    this.#waiting = [];
    this.open = null;
    this.#discards = this.#inFlight.length > 0;
    return bytesOf(dropped);
  }

  /** Nothing may be in flight: what waits is stamped anew under the new producer id. */
  restart(): void {
    this.#nextSequence = 0;
    this.#acked.sequence = -1;
    this.#isProven = false;
    this.#discards = false;
    this.failureCount = 0;
    this.retryAtMs = 0;
    for (const batch of this.#waiting) batch.baseSequence = -1;
  }

  /**
   * Once nothing of the lane is outstanding any more, the refused batches stand first in line again, in order, or are dropped
   * where all of the lane is discarded. Gives the bytes dropped.
   */
  #sortOutRefused(): number {
    if (this.#refused.size === 0 || this.#refused.size < this.#inFlight.length) return 0;
    const releasedBytes = this.#discards ? bytesOf(this.#inFlight) : 0;
    if (!this.#discards) this.#waiting.unshift(...this.#inFlight);
    this.#inFlight = [];
    this.#refused.clear();
    return releasedBytes;
  }
}

const bytesOf = (batches: readonly OutputBatch[]): number => batches.reduce((sum, { length }) => sum + length, 0);
