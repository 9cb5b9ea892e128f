// The producer's id at the cluster: taken once, and anew when a broker lost our place in its sequence or the cluster is another one.
import type { BackoffBounds } from '#core/time/backoff.ts';
import type { Cluster } from './cluster.ts';
import type { ProducerIdentity } from './output-batch.ts';
import { Renewal } from './renewal.ts';

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
  readonly #renewal: Renewal;
  /** The cluster that gave the id. */
  #clusterId: string | null = null;

  constructor(cluster: Cluster, retry: BackoffBounds, hooks: SessionHooks) {
    this.#cluster = cluster;
    this.#renewal = new Renewal({ retry, hooks, take: () => this.#take(), codeOf: () => 'sink-unavailable' });
  }

  /** A cluster that was wiped gives our id to somebody else. */
  current(): ProducerIdentity | null {
    const { identity } = this.#renewal;
    if (identity === null || this.#clusterId === this.#cluster.clusterId) return identity;
    void this.renew();
    return null;
  }

  async ensure(): Promise<void> {
    await this.#renewal.ensure();
  }

  renew(): Promise<void> {
    return this.#renewal.renew();
  }

  close(): void {
    this.#renewal.close();
  }

  async #take(): Promise<ProducerIdentity> {
    const { clusterId } = this.#cluster;
    const identity = { ...(await this.#cluster.initProducerId()), isTransactional: false };
    this.#clusterId = clusterId;
    return identity;
  }
}
