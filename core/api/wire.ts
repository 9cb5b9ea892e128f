// What the API answers, as types: the CLI, the UI and the handlers share them. The zod schemas beside it are held to them.

import type { OperationPlan, OperationReceipt } from '#core/operations/operation.ts';
import type { ObservedTopic } from '#core/ports/broker-admin.ts';
import type { OperationKind, OperationState } from '#core/ports/goal-store.ts';
import type { Kind, Metadata } from '#core/spec/document.ts';
import type { Json } from '#core/spec/json.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import type { JobStatus } from '#core/status/job-status.ts';

export interface PageView<Item> {
  readonly items: readonly Item[];
  readonly cursor?: string;
}

/** What is declared, without what has become of it. */
export interface DeclaredView {
  readonly kind: Kind;
  readonly apiVersion: 'millrace/v1';
  readonly metadata: Metadata;
  /** As declared; for an implied stream, as if it were declared. */
  readonly spec: Json;
  /** 0 for an implied stream. Also the ETag, in quotes. */
  readonly revision: number;
  readonly uid: string;
  readonly author: string;
  readonly reason: string;
  readonly updatedAt: string;
}

export interface StreamView extends DeclaredView {
  readonly kind: 'Stream';
  /** The route whose sink made this stream without a declaration of its own. */
  readonly impliedBy?: string;
  readonly status: {
    readonly phase: 'Ready' | 'Pending' | 'Unknown';
    readonly message: string;
    readonly topic: string;
    readonly observed: Omit<ObservedTopic, 'own'> | null;
    /** Records that the topic holds now (end − start, over partitions); null when the broker cannot be asked. */
    readonly records: number | null;
    readonly readers: readonly string[];
    readonly writers: readonly string[];
  };
}

export interface RouteView extends DeclaredView {
  readonly kind: 'Route';
  readonly status: { readonly jobs: readonly { readonly name: string; readonly status: JobStatus }[] };
}

export interface JobView {
  readonly kind: 'Job';
  readonly name: string;
  readonly route: string;
  readonly owner: string;
  readonly revision: number;
  readonly uid: string;
  readonly from: string;
  readonly to: string;
  readonly paused: boolean;
  readonly deadLetterTopic: string;
  readonly status: JobStatus;
}

/** Ordered by weight (D9): a diff's class is its heaviest field's. */
export const changeClasses = ['none', 'live', 'rolling', 'stop-start', 'replace', 'forbidden'] as const;
export type ChangeClass = (typeof changeClasses)[number];

export interface FieldChange {
  readonly path: string;
  readonly before: Json | null;
  readonly after: Json | null;
  readonly class: ChangeClass;
}

/** What a change means for one job. */
export interface PlannedJob {
  readonly name: string;
  readonly class: ChangeClass;
  /** Positions and books: new where there are none yet; none where no worker is touched. */
  readonly state: 'none' | 'new' | 'kept' | 'lost';
  readonly sink: string;
  readonly expectedPauseMs: number;
  readonly expectedDuplicates: string;
}

/** A month on AWS, at list prices. */
export interface PlannedCost {
  readonly before: number;
  readonly after: number;
}

export interface PlannedChange {
  readonly kind: Kind;
  readonly name: string;
  readonly outcome: 'create' | 'change' | 'unchanged' | 'refused';
  /** The heaviest of what is done to its jobs. */
  readonly class: ChangeClass;
  /** Each with the heaviest that a change of it can be. */
  readonly fields: readonly FieldChange[];
  /** What the platform will do, in words, one effect each. */
  readonly effects: readonly string[];
  /** Jobs that something is done to. */
  readonly jobs: readonly string[];
  readonly jobChanges: readonly PlannedJob[];
  readonly expectedPauseMs: number;
  readonly expectedDuplicates: string;
  readonly cost: PlannedCost;
  readonly problems: readonly SpecProblem[];
  readonly tests: readonly { readonly name: string; readonly passed: boolean; readonly message: string }[];
}

export interface PlanView {
  /** Over the documents, the revisions that they were compared with, and all that the plan says: another world gives another hash. */
  readonly hash: string;
  readonly changes: readonly PlannedChange[];
  /** Of all jobs that the documents touch, each counted once. */
  readonly cost: PlannedCost & { readonly currency: string; readonly pricesAsOf: string };
  readonly wouldChange: boolean;
  readonly refused: boolean;
}

export interface ApplyView {
  readonly outcome: 'created' | 'changed' | 'unchanged';
  /** Its state is for those who ask: right after a change nothing has come of it yet. */
  readonly resource: DeclaredView;
}

/** Several documents declared as one change. */
export interface ChangeView {
  readonly plan: PlanView;
  readonly items: readonly {
    readonly kind: Kind;
    readonly name: string;
    readonly outcome: ApplyView['outcome'];
    readonly revision: number;
  }[];
}

export interface RevisionView {
  readonly revision: number;
  readonly author: string;
  readonly reason: string;
  readonly at: string;
  readonly deleted: boolean;
  readonly labels: Metadata['labels'];
  readonly spec: Json | null;
  readonly changes: readonly FieldChange[];
}

