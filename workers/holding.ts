// What a worker knows of a split that it holds.
import type { SplitReport } from './path-messages.ts';
import type { Progress } from './split.ts';

/** A split as the worker's main part knows it. It stays on its data path for as long as it is held. */
export interface Holding {
  readonly name: string;
  readonly epoch: number;
  readonly partition: number;
  readonly path: number;
  /** In the split's item. */
  committed: Progress;
  /** As its data path last said. */
  report: SplitReport;
}
