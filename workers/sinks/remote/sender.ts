// Sends held records in batches over HTTP: bounded in bytes and in requests, in order per lane, until each is durable or refused.
import { refusedClass } from '#core/job/give-up.ts';
import { backoffMs } from '#core/time/backoff.ts';
import type { Split } from '../../split.ts';
import type { Refusal, SinkHooks } from '../sink.ts';
import type { Answer, Endpoint, NoAnswer, Outgoing } from './endpoint.ts';
import type { Again, Judgement } from './judgement.ts';
import { type BatchBounds, type HeldRecord, heldBytes, Lane } from './lane.ts';
import type { Proof } from './proof.ts';

/** What is particular to a kind of sink. */
export interface Protocol {
  encode(records: readonly HeldRecord[]): Promise<Outgoing>;
  judge(records: readonly HeldRecord[], answer: Answer): Judgement;
}

export interface SenderOptions {
  readonly endpoint: Endpoint;
  readonly protocol: Protocol;
  readonly bounds: BatchBounds;
  readonly requestsMax: number;
  /** Of all that is held; above it `room` waits. */
  readonly pendingBytesMax: number;
  readonly hooks: SinkHooks;
  /** Null: none is asked for. Read when the sink opens, and again whenever the other side does not know us. */
  readonly readProof: () => Promise<Proof | null>;
}

const retry = { minMs: 100, maxMs: 30_000 };
/** While the lease is not held nothing is sent; whether it is again is looked at this often. */
const silentMs = 200;
/** A sink that took something this recently is slow, not broken; so is one that has had a request for less than this. */
const slowMs = 60_000;

