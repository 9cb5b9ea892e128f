// Keeps calls under a quota that others share: a token bucket whose rate halves when the service throttles and grows back slowly.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Quota {
  /** Calls that may be made at once. */
  readonly burst: number;
  readonly perSecond: number;
}

/** Injected, so that tests need not wait. */
export interface Time {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export const wallTime: Time = { now: () => performance.now(), sleep: (ms) => sleep(ms) };

/** After a throttled call the rate is halved; each call that went well gives back a twentieth of the quota. */
const shareMin = 1 / 16;
const shareGrowth = 1 / 20;

/** Calls are let through in the order in which they came. */
export class RateLimit {
  readonly #quota: Quota;
  readonly #time: Time;
  #share = 1;
  #tokens: number;
  #countedAt: number;
  #last: Promise<void> = Promise.resolve();

  constructor(quota: Quota, time: Time = wallTime) {
    this.#quota = quota;
    this.#time = time;
    this.#tokens = quota.burst;
    this.#countedAt = time.now();
  }

  /** Of the quota, what is used now: 1 as long as nobody throttles. */
  get share(): number {
    return this.#share;
  }

  turn(): Promise<void> {
    const next = this.#last.then(() => this.#take());
    this.#last = next;
    return next;
  }

  succeeded(): void {
    this.#share = Math.min(1, this.#share + shareGrowth);
  }

  /** What was saved up is void as well: the bucket on the other side is empty. */
  throttled(): void {
    this.#refill();
    this.#share = Math.max(shareMin, this.#share / 2);
    this.#tokens = Math.min(this.#tokens, 0);
  }

  async #take(): Promise<void> {
    for (this.#refill(); this.#tokens < 1; this.#refill())
      await this.#time.sleep(Math.ceil(((1 - this.#tokens) / (this.#quota.perSecond * this.#share)) * 1_000));
    this.#tokens--;
  }

  #refill(): void {
    const now = this.#time.now();
    const gained = ((now - this.#countedAt) / 1_000) * this.#quota.perSecond * this.#share;
    this.#tokens = Math.min(this.#quota.burst, this.#tokens + gained);
    this.#countedAt = now;
  }
}
