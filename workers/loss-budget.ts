// Loss-tolerant delivery: what the sink has no room for is dropped and counted, as long as the route's budget allows it.
import type { Split } from './split.ts';

/**
 * Guarantees for every split at every commit: `dropped(overload) ≤ share × in`. The account is kept with the position, so a
 * crash or another worker starts no new budget. A budget that is spent makes the worker wait for the sink, as any other.
 */
export class LossBudget {
  readonly #share: number;
  readonly #hasRoom: () => boolean;
  readonly #onSpent: (message: string) => void;
  #isSpent = false;

  constructor(share: number, hasRoom: () => boolean, onSpent: (message: string) => void) {
    this.#share = share;
    this.#hasRoom = hasRoom;
    this.#onSpent = onSpent;
  }

  /** True while reading need not wait for the sink. */
  get isOpen(): boolean {
    if (this.#isSpent && this.#hasRoom()) this.#isSpent = false;
    return !this.#isSpent;
  }

  /** Of the record that is read now. `wait`: it is neither taken nor dropped, and read again when the sink has room. */
  decide(split: Split): 'take' | 'drop' | 'wait' {
    if (this.#hasRoom()) return 'take';
    const { read, dropped } = split.overloadSoFar;
    if (dropped + 1 <= this.#share * (read + 1)) return 'drop';
    this.#isSpent = true;
    this.#onSpent(
      `${split.name}: ${dropped} of ${read} records were dropped, all that the budget of ${this.#share * 100}% allows; waiting for the sink`,
    );
    return 'wait';
  }
}
