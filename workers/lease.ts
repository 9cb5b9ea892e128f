// The worker's right to work: renewed by each accepted heartbeat, over by itself when none is accepted for its length.

/** Measured on the monotonic clock from when the renewing request was *sent*: what others see is never later than that. */
export class Lease {
  readonly #leaseMs: number;
  readonly #monotonicMs: () => number;
  #renewedMs = Number.NEGATIVE_INFINITY;

  constructor(leaseMs: number, monotonicMs: () => number) {
    this.#leaseMs = leaseMs;
    this.#monotonicMs = monotonicMs;
  }

  renew(sentMs: number): void {
    this.#renewedMs = Math.max(this.#renewedMs, sentMs);
  }

  get isHeld(): boolean {
    return this.#monotonicMs() - this.#renewedMs < this.#leaseMs;
  }

  /** Renewed at least once, and over since. */
  get isOver(): boolean {
    return this.#renewedMs !== Number.NEGATIVE_INFINITY && !this.isHeld;
  }
}
