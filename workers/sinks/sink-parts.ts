// What a sink is made from, beside its goal.

import type { Outlet } from '../kafka/outlet.ts';
import type { WorkerParts } from '../parts.ts';
import type { SinkHooks } from './sink.ts';

export interface SinkParts {
  readonly worker: WorkerParts;
  /** To Kafka; of dead letters too. */
  readonly outlet: Outlet;
  /** Event time of the newest record that was read. */
  readonly newestAt: () => number | null;
  readonly hooks: SinkHooks;
}
