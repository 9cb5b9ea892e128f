// What a declared route means: the complete form, every default filled in.
import type { ConfigValue, ParameterKey } from '#core/config/parameters.ts';
import type { AlertSpec } from '#core/spec/alerts.ts';
import type { AutoscaleSpec } from '#core/spec/autoscale.ts';
import type { Delivery, RedeployStrategy } from '#core/spec/delivery.ts';
import type { ErrorPolicy } from '#core/spec/error-policy.ts';
import type { OperatorSpec } from '#core/spec/operators.ts';
import type { SinkCondition } from '#core/spec/sinks/condition.ts';
import type { SinkSpec } from '#core/spec/sinks/sink-spec.ts';

export type StartPosition =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'time'; readonly at: number };

export type { Ordering } from '#core/spec/delivery.ts';
export type { RecordErrorAction } from '#core/spec/error-policy.ts';

/** A test that the author wrote beside the route: run at plan and apply, a failing one refuses the apply. */
export interface RouteTest {
  readonly name: string;
  /** Null: the first. */
  readonly sink: string | null;
  /** Events as JSON text, one each. */
  readonly given: readonly string[];
  readonly expect: readonly string[];
}

/** Ends by its own fault that a worker may have within the span. */
export interface RestartBudget {
  readonly count: number;
  readonly perMs: number;
}

export interface RouteSpec {
  readonly from: string;
  readonly start: StartPosition;
  readonly where: string | null;
  /** Done in this order, after `where` and before `select`. */
  readonly operators: readonly OperatorSpec[];
  /** Paths of fields tagged pii that pass as they are. */
  readonly exposePii: readonly (readonly string[])[];
  readonly select: string | null;
  readonly sinks: readonly SinkSpec[];
  /** For each of the sinks, in the same order. */
  readonly conditions: readonly SinkCondition[];
  readonly delivery: Delivery;
  readonly onRedeploy: RedeployStrategy;
  readonly errors: ErrorPolicy;
  /** Records the job reads a second at most; null: as many as it can. */
  readonly throttle: number | null;
  readonly resources: { readonly workers: number; readonly cpu: number; readonly memoryMiB: number };
  readonly autoscale: AutoscaleSpec;
  /** Parameters that are set for this route's jobs. */
  readonly config: Readonly<Partial<Record<ParameterKey, ConfigValue>>>;
  readonly stalledAfterMs: number;
  /** Null: as the platform is set. */
  readonly progressWithinMs: number | null;
  readonly restartBudget: RestartBudget;
  /** Null: the source may be silent for ever. */
  readonly upstreamSilentMs: number | null;
  readonly alerts: AlertSpec;
  readonly paused: boolean;
  readonly tests: readonly RouteTest[];
}
