// What a pass works with: the ports, the settings, and the compiler of declarations.
import type { PlatformCompiler } from '#core/graph/platform-compiler.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import type { BrokerAdmin } from '#core/ports/broker-admin.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ControlStore } from '#core/ports/control-store.ts';
import type { GoalStore } from '#core/ports/goal-store.ts';
import type { JobMeasures } from '#core/ports/job-measures.ts';
import type { JobWatches } from '#core/ports/job-watches.ts';
import type { Logger } from '#core/ports/logger.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { SplitStore } from '#core/ports/split-store.ts';
import type { TaskRunner } from '#core/ports/task-runner.ts';
import type { WorkerStore } from '#core/ports/worker-store.ts';
import type { Pacer } from '#functions/reconcile/pacer.ts';

export interface ReconcileParts {
  readonly goals: GoalStore;
  readonly broker: BrokerAdmin;
  readonly tasks: TaskRunner;
  readonly workers: WorkerStore;
  readonly splits: SplitStore;
  readonly controls: ControlStore;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: PlatformSettings;
  readonly compile: PlatformCompiler;
  /** Absent where nothing watches single jobs for their owners. */
  readonly watches?: JobWatches;
  /** Absent where nobody reads figures of jobs. */
  readonly measures?: JobMeasures;
  /** Absent where the runtime sets no limits to the rate of calls. */
  readonly pacer?: Pacer;
}
