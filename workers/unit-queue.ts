// A split's units in the order they were read: each leaves when it is done with and all before it has left.

/** As much as the queue asks of a unit. */
export interface Queued<Self> {
  readonly isDone: boolean;
  readonly isClosed: boolean;
  readonly in: number;
  readonly dropped: Readonly<Partial<Record<'overload', number>>>;
  /** The one behind it, done with as it is, becomes part of it. */
  absorb(next: Self): void;
}

const foldAtLeast = 64;

/**
 * Guarantees that it holds at most about twice the units that wait for something, however many are done with behind them:
 * neighbours that are done with can only leave together, and become one. What it is asked costs the same at any length.
 */
export class UnitQueue<U extends Queued<U>> {
  #units: U[] = [];
  /** Those before it have left. */
  #head = 0;
  #foldAt = foldAtLeast;
  readonly #open = new Set<U>();
  /** Of those that are closed. */
  #closed = { read: 0, overload: 0 };

  get length(): number {
    return this.#units.length - this.#head;
  }

  push(unit: U): void {
    if (this.#units.length >= this.#foldAt) this.#fold();
    this.#units.push(unit);
    this.#open.add(unit);
  }

  /** It was closed; its counters of what is read and dropped stay as they are. */
  noteClosed(unit: U): void {
    if (this.#open.delete(unit)) this.#count(unit, 1);
  }

  /** The unit at the head leaves, where it is done with. */
  takeDone(): U | null {
    const unit = this.#units[this.#head];
    if (!unit?.isDone) return null;
    this.#head++;
    this.#count(unit, -1);
    if (this.#head === this.#units.length) this.#keep([]);
    return unit;
  }

  /** Those up to the unit, which is the last of them; null where it is not there. */
  through(unit: U): readonly U[] | null {
    const at = this.#units.indexOf(unit, this.#head);
    return at < 0 ? null : this.#units.slice(this.#head, at + 1);
  }

  /** The unit and all behind it are forgotten; false where it is not there. */
  cutBefore(unit: U): boolean {
    const at = this.#units.indexOf(unit, this.#head);
    if (at < 0) return false;
    for (const gone of this.#units.slice(at)) if (!this.#open.delete(gone)) this.#count(gone, -1);
    this.#keep(this.#units.slice(this.#head, at));
    return true;
  }

  /** Records read, and those of them that were dropped for want of room. */
  get overload(): { readonly read: number; readonly dropped: number } {
    let { read, overload: dropped } = this.#closed;
    for (const unit of this.#open) {
      read += unit.in;
      dropped += unit.dropped.overload ?? 0;
    }
    return { read, dropped };
  }

  #count(unit: U, sign: 1 | -1): void {
    this.#closed.read += sign * unit.in;
    this.#closed.overload += sign * (unit.dropped.overload ?? 0);
  }

  /** Once as many were added as were kept the last time: so each is looked at a few times at most. */
  #fold(): void {
    const kept: U[] = [];
    for (const unit of this.#units.slice(this.#head)) {
      const before = kept.at(-1);
      if (unit.isDone && before?.isDone) before.absorb(unit);
      else kept.push(unit);
    }
    this.#keep(kept);
  }

  #keep(units: U[]): void {
    this.#units = units;
    this.#head = 0;
    this.#foldAt = Math.max(foldAtLeast, 2 * units.length);
  }
}
