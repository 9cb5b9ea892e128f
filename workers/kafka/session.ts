// The right to write to a cluster as one producer: what has it, and what its owner is told.
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
