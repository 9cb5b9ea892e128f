// The producer's id at the cluster: taken once, and anew when a broker lost our place in its sequence or the cluster is another one.
import type { BackoffBounds } from '#core/time/backoff.ts';
import type { Cluster } from './cluster.ts';
import type { ProducerIdentity } from './output-batch.ts';
import { Renewal } from './renewal.ts';
import type { Session, SessionHooks } from './session.ts';

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
