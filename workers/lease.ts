// The worker's right to work: renewed by each accepted heartbeat, over by itself when none is accepted for its length.

const microsPerMs = 1_000;
const never = 0n;
const ended = -1n;

/**
 * Measured on the monotonic clock from when the renewing request was *sent*: what others see is never later than that. It
 * stands in memory that all threads of the worker see, so that none of them outlasts it, also while the one that renews hangs.
 * Its end is final: who saw it over marks it there, and no beat that is answered late renews it. What was given up stays given up.
 */
export class Lease {
  /** When it was renewed last, in microseconds; -1 once it was seen to be over. */
  readonly memory: SharedArrayBuffer;
  readonly #leaseMs: number;
  readonly #monotonicMs: () => number;
  readonly #renewed: BigInt64Array;

  constructor(leaseMs: number, monotonicMs: () => number, memory = new SharedArrayBuffer(8)) {
    this.#leaseMs = leaseMs;
    this.#monotonicMs = monotonicMs;
    this.memory = memory;
    this.#renewed = new BigInt64Array(memory);
  }

  /** Does nothing once it was over. */
  renew(sentMs: number): void {
    const sent = BigInt(Math.floor(sentMs * microsPerMs));
    let renewed = this.#look();
    while (renewed !== ended && sent > renewed) {
      const seen = Atomics.compareExchange(this.#renewed, 0, renewed, sent);
      if (seen === renewed) return;
      renewed = seen;
    }
  }

  get isHeld(): boolean {
    const renewed = this.#look();
    return renewed !== never && renewed !== ended;
  }

  /** Renewed at least once, and over since. */
  get isOver(): boolean {
    return this.#look() === ended;
  }

  /** What stands in the memory; an end that is found is marked there first. */
  #look(): bigint {
    for (;;) {
      const renewed = Atomics.load(this.#renewed, 0);
      if (renewed === never || renewed === ended || this.#isRunning(renewed)) return renewed;
      if (Atomics.compareExchange(this.#renewed, 0, renewed, ended) === renewed) return ended;
    }
  }

  #isRunning(renewed: bigint): boolean {
    return this.#monotonicMs() - Number(renewed) / microsPerMs < this.#leaseMs;
  }
}
