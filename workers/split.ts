// One split while this worker owns it: what is read, what is done with, and what has to happen before its position may pass.
import { type Accounting, addAccounting, type DropReason, subtractAccounting } from '#core/job/accounting.ts';
import type { ChainMemory } from '#core/operators/run/chain.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import type { Origin } from './kafka/output-batch.ts';
import { type Queued, UnitQueue } from './unit-queue.ts';

/**
 * A stretch of a split's offsets that is worked on as one: its end becomes the position when all of its output is
 * acknowledged and all before it is done. Its counters become part of the account at the same moment.
 */
export class Unit implements Origin, Queued<Unit> {
  readonly split: Split;
  in = 0;
  out = 0;
  filtered = 0;
  deadLettered = 0;
  readonly dropped: Partial<Record<DropReason, number>> = {};
  /** What was written for those counted as out, where a record may become several. */
  emitted = 0;
  /** Where reading goes on after it; set when it is closed. */
  end = -1;
  topicId: string;
  #setAside: Set<number> | null = null;
  #outstanding = 0;
  #closed = false;

  constructor(split: Split) {
    this.split = split;
    this.topicId = split.topicId;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get isDone(): boolean {
    return this.#closed && this.#outstanding === 0;
  }

  get accounting(): Accounting {
    const { in: read, out, filtered, deadLettered, dropped, emitted } = this;
    return { in: read, out, filtered, deadLettered, dropped, ...(emitted === 0 ? {} : { emitted }) };
  }

  drop(reason: DropReason, count: number): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + count;
  }

  /** Its record at this offset is done with, whatever else it became. */
  noteSetAside(offset: number): void {
    this.#setAside ??= new Set();
    this.#setAside.add(offset);
  }

  wasSetAside(offset: number): boolean {
    return this.#setAside?.has(offset) === true;
  }

  attach(): void {
    this.#outstanding++;
  }

  acknowledge(): void {
    this.#outstanding--;
    if (this.isDone) this.split.advance();
  }

  /** Closed, and so many parts are not acknowledged. */
  awaitsOnly(partCount: number): boolean {
    return this.#closed && this.#outstanding === partCount;
  }

  close(end: number): void {
    this.end = end;
    this.#closed = true;
    this.split.noteClosed(this);
    this.split.advance();
  }

  absorb(next: Unit): void {
    this.in += next.in;
    this.out += next.out;
    this.filtered += next.filtered;
    this.deadLettered += next.deadLettered;
    for (const [reason, count] of Object.entries(next.dropped) as [DropReason, number][]) this.drop(reason, count);
    this.emitted += next.emitted;
    this.end = next.end;
    this.topicId = next.topicId;
    // Nobody asks for it: no answer to any of its records is to come.
    this.#setAside = null;
  }
}

/** What stands in the split's item, or shall. */
export interface Progress {
  readonly position: number;
  readonly topicId: string;
  readonly accounting: Accounting;
}

/** reading: as it should be. holding: not read now (see `Split.hold`). stuck: not read until a person decides. */
export type SplitState = 'reading' | 'holding' | 'stuck' | 'leaving';

export class Split {
  readonly name: string;
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  /** Sequence of the newest rewind that set the position; 0 before any. */
  readonly placement: number;
  state: SplitState = 'reading';
  topicId: string;
  /** Where the next fetch begins. */
  fetchOffset: number;
  /** What stands before it is read again only for the operators to remember; it is done with. */
  knownUntil = -1;
  /** What the operators remember of it. */
  memory: ChainMemory | null = null;
  /** How many records before its position they need to have seen. */
  readonly #remembers: number;
  /** Grows when what is being fetched or worked on is no longer wanted: answers to older fetches are passed over. */
  generation = 0;
  /** Where reading last failed, and how often in a row it did there. */
  unreadableAt = -1;
  unreadableCount = 0;
  /** How far a reader may read now; null before the first fetch. */
  endOffset: number | null = null;
  /** By the monotonic clock, when the position last moved, or there was last no lag. */
  movedMs: number;
  /** By the monotonic clock, when a broker last said where the split ends: one that nobody asks about must not pass for caught up. */
  seenMs: number;
  /** All before it is acknowledged. */
  done: Progress;
  /** True while its transactions are being opened: it is not read then. */
  isOpening = false;
  /** By the route, which gave the sink or the source up. */
  #isStopped = false;
  #heldSinceMs: number | null = null;
  #transacted: Progress | null = null;
  #accountingTaken: Accounting;
  #units = new UnitQueue<Unit>();
  readonly #clock: { readonly now: () => number; readonly monotonicMs: () => number };
  #settled: (() => void)[] = [];

