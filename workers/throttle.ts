// Holds a worker to its share of the job's rate: a bucket that fills with time, and a record takes one of it.
import { setTimeout as wait } from 'node:timers/promises';

/** What was not used is kept for this long: small enough that readers of the sink see an even flow. */
const burstMs = 250;
const waitMsMax = 1_000;

export class Throttle {
  readonly #perSecond: () => number;
  readonly #monotonicMs: () => number;
  #left = 1;
  #filledMs: number;

  /** `perSecond` may change with the splits that the worker holds. */
  constructor(perSecond: () => number, monotonicMs: () => number) {
    this.#perSecond = perSecond;
    this.#monotonicMs = monotonicMs;
    this.#filledMs = monotonicMs();
  }

  /** How many records may be worked on now. */
  get allowance(): number {
    this.#fill();
    return Math.max(0, Math.floor(this.#left));
  }

  spend(count: number): void {
    this.#left -= count;
  }

  /** Null while at least one may be worked on; else resolves when one may. */
  room(): Promise<void> | null {
    this.#fill();
    if (this.#left >= 1) return null;
    const perSecond = this.#perSecond();
    const ms = perSecond === 0 ? waitMsMax : ((1 - this.#left) / perSecond) * 1_000;
    return wait(Math.min(waitMsMax, Math.max(1, ms)));
  }

  #fill(): void {
    const nowMs = this.#monotonicMs();
    const perMs = this.#perSecond() / 1_000;
    this.#left = Math.min(Math.max(1, burstMs * perMs), this.#left + (nowMs - this.#filledMs) * perMs);
    this.#filledMs = nowMs;
  }
}
