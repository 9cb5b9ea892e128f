// What a worker is made of: chosen in compose.ts, or by a test.
import type { RecordProcessor } from '#core/expression/index.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Logger } from '#core/ports/logger.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { RequestSigner } from '#core/ports/request-signer.ts';
import type { OpenRegistry } from '#core/ports/schema-registry.ts';
import type { SecretStore } from '#core/ports/secret-store.ts';
import type { SplitStore } from '#core/ports/split-store.ts';
import type { TableCatalog } from '#core/ports/table-catalog.ts';
import type { WorkerStore } from '#core/ports/worker-store.ts';
import type { Cluster } from './kafka/cluster.ts';

/** Given to the process by the reconciler. */
export interface WorkerIdentity {
  /** The job's id. */
  readonly job: string;
  readonly worker: string;
  readonly incarnation: number;
  readonly slot: number;
  readonly render: string;
  readonly pid: number;
}

/** Of jobs that write tables. */
export interface WarehouseParts {
  /** The same bucket, with time for large files. */
  readonly files: ObjectStore;
  readonly catalog: TableCatalog;
}

export interface WorkerParts {
  readonly identity: WorkerIdentity;
  /** What of it is live is replaced in place while the worker runs (live-goal.ts): it is read at each use, never kept. */
  readonly goal: JobGoal;
  readonly processor: RecordProcessor;
  /** Gives the event time alone; null where the stream has none. */
  readonly eventTime: RecordProcessor | null;
  readonly cluster: Cluster;
  readonly splits: SplitStore;
  readonly workers: WorkerStore;
  readonly objects: ObjectStore;
  readonly secrets: SecretStore;
  readonly registries: OpenRegistry;
  readonly signer: RequestSigner;
  readonly warehouse: WarehouseParts;
  readonly clock: Clock;
  readonly log: Logger;
}
