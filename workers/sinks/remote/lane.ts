// One order of delivery within a sink: batches that go out one after the other, the first of them maybe under way.

import type { Split, Unit } from '../../split.ts';
import type { RecordView } from '../sink.ts';

/** A record as the sink holds it until it is durable on the other side. */
export interface HeldRecord {
  readonly unit: Unit;
  /** What stood in the source, for a dead letter. */
  readonly original: RecordView;
  /** Of the topic that the offset belongs to. */
  readonly topicId: string;
  /** What goes into the request for it. */
  readonly payload: Buffer;
  /** Records of the same id must take effect in their order. */
  readonly id: string;
  /** All that is held for it. */
  readonly bytes: number;
}

export interface BatchBounds {
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
}

export class Lane {
  /** The first is sent next or is under way; the last may still be open. */
  #batches: HeldRecord[][] = [];
  #open: HeldRecord[] | null = null;
  /** Under way, unless it was forgotten meanwhile. */
  #taken: HeldRecord[] | null = null;
  #openBytes = 0;
  /** Monotonic; when the open batch is sent although it is not full. */
  #openUntilMs = 0;
  isUnderWay = false;
  failureCount = 0;
  retryAtMs = 0;
  /** Monotonic; since when nothing of the lane was taken although it was sent; null while nothing failed. */
  failingSinceMs: number | null = null;

  /** Nothing is in it that anybody needs: one that was given up remembers that it is not tried for long. */
  get isIdle(): boolean {
    return this.#batches.length === 0 && !this.isUnderWay && this.failingSinceMs === null;
  }

  get hasOpen(): boolean {
    return this.#open !== null;
  }

  /** Puts the record into the open batch, or into a new one where it does not fit. */
  add(record: HeldRecord, bounds: BatchBounds, nowMs: number): void {
    if (this.#open !== null && this.#openBytes + record.payload.length > bounds.maxBytes) this.seal();
    if (this.#open === null) {
      this.#open = [];
      this.#openBytes = 0;
      this.#openUntilMs = nowMs + bounds.maxWaitMs;
      this.#batches.push(this.#open);
    }
    this.#open.push(record);
    this.#openBytes += record.payload.length;
    if (this.#open.length >= bounds.maxRecords || this.#openBytes >= bounds.maxBytes) this.seal();
  }

  /** What is open waits for no more records. */
  seal(): void {
    this.#open = null;
  }

  /** When something can be sent next: null while there is nothing, or something is under way. */
  dueMs(nowMs: number): number | null {
    const first = this.#batches[0];
    if (first === undefined || this.isUnderWay) return null;
    const dueMs = first === this.#open ? this.#openUntilMs : nowMs;
    return Math.max(dueMs, this.retryAtMs);
  }

  /** The first batch, from now on under way. */
  take(): readonly HeldRecord[] {
    const first = this.#batches[0]!;
    if (first === this.#open) this.seal();
    this.isUnderWay = true;
    this.#taken = first;
    return first;
  }

  /** What was under way is over; what is left of it goes first again, as these batches. */
  settle(left: readonly (readonly HeldRecord[])[]): void {
    this.isUnderWay = false;
    this.#taken = null;
    this.#batches.splice(0, 1, ...left.filter((batch) => batch.length > 0).map((batch) => [...batch]));
  }

  /** Nothing is wrong with what it writes to. */
  takesAgain(): void {
    this.failureCount = 0;
    this.failingSinceMs = null;
  }

  /** Forgets all; what is under way still has to end before anything else is sent. */
  forget(): void {
    this.#batches = [];
    this.#taken = null;
    this.seal();
    this.failureCount = 0;
    this.retryAtMs = 0;
  }

  /** Forgets the split's records that are not under way; gives the bytes that were held for them. */
  forgetSplit(split: Split): number {
    const isLeft = (record: HeldRecord): boolean => record.unit.split !== split;
    let bytes = 0;
    this.#batches = this.#batches.flatMap((batch) => {
      if (batch === this.#taken || batch.every(isLeft)) return [batch];
      bytes += heldBytes(batch.filter((record) => !isLeft(record)));
      const left = batch.filter(isLeft);
      if (batch === this.#open) this.#reopen(left);
      return left.length === 0 ? [] : [left];
    });
    return bytes;
  }

  #reopen(left: HeldRecord[]): void {
    this.#open = left.length === 0 ? null : left;
    this.#openBytes = left.reduce((sum, { payload }) => sum + payload.length, 0);
  }
}

export const heldBytes = (records: readonly HeldRecord[]): number => records.reduce((sum, { bytes }) => sum + bytes, 0);
