// The producer's id at the cluster: taken once, and anew when a broker lost our place in its sequence or the cluster is another one.
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '#core/errors.ts';
import { type BackoffBounds, backoffMs } from '#core/time/backoff.ts';
import type { Cluster } from './cluster.ts';
import type { ProducerIdentity } from './output-batch.ts';

export interface SessionHooks {
  /** Resolves when nothing is in flight: only then may another id be used. */
  readonly idle: () => Promise<void>;
  /** Another id holds from now on: all sequences begin anew. */
  readonly onRenewed: () => void;
  readonly onTrouble: (code: string, message: string) => void;
}

/** The right to write: an id at the cluster, taken anew where it is lost. */
export interface Session {
  /** Null where what is written counts as soon as it is acknowledged. */
  readonly transactionalId: string | null;
  /** What to send under now; null while there is none. */
  current(): ProducerIdentity | null;
  ensure(): Promise<void>;
  /** However long it takes; callers at the same time share one renewal. */
  renew(): Promise<void>;
  close(): void;
}

export class ProducerSession implements Session {
  readonly transactionalId = null;
  readonly #cluster: Cluster;
  readonly #retry: BackoffBounds;
  readonly #hooks: SessionHooks;
  #identity: ProducerIdentity | null = null;
  /** The cluster that gave it. */
  #clusterId: string | null = null;
  #renewing: Promise<void> | null = null;
  #closed = false;

  constructor(cluster: Cluster, retry: BackoffBounds, hooks: SessionHooks) {
    this.#cluster = cluster;
    this.#retry = retry;
    this.#hooks = hooks;
  }

  /** What to send under now; null while there is none. A cluster that was wiped gives our id to somebody else. */
  current(): ProducerIdentity | null {
    if (this.#renewing !== null || this.#identity === null) return null;
    if (this.#clusterId === this.#cluster.clusterId) return this.#identity;
    void this.renew();
    return null;
  }

  async ensure(): Promise<void> {
    if (this.#identity === null) await this.renew();
  }

  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
      this.#hooks.onRenewed();
    });
    return this.#renewing;
  }

  close(): void {
    this.#closed = true;
  }

  async #renew(): Promise<void> {
    await this.#hooks.idle();
    for (let failureCount = 1; !this.#closed; failureCount++) {
      try {
        const { clusterId } = this.#cluster;
        this.#identity = { ...(await this.#cluster.initProducerId()), isTransactional: false };
        this.#clusterId = clusterId;
        return;
      } catch (error) {
        this.#hooks.onTrouble('sink-unavailable', messageOf(error));
        await wait(backoffMs(failureCount, this.#retry, Math.random()));
      }
    }
  }
}
