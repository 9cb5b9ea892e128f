// What the API's handlers work with: the ports, the settings, and the compiler of routes.

import type { RoutePlanner } from '#core/expression/index.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import type { AuditLog } from '#core/ports/audit-log.ts';
import type { BrokerAdmin } from '#core/ports/broker-admin.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ControlStore } from '#core/ports/control-store.ts';
import type { GoalStore } from '#core/ports/goal-store.ts';
import type { Logger } from '#core/ports/logger.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { RecordLog } from '#core/ports/record-log.ts';
import type { RequestBudget } from '#core/ports/request-budget.ts';
import type { RequestLedger } from '#core/ports/request-ledger.ts';
import type { SplitStore } from '#core/ports/split-store.ts';
import type { WorkerStore } from '#core/ports/worker-store.ts';
import type { RecordCodecs } from '#functions/api/record-codecs.ts';
import type { WorldCache } from '#functions/api/world-cache.ts';

/** Of one dependency: throws with the reason when it does not answer. */
export interface HealthProbe {
  readonly name: string;
  readonly probe: () => Promise<void>;
}

export interface ApiParts {
  readonly goals: GoalStore;
  readonly worlds: WorldCache;
  readonly ledger: RequestLedger;
  readonly audit: AuditLog;
  readonly budget: RequestBudget;
  readonly records: RecordLog;
  readonly codecs: RecordCodecs;
  readonly broker: BrokerAdmin;
  readonly controls: ControlStore;
  readonly splits: SplitStore;
  readonly workers: WorkerStore;
  readonly objects: Pick<ObjectStore, 'list' | 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: PlatformSettings;
  readonly planRoute: RoutePlanner;
  readonly probes: readonly HealthProbe[];
  readonly version: string;
  /** Where the caller's name comes from: the gateway's authorizer, or, on a laptop, a header of the caller's own. */
  readonly identity: 'authorizer' | 'header';
}
