// A producer's identity that is taken anew where it is lost: one renewal at a time, however long it takes.
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '#core/errors.ts';
import { type BackoffBounds, backoffMs } from '#core/time/backoff.ts';
import type { ProducerIdentity } from './output-batch.ts';
import type { SessionHooks } from './session.ts';

export interface RenewalOptions {
  readonly retry: BackoffBounds;
  readonly hooks: SessionHooks;
  /** Asks the cluster; null: somebody else holds the right to write by now, and nothing is asked again. Throws while it cannot. */
  readonly take: () => Promise<ProducerIdentity | null>;
  readonly codeOf: (error: unknown) => string;
}

export class Renewal {
  readonly #options: RenewalOptions;
  #identity: ProducerIdentity | null = null;
  #underWay: Promise<void> | null = null;
  #closed = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /** Null before the first, once it is over, and while it is renewed: until its owner knows of a new one, nobody sees it. */
  get identity(): ProducerIdentity | null {
    return this.#underWay === null ? this.#identity : null;
  }

  async ensure(): Promise<void> {
    if (this.identity === null) await this.renew();
  }

  /** Callers at the same time share one: nobody has seen what it brings, so nobody can have lost it already. */
  renew(): Promise<void> {
    if (this.#underWay !== null) return this.#underWay;
    this.#identity = null;
    this.#underWay = this.#renew().finally(() => {
      this.#underWay = null;
      this.#options.hooks.onRenewed();
    });
    return this.#underWay;
  }

  /** Nothing is sent under it until `putBack`, or until it is renewed. */
  takeOut(): ProducerIdentity | null {
    if (this.#underWay !== null) return null;
    const identity = this.#identity;
    this.#identity = null;
    return identity;
  }

  /** False: it was renewed or closed meanwhile. */
  putBack(next: ProducerIdentity): boolean {
    if (this.#closed || this.#underWay !== null || this.#identity !== null) return false;
    this.#identity = next;
    this.#options.hooks.onRenewed();
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#identity = null;
  }

  async #renew(): Promise<void> {
    const { retry, hooks, take, codeOf } = this.#options;
    await hooks.idle();
    for (let failureCount = 1; !this.#closed; failureCount++) {
      try {
        const identity = await take();
        if (this.#closed) return;
        if (identity === null) this.close();
        this.#identity = identity;
        return;
      } catch (error) {
        hooks.onTrouble(codeOf(error), messageOf(error));
        await wait(backoffMs(failureCount, retry, Math.random()));
      }
    }
  }
}