  constructor(
    record: SplitRecord,
    clock: { readonly now: () => number; readonly monotonicMs: () => number },
    remembers = 0,
  ) {
    const slash = record.split.lastIndexOf('/');
    this.name = record.split;
    this.topic = record.split.slice(0, slash);
    this.partition = Number(record.split.slice(slash + 1));
    this.epoch = record.epoch;
    this.placement = record.placed?.sequence ?? 0;
    this.topicId = record.topicId;
    this.done = { position: Number(record.position), topicId: record.topicId, accounting: record.accounting };
    this.#accountingTaken = record.accounting;
    this.fetchOffset = Number(record.position);
    this.#remembers = remembers;
    this.#readAgain();
    this.#clock = clock;
    this.movedMs = clock.monotonicMs();
    this.seenMs = clock.monotonicMs();
  }

  /** What counts at the sink, so that nobody reads it again: what is acknowledged, or with transactions what they committed. */
  get durable(): Progress {
    return this.#transacted ?? this.done;
  }

  /** Since this worker took the split: what it did itself. */
  get own(): Accounting {
    return subtractAccounting(this.done.accounting, this.#accountingTaken);
  }

  get lagRecords(): number {
    return this.endOffset === null ? 0 : Math.max(0, this.endOffset - this.durable.position);
  }

  /** Records read, and those of them that were dropped for want of room; what is not done with yet included. */
  get overloadSoFar(): { readonly read: number; readonly dropped: number } {
    const { accounting } = this.done;
    const { read, dropped } = this.#units.overload;
    return { read: accounting.in + read, dropped: (accounting.dropped.overload ?? 0) + dropped };
  }

  /** For how long a transaction of whoever writes the source has kept back what stands behind its first record. */
  get heldMs(): number {
    return this.#heldSinceMs === null ? 0 : this.#clock.monotonicMs() - this.#heldSinceMs;
  }

  get isReadable(): boolean {
    return this.state === 'reading' && !this.isOpening;
  }

  /** How many stretches of it are kept apart, since they may be done with one after the other. */
  get unitCount(): number {
    return this.#units.length;
  }

  get isSettled(): boolean {
    return this.#units.length === 0;
  }

  openUnit(): Unit {
    const unit = new Unit(this);
    this.#units.push(unit);
    return unit;
  }

  /** Reading goes on elsewhere; what leads there is a unit of its own, so it takes effect after all before it. */
  jump(fetchOffset: number, topicId: string): Unit {
    this.generation++;
    this.fetchOffset = fetchOffset;
    this.topicId = topicId;
    this.endOffset = null;
    this.knownUntil = -1;
    this.memory = null;
    return this.openUnit();
  }

  /** What was fetched beyond is passed over. */
  readAgainFrom(offset: number): void {
    this.generation++;
    this.fetchOffset = offset;
  }

  noteClosed(unit: Unit): void {
    this.#units.noteClosed(unit);
  }

  /** Moves past the units at the head that are done with. */
  advance(): void {
    const before = this.done;
    for (let unit = this.#units.takeDone(); unit !== null; unit = this.#units.takeDone()) {
      const { accounting } = unit;
      this.done = {
        position: unit.end,
        topicId: unit.topicId,
        accounting: addAccounting(this.done.accounting, accounting),
      };
    }
    if (this.done !== before) this.noteMoved();
    if (this.isSettled) this.#announceSettled();
  }

  /** The read end as a fetch saw it, and how far the partition is written; without lag there is nothing to move. */
  noteEnd(endOffset: number, writtenTo = endOffset): void {
    if (endOffset !== this.endOffset || writtenTo <= endOffset) this.#heldSinceMs = null;
    else this.#heldSinceMs ??= this.#clock.monotonicMs();
    this.endOffset = endOffset;
    this.seenMs = this.#clock.monotonicMs();
    if (this.lagRecords === 0) this.noteMoved();
  }

  noteMoved(): void {
    this.movedMs = this.#clock.monotonicMs();
  }

  /** The unit holds a record that the route stops at: nothing of it or behind it takes effect, and nothing more is read. */
  stopBefore(unit: Unit): void {
    if (!this.#units.cutBefore(unit)) return;
    this.generation++;
    this.state = 'stuck';
    if (this.isSettled) this.#announceSettled();
  }

  /** Before anything was read: the sink's own journal is further than the split's item. */
  resume(progress: Progress): void {
    this.done = progress;
    this.fetchOffset = progress.position;
    this.topicId = progress.topicId;
    this.#readAgain();
  }

  /**
   * What `done` will be once the units up to `last` are acknowledged, for whoever has one part in each of `held` and no other;
   * waiting: somebody else still has a part. gone: it was rewound meanwhile.
   */
  progressThrough(last: Unit, held: ReadonlySet<Unit>): Progress | 'waiting' | 'gone' {
    const units = this.#units.through(last);
    if (units === null) return 'gone';
    let { accounting } = this.done;
    for (const unit of units) {
      if (!unit.awaitsOnly(held.has(unit) ? 1 : 0)) return 'waiting';
      accounting = addAccounting(accounting, unit.accounting);
    }
    return { position: last.end, topicId: last.topicId, accounting };
  }

  /** Nothing more is read until the job is restarted, whatever starts over meanwhile; what was read may still be acknowledged. */
  stop(): void {
    if (this.state === 'leaving') return;
    this.#isStopped = true;
    this.generation++;
    this.state = 'stuck';
  }

  /** Resolves when nothing of the split is in work or in flight. */
  async settled(): Promise<void> {
    if (!this.isSettled) await new Promise<void>((resolve) => this.#settled.push(resolve));
  }

  /**
   * Forgets all that is not acknowledged; what was in flight may still arrive at the sink and is then a duplicate. Where it was stuck
   * by what it read it finds that again; what stopped it from without it would not find.
   */
  rewind(): void {
    this.generation++;
    if (this.state === 'stuck' && !this.#isStopped) this.state = 'reading';
    this.#units = new UnitQueue();
    this.done = this.durable;
    this.fetchOffset = this.done.position;
    this.topicId = this.done.topicId;
    this.#readAgain();
    this.#announceSettled();
  }

  /** Operators that remember know nothing yet, or too much: they see again what stands before the position. */
  #readAgain(): void {
    this.memory = null;
    if (this.#remembers === 0) return;
    this.knownUntil = this.done.position;
    this.fetchOffset = Math.max(0, this.done.position - this.#remembers);
  }

  /** A transaction was committed that ends here. */
  noteTransacted(progress: Progress): void {
    this.#transacted = progress;
    this.noteMoved();
  }

  /** Goes on where the last committed transaction ended, whatever was thought before. */
  resumeAt(progress: Progress): void {
    if (this.#transacted === null) this.#accountingTaken = progress.accounting;
    this.#transacted = progress;
    this.endOffset = null;
    this.rewind();
  }

  #announceSettled(): void {
    const waiting = this.#settled;
    this.#settled = [];
    for (const resolve of waiting) resolve();
  }
}