export class Sender {
  readonly #options: SenderOptions;
  readonly #lanes = new Map<string, Lane>();
  #proof: Proof | null = null;
  #proofIsStale = false;
  #pendingBytes = 0;
  #requestCount = 0;
  #pausedUntilMs = 0;
  #movedMs: number;
  /** Grows when all is forgotten: answers to what was sent before mean nothing any more. */
  #generation = 0;
  /** Forgotten: what was under way of them is not sent again, whatever is answered. */
  readonly #gone = new WeakSet<Split>();
  #timer: NodeJS.Timeout | null = null;
  #waiters: (() => void)[] = [];
  #closed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#movedMs = options.hooks.monotonicMs();
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** True while something failed and is tried again, or while what moves moves slowly. */
  get isRefused(): boolean {
    if (this.#pendingBytes === 0) return false;
    const nowMs = this.#options.hooks.monotonicMs();
    if (nowMs < this.#pausedUntilMs || nowMs - this.#movedMs < slowMs) return true;
    for (const lane of this.#lanes.values()) if (lane.failureCount > 0) return true;
    return false;
  }

  /** Throws while the host cannot be found, or the secret is missing. */
  async open(): Promise<Proof | null> {
    // Until it is known, nothing is sent without it.
    this.#proofIsStale = true;
    this.#proof = await this.#options.readProof();
    this.#proofIsStale = false;
    await this.#options.endpoint.find();
    return this.#proof;
  }

  /** Never waits: ask `room` before. Records of one lane are delivered in their order. */
  add(laneName: string, record: HeldRecord): void {
    const { bounds, hooks } = this.#options;
    const nowMs = hooks.monotonicMs();
    if (this.#pendingBytes === 0) this.#movedMs = nowMs;
    let lane = this.#lanes.get(laneName);
    if (lane === undefined) {
      lane = new Lane();
      this.#lanes.set(laneName, lane);
    }
    record.unit.attach();
    const { hasRoom } = this;
    this.#pendingBytes += record.bytes;
    lane.add(record, bounds, nowMs);
    // Where what has no room is dropped nobody waits for room, so that nobody else would make any.
    if (hasRoom && !this.hasRoom) this.flush();
  }

  get hasRoom(): boolean {
    return this.#pendingBytes < this.#options.pendingBytesMax;
  }

  room(): Promise<void> | null {
    if (this.hasRoom) return null;
    this.flush();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Sends what is full or has waited long enough. */
  pump(): void {
    if (this.#closed) return;
    const { hooks, requestsMax } = this.#options;
    const nowMs = hooks.monotonicMs();
    const maySend = hooks.maySend();
    let nextMs = maySend ? Infinity : nowMs + silentMs;
    for (const [name, lane] of this.#lanes) {
      if (lane.isIdle) this.#lanes.delete(name);
      const dueMs = lane.dueMs(nowMs);
      if (dueMs === null) continue;
      const atMs = Math.max(dueMs, this.#pausedUntilMs);
      // Where all requests are under way, the next one that ends pumps.
      if (atMs > nowMs) nextMs = Math.min(nextMs, atMs);
      else if (maySend && this.#requestCount < requestsMax) {
        // Behind all others, so that each lane has its turn.
        this.#lanes.delete(name);
        this.#lanes.set(name, lane);
        void this.#send(lane);
      }
    }
    this.#wakeAt(nextMs, nowMs);
  }

  /** Nothing waits for company any more. */
  flush(): void {
    for (const lane of this.#lanes.values()) lane.seal();
    this.pump();
  }

  startOver(): void {
    this.#generation++;
    this.#pendingBytes = 0;
    for (const lane of this.#lanes.values()) lane.forget();
    this.#release();
  }

  /** Of one split: what is held is never sent, what is under way never again. */
  forget(split: Split): void {
    this.#gone.add(split);
    for (const lane of this.#lanes.values()) this.#pendingBytes -= lane.forgetSplit(split);
    if (this.hasRoom) this.#release();
    this.pump();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#options.endpoint.close();
    this.#release();
  }

  #wakeAt(atMs: number, nowMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = atMs === Infinity ? null : setTimeout(() => this.pump(), Math.max(1, atMs - nowMs));
  }

  async #send(lane: Lane): Promise<void> {
    const { endpoint, protocol } = this.#options;
    const generation = this.#generation;
    const records = lane.take();
    this.#requestCount++;
    const proof = await this.#freshProof();
    const exchanged = 'kind' in proof ? proof : await endpoint.exchange(await protocol.encode(records), proof.proof);
    this.#requestCount--;
    if (this.#closed) return;
    if (generation === this.#generation) this.#settle(lane, records, this.#judge(records, exchanged));
    else lane.isUnderWay = false;
    if (this.hasRoom) this.#release();
    this.pump();
  }

  async #freshProof(): Promise<{ readonly proof: Proof | null } | Again> {
    if (!this.#proofIsStale) return { proof: this.#proof };
    try {
      this.#proof = await this.#options.readProof();
      this.#proofIsStale = false;
      return { proof: this.#proof };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { kind: 'again', code: 'sink-secret-missing', message, afterMs: null };
    }
  }

  #judge(records: readonly HeldRecord[], exchanged: Answer | NoAnswer | Again): Judgement {
    switch (exchanged.kind) {
      case 'again':
        return exchanged;
      case 'no-answer':
        return { kind: 'again', code: exchanged.code, message: exchanged.message, afterMs: null };
      case 'answer':
        return this.#options.protocol.judge(records, exchanged);
    }
  }

  #settle(lane: Lane, records: readonly HeldRecord[], judgement: Judgement): void {
    switch (judgement.kind) {
      case 'again':
        this.#hold(lane, records, judgement);
        break;
      case 'refused':
        this.#divide(lane, records, judgement.refusal);
        break;
      case 'items':
        this.#settleItems(lane, records, judgement);
        break;
    }
  }

  /** Somewhere in it is a record that will never be taken. Alone, it is the one. */
  #divide(lane: Lane, records: readonly HeldRecord[], refusal: Refusal): void {
    lane.takesAgain();
    const half = Math.ceil(records.length / 2);
    const [first] = records;
    const isAlone = records.length === 1;
    this.#keep(lane, isAlone ? [] : [records.slice(0, half), records.slice(half)]);
    if (isAlone && first !== undefined) this.#finish(first, () => this.#setAside(first, refusal));
  }

  #settleItems(lane: Lane, records: readonly HeldRecord[], { items }: Judgement & { kind: 'items' }): void {
    const nowMs = this.#options.hooks.monotonicMs();
    if (items.some(({ kind }) => kind !== 'again')) lane.takesAgain();
    const left: HeldRecord[] = [];
    const waiting = new Set<string>();
    let again: Again | null = null;
    for (const [index, record] of records.entries()) {
      const item = items[index]!;
      if (item.kind === 'again') again ??= item;
      const refusal = item.kind === 'again' ? this.#givenUp(lane, item, nowMs) : null;
      if (refusal !== null && !waiting.has(record.id)) {
        this.#finish(record, () => this.#setAside(record, refusal));
        continue;
      }
      // What was written before an earlier record of the same id was is written once more behind it.
      if (item.kind === 'again' || (item.kind === 'written' && waiting.has(record.id))) {
        waiting.add(record.id);
        left.push(record);
      } else this.#finish(record, () => item.kind === 'refused' && this.#setAside(record, item.refusal));
    }
    this.#keep(lane, [left]);
    if (again !== null) this.#holdBack(lane, again);
  }

  /** All of them failed, for one reason. */
  #hold(lane: Lane, records: readonly HeldRecord[], again: Again): void {
    const { hooks } = this.#options;
    const refusal = this.#givenUp(lane, again, hooks.monotonicMs());
    if (refusal === null) {
      this.#keep(lane, [records]);
      this.#holdBack(lane, again);
      return;
    }
    // The next batch is tried once, at once: the sink is not given time a second time.
    lane.settle([]);
    lane.failureCount = 0;
    for (const record of records) this.#finish(record, () => this.#setAside(record, refusal));
  }

  /** Null while it is to be tried again. */
  #givenUp(lane: Lane, { code, message }: Again, nowMs: number): Refusal | null {
    lane.failingSinceMs ??= nowMs;
    const failingForMs = nowMs - lane.failingSinceMs;
    const verdict = this.#options.hooks.judge(code, failingForMs);
    if (verdict === 'retry' || verdict === 'stop') return null;
    const errorClass = refusedClass(code) === 'throttled' ? 'throttled' : 'retryable';
    return { errorClass, code, message: `${message}; given up after ${Math.round(failingForMs / 1_000)} s` };
  }

  /** What is left of a batch goes first again, but for what was forgotten since it went out. */
  #keep(lane: Lane, left: readonly (readonly HeldRecord[])[]): void {
    const isGone = ({ unit }: HeldRecord): boolean => this.#gone.has(unit.split);
    for (const batch of left) this.#pendingBytes -= heldBytes(batch.filter(isGone));
    lane.settle(left.map((batch) => batch.filter((record) => !isGone(record))));
  }

  #finish(record: HeldRecord, setAside: () => void): void {
    this.#pendingBytes -= record.bytes;
    this.#movedMs = this.#options.hooks.monotonicMs();
    // What becomes of a split's records that are refused is its owner's to say.
    if (!this.#gone.has(record.unit.split)) setAside();
    record.unit.acknowledge();
  }

  #setAside(record: HeldRecord, refusal: Refusal): void {
    this.#options.hooks.setAside(record.original, record.unit, { ...refusal, message: this.#redact(refusal.message) });
  }

  #holdBack(lane: Lane, { code, message, afterMs }: Again): void {
    const { hooks } = this.#options;
    const nowMs = hooks.monotonicMs();
    lane.failureCount++;
    lane.retryAtMs = nowMs + backoffMs(lane.failureCount, retry, Math.random());
    if (code === 'sink-unauthorized') this.#proofIsStale = true;
    if (afterMs !== null) this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + afterMs);
    const pauseMs = Math.max(lane.retryAtMs, this.#pausedUntilMs) - nowMs;
    hooks.onTrouble(code, this.#redact(message), nowMs - (lane.failingSinceMs ?? nowMs), pauseMs);
  }

  /** The endpoint has cleaned what it was sent; a secret that an answer spells in JSON's escapes shows only once that is parsed. */
  #redact(text: string): string {
    return this.#proof === null ? text : this.#proof.redact(text);
  }

  #release(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}