/** What differs in one declaration between two points of history. */
export interface NamedChange {
  readonly kind: Kind;
  readonly name: string;
  readonly outcome: 'created' | 'deleted' | 'changed';
  /** Null where the name was not declared then. */
  readonly revisions: { readonly from: number | null; readonly to: number | null };
  readonly fields: readonly FieldChange[];
}

export interface DiffView {
  readonly from: string;
  readonly to: string;
  readonly items: readonly NamedChange[];
}

/** All declarations as they were at a time, declared again. */
export interface RestoreView {
  readonly to: string;
  /** From what is declared now to what was then. */
  readonly items: readonly NamedChange[];
  /** What that does to topics and jobs, in words, once the freeze is lifted. */
  readonly effects: readonly string[];
  /** Of all that it tells: a restore that names it is refused where it would be another. */
  readonly hash: string;
}

export interface EventView {
  readonly at: string;
  readonly subject: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly reason: string;
  readonly message: string;
  readonly evidence?: Json;
}

export interface OperationView {
  readonly id: string;
  readonly job: string;
  readonly kind: OperationKind;
  readonly state: OperationState;
  readonly author: string;
  readonly reason: string;
  readonly requestedAt: string;
  readonly finishedAt?: string;
  readonly outcome?: string;
  /** What was decided when it was asked for. */
  readonly plan?: OperationPlan;
  /** What carrying it out did, in numbers. */
  readonly receipt?: OperationReceipt;
}

export interface FreezeView {
  readonly scope: 'fleet' | 'team' | 'job';
  /** Of the team or the job; '' of the fleet. */
  readonly name: string;
  readonly author: string;
  readonly reason: string;
  readonly at: string;
}

/** A job whose route is deleted, or has lost its sink, and of which something is still there. */
export interface EndingView {
  readonly job: string;
  readonly owner: string;
  /** frozen, held: it runs on. ending: its workers drain. ended: what it left is kept, or being removed. */
  readonly state: 'frozen' | 'held' | 'ending' | 'ended';
  /** When the declaration was made by which it ends. */
  readonly since: string;
  /** What it waits for, and how it is taken back. */
  readonly message: string;
}

/** Jobs that would end together with too many others, and so wait for somebody to agree. */
export interface HeldView {
  readonly items: readonly { readonly job: string; readonly id: string; readonly since: string }[];
}

/** What asking for an operation would do: the answer with dryRun=true. */
export interface OperationPlanView {
  readonly job: string;
  readonly kind: OperationKind;
  /** In words, one effect each. */
  readonly effects: readonly string[];
  readonly plan?: OperationPlan;
}

/** Dead letters that failed for one reason. */
export interface DeadLetterGroup {
  readonly errorClass: string;
  readonly errorCode: string;
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
  /** Of them, those that were replayed before and failed again. */
  readonly failedAgain: number;
  /** The oldest one's message. */
  readonly example: string;
}

export interface DeadLetterSummary {
  readonly items: readonly DeadLetterGroup[];
  readonly total: number;
  /** False: there are more, and these are of the oldest. */
  readonly isComplete: boolean;
}

/** One line of the answer to POST …/records, in the order of the request. */
export type AppendView =
  | { readonly line: number; readonly ok: true; readonly partition: number; readonly offset: string }
  | { readonly line: number; readonly ok: false; readonly code: string; readonly message: string };

export interface AppendAnswer {
  readonly acknowledged: number;
  readonly refused: number;
  readonly results: readonly AppendView[];
}

/** One NDJSON line of GET …/records?metadata=true; without metadata the line is the value's bytes as they are. */
export interface RecordLine {
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: string;
  readonly key: string | null;
  readonly headers?: Readonly<Record<string, string | null>>;
  /** The event, or, where its bytes are no JSON, the text `base64:…`. */
  readonly value: Json;
}

export interface TryRecord {
  readonly verdict: 'passed' | 'filtered' | 'poison' | 'schema';
  readonly partition: number;
  readonly offset: string;
  readonly before: Json;
  readonly after: Json | null;
  /** Where a list was exploded: what comes of the event besides `after`. */
  readonly more?: readonly Json[];
  readonly fault?: { readonly code: string; readonly message: string };
}

/** POST /v1/try {document, from, limit}: the route over real events, nothing committed or written. */
export interface TryView {
  readonly read: number;
  readonly passed: number;
  readonly filtered: number;
  readonly failed: number;
  readonly mismatches: number;
  readonly records: readonly TryRecord[];
}

export type SqlView =
  | { readonly ok: true; readonly type: string; readonly value: Json }
  | {
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly line?: number;
      readonly column?: number;
      readonly hint?: string;
    };

/** RFC 9457. `problems` for refused declarations. */
export interface ProblemView {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly fix?: string;
  readonly code: string;
  readonly problems?: readonly (SpecProblem & { readonly document?: string })[];
  readonly currentRevision?: number;
}

export interface HealthView {
  readonly ok: boolean;
  readonly version: string;
  readonly parts: readonly { readonly name: string; readonly ok: boolean; readonly message: string }[];
}

/** Of the whole platform's log: whose changes an entry tells of is not in it. */
export type AuditView =
  | {
      readonly ok: true;
      readonly entries: number;
      /** To be kept where whoever can write to the goal store cannot write, and asked about later. */
      readonly head: { readonly sequence: number; readonly hash: string };
    }
  | { readonly ok: false; readonly entries: number; readonly at: number; readonly problem: string };
