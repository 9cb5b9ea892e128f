// How many of the records that were read lately became dead letters, and whether one more is allowed.

/** Two halves: what is older than both is forgotten. */
const halfMs = 30_000;
/** Too few to speak of a rate: the first event after a pause may well be a bad one. */
const alwaysAllowed = 10;

interface Counts {
  read: number;
  deadLetters: number;
}

export class DeadLetterRate {
  readonly #rateMax: () => number | null;
  readonly #monotonicMs: () => number;
  #current: Counts = { read: 0, deadLetters: 0 };
  #before: Counts = { read: 0, deadLetters: 0 };
  #beganMs: number;

  /** `rateMax`: share of the records, 0 to 1; null: any. It may change. */
  constructor(rateMax: () => number | null, monotonicMs: () => number) {
    this.#rateMax = rateMax;
    this.#monotonicMs = monotonicMs;
    this.#beganMs = monotonicMs();
  }

  noteRead(count: number): void {
    this.#turn();
    this.#current.read += count;
  }

  /** Counts one more dead letter, or says that it would be one too many; `reading`: records that are not noted yet. */
  admit(reading: number): boolean {
    this.#turn();
    const deadLetters = this.#current.deadLetters + this.#before.deadLetters + 1;
    const read = this.#current.read + this.#before.read + reading;
    const rateMax = this.#rateMax();
    if (rateMax !== null && deadLetters > Math.max(alwaysAllowed, rateMax * read)) return false;
    this.#current.deadLetters++;
    return true;
  }

  #turn(): void {
    const nowMs = this.#monotonicMs();
    if (nowMs - this.#beganMs < halfMs) return;
    const isStale = nowMs - this.#beganMs >= 2 * halfMs;
    this.#before = isStale ? { read: 0, deadLetters: 0 } : this.#current;
    this.#current = { read: 0, deadLetters: 0 };
    this.#beganMs = nowMs;
  }
}
