// The worker's right to work: renewed by each accepted heartbeat, over by itself when none is accepted for its length.

const microsPerMs = 1_000;
const never = 0n;

/**
 * Measured on the monotonic clock from when the renewing request was *sent*: what others see is never later than that. It
 * stands in memory that all threads of the worker see, so that none of them outlasts it, also while the one that renews hangs.
 */
export class Lease {
  /** When it was renewed last, in microseconds. */
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

  renew(sentMs: number): void {
    const sent = BigInt(Math.floor(sentMs * microsPerMs));
    if (sent > Atomics.load(this.#renewed, 0)) Atomics.store(this.#renewed, 0, sent);
  }

  get isHeld(): boolean {
    const renewed = Atomics.load(this.#renewed, 0);
    if (renewed === never) return false;
    const renewedMs = Number(renewed) / microsPerMs;
    return this.#monotonicMs() - renewedMs < this.#leaseMs;
  }

  /** Renewed at least once, and over since. */
  get isOver(): boolean {
    return Atomics.load(this.#renewed, 0) !== never && !this.isHeld;
  }
}
