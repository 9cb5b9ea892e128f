// Holds a worker to its share of the job's rate: a bucket that fills with time, and a record takes one of it.
import { setTimeout as wait } from 'node:timers/promises';

/** What was not used is kept for this long: small enough that readers of the sink see an even flow. */
const burstMs = 250;
const waitMsMax = 1_000;

export class Throttle {
  readonly #perSecond: () => number | null;
  readonly #monotonicMs: () => number;
  #left = 1;
  #filledMs: number;

  /** `perSecond` may change with the splits that the worker holds, and with the route; null: without bounds. */
  constructor(perSecond: () => number | null, monotonicMs: () => number) {
    this.#perSecond = perSecond;
    this.#monotonicMs = monotonicMs;
    this.#filledMs = monotonicMs();
  }

  /** How many records may be worked on now. */
  get allowance(): number {
    if (this.#fill() === null) return Infinity;
    return Math.max(0, Math.floor(this.#left));
  }

  spend(count: number): void {
    this.#left -= count;
  }

  /** Null while at least one may be worked on; else resolves when one may. */
  room(): Promise<void> | null {
    const perSecond = this.#fill();
    if (perSecond === null || this.#left >= 1) return null;
    const ms = perSecond === 0 ? waitMsMax : ((1 - this.#left) / perSecond) * 1_000;
    return wait(Math.min(waitMsMax, Math.max(1, ms)));
  }

  /** Gives the rate that holds now. Without one nothing is owed nor saved for the time when there is one. */
  #fill(): number | null {
    const nowMs = this.#monotonicMs();
    const perSecond = this.#perSecond();
    const perMs = (perSecond ?? 0) / 1_000;
    const filled = this.#left + (nowMs - this.#filledMs) * perMs;
    this.#left = perSecond === null ? 1 : Math.min(Math.max(1, burstMs * perMs), filled);
    this.#filledMs = nowMs;
    return perSecond;
  }
}
