// What the platform is to make true: topics that must exist, jobs that must run, and what is on its way out.
import type { JobConfigFacts } from '#core/config/job-settings.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import type { ReplayPlan } from '#core/operations/replay.ts';
import type { Approval, Freeze, GoalRevision, Operation } from '#core/ports/goal-store.ts';
import type { AlertSpec } from '#core/spec/alerts.ts';
import type { AutoscaleSpec } from '#core/spec/autoscale.ts';
import type { RedeployStrategy } from '#core/spec/delivery.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import type { RestartBudget } from '#core/spec/route-spec.ts';

export interface TopicGoal {
  readonly tenant: string;
  readonly topic: string;
  /** Whom to tell: `stream/plays` or `job/plays.out`. */
  readonly subject: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
  /** Settings that are not the topic's own: what an earlier declaration had set of them is taken back. */
  readonly ofBroker?: readonly string[];
}

export interface RemovedTopic {
  readonly tenant: string;
  readonly topic: string;
  readonly stream: string;
  readonly subject: string;
  /** Until then its events are kept, so that the deletion can be undone; by the goal store's clock. Infinity: nobody can tell whether they are wanted. */
  readonly keptUntil: number;
}

export interface JobEntry {
  readonly goal: JobGoal;
  /** When the newest revision of its route was declared, by the goal store's clock. */
  readonly declaredAt: number;
  readonly paused: boolean;
  /** Judged by the control plane; no worker knows of them. */
  readonly alerts: AlertSpec;
  readonly autoscale: AutoscaleSpec;
  /** How many workers it is to have instead of as many as its goal says; set by a pass. */
  readonly scaled?: number;
  /** Workers started for an older restart operation than this are replaced. */
  readonly restartSequence: number;
  /** Hash of all that shapes a worker: another hash means another worker. */
  readonly render: string;
  /** Hash of the settings that a running worker takes over. */
  readonly live: string;
  /** Operations that are asked for and not finished. */
  readonly requested: readonly Operation[];
  /** How its workers make room for those of another goal. */
  readonly onRedeploy: RedeployStrategy;
  /** In this time a new goal has to get somewhere, or makes room for the last one that had. */
  readonly progressWithinMs: number;
  readonly restartBudget: RestartBudget;
  readonly upstreamSilentMs: number | null;
  /** Who has stopped changes to it; null: nobody. */
  readonly freeze: Freeze | null;
  /** What its configuration was made from; its goal there is the one before. */
  readonly config?: JobConfigFacts;
}

export interface PlatformGoal {
  readonly sequence: number;
  /** When the goal was read, by the goal store's clock. */
  readonly at: number;
  readonly freezes: readonly Freeze[];
  readonly approvals: readonly Approval[];
  readonly topics: readonly TopicGoal[];
  readonly jobs: readonly JobEntry[];
  /** Replays of dead letters under way: each runs as a job, and is none for people. */
  readonly replays: readonly ReplayEntry[];
  /** Topics of streams that were deleted: an explicit wish, never a mere absence. */
  readonly removedTopics: readonly RemovedTopic[];
  /** Deleted names that are still in the snapshot. */
  readonly removed: readonly GoalRevision[];
  /** Declarations that this version cannot carry out: what runs of them is left alone. */
  readonly unsupported: readonly { readonly revision: GoalRevision; readonly problems: readonly SpecProblem[] }[];
}

export interface ReplayEntry extends JobEntry {
  readonly operation: Operation & { readonly plan: ReplayPlan };
}

/** A tenant's part of the platform's goal. */
export interface TenantPart extends Pick<PlatformGoal, 'topics' | 'jobs' | 'replays' | 'unsupported'> {
  readonly tenant: string;
  /** Of a route nobody can tell which streams it implies: any of the tenant's that seems to be gone may be one. */
  readonly hasUnreadRoutes: boolean;
}
