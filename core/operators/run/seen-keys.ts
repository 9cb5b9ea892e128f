// The keys of the latest events of one partition: what `dedup` compares with.

interface Seen {
  readonly offset: number;
  /** Of several events that one record became, which. */
  readonly ordinal: number;
  readonly timestamp: number;
}

/**
 * What it says of a record depends on nothing but the records kept of the `events` offsets before it in the partition. So
 * whoever reads these first knows what a predecessor knew, with no state kept anywhere. Offsets must not go back; the same one
 * may come again. Keys lie in two generations, the older of which is dropped whole: at most twice `events` are held.
 */
export class SeenKeys {
  readonly #events: number;
  readonly #withinMs: number;
  #current = new Map<string, Seen>();
  #previous = new Map<string, Seen>();
  #startedAt = Number.NEGATIVE_INFINITY;
  /** The keys of the record at hand, and what the current generation held of each before it. */
  readonly #keys: string[] = [];
  readonly #before: (Seen | undefined)[] = [];

  constructor(events: number, withinMs: number) {
    this.#events = events;
    this.#withinMs = withinMs;
  }

  /** Keys held; one that is in both generations counts twice, as it does in memory. */
  get size(): number {
    return this.#current.size + this.#previous.size;
  }

  /** Whether the key was there before, near enough; from now on it was there, unless its record is taken back. */
  isDuplicate(key: string, offset: number, ordinal: number, timestamp: number): boolean {
    this.#turn(offset);
    const current = this.#current.get(key);
    const seen = current ?? this.#previous.get(key);
    this.#keys.push(key);
    this.#before.push(current);
    this.#current.set(key, { offset, ordinal, timestamp });
    if (seen === undefined || seen.offset < offset - this.#events) return false;
    const isEarlier = seen.offset < offset || seen.ordinal < ordinal;
    return isEarlier && Math.abs(timestamp - seen.timestamp) <= this.#withinMs;
  }

  /** The record is done with: its keys were there. */
  keep(): void {
    this.#keys.length = 0;
    this.#before.length = 0;
  }

  /** Nothing came of the record: its keys were not there. */
  takeBack(): void {
    for (let index = this.#keys.length - 1; index >= 0; index--) {
      const before = this.#before[index];
      if (before === undefined) this.#current.delete(this.#keys[index]!);
      else this.#current.set(this.#keys[index]!, before);
    }
    this.keep();
  }

  #turn(offset: number): void {
    if (offset < this.#startedAt + this.#events) return;
    this.#previous = offset < this.#startedAt + 2 * this.#events ? this.#current : new Map();
    this.#current = new Map();
    this.#startedAt = offset;
  }
}
