// The port to the goal store: append-only revisions of what people declared; the one truth.
import type { OperationPlan, OperationReceipt } from '#core/operations/operation.ts';
import type { AuditHead } from '#core/ports/audit-log.ts';
import type { Kind, Metadata } from '#core/spec/document.ts';
import type { Json } from '#core/spec/json.ts';

/** The newest revision of one declaration. `declared` is null where the newest revision is its deletion. */
export interface GoalRevision {
  readonly tenant: string;
  readonly kind: Kind;
  readonly name: string;
  /** Made anew when a name is deleted and declared again: nothing of the old one's state is adopted. */
  readonly uid: string;
  /** 1, 2, 3 … within the name, never reused, deletion included. */
  readonly revision: number;
  readonly metadata: Metadata;
  readonly declared: Json | null;
  readonly author: string;
  readonly reason: string;
  readonly at: number;
  /** Of a deletion: what it leaves is removed at once, without the grace in which it could be undone. */
  readonly purge?: boolean;
}

/** A revision (0: that the name is free), one of several, or that there is any. A repetition of a request says the same. */
export type ExpectedRevision = number | readonly number[] | 'any';

/** `current`: 0 where there is nothing under the name. */
export function isExpected(expected: ExpectedRevision | undefined, current: number): boolean {
  if (expected === undefined) return true;
  if (expected === 'any') return current > 0;
  return typeof expected === 'number' ? expected === current : expected.includes(current);
}

export interface ApplyRequest {
  readonly tenant: string;
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly declared: Json;
  readonly author: string;
  readonly reason: string;
  /** Refuse unless it is the current revision. Under an idempotency key only the first time: what was carried out stays answered as it was. */
  readonly expectedRevision?: ExpectedRevision;
  /** The newest change when the request was checked: `moved` where the tenant's declarations have changed since, or the store was restored to before it. */
  readonly checkedAt?: AuditHead;
  /** Asking twice with one key gives the first outcome again, in the same transaction as the change; see `KeyReused`. */
  readonly idempotencyKey?: string;
}

/** The idempotency key was used for another request before. */
export interface KeyReused {
  readonly kind: 'key-reused';
}

export type ApplyOutcome =
  | {
      readonly kind: 'created' | 'changed' | 'unchanged';
      readonly revision: GoalRevision;
      /** Of the change, where this very call has made it: what was declared at `checkedAt`, and this, is all that is declared at it. */
      readonly head?: AuditHead;
    }
  /** 0: there is nothing under the name. */
  | { readonly kind: 'conflict'; readonly currentRevision: number }
  | { readonly kind: 'moved' }
  | KeyReused;

export interface DeleteRequest {
  readonly tenant: string;
  readonly kind: Kind;
  readonly name: string;
  readonly author: string;
  readonly reason: string;
  readonly purge?: boolean;
  readonly expectedRevision?: ExpectedRevision;
  readonly checkedAt?: AuditHead;
  readonly idempotencyKey?: string;
}

export type DeleteOutcome =
  | { readonly kind: 'deleted'; readonly revision: GoalRevision }
  | { readonly kind: 'absent' }
  | { readonly kind: 'conflict'; readonly currentRevision: number }
  | { readonly kind: 'moved' }
  | KeyReused;

/** Several declarations at once, written as one change or not at all. */
export interface ChangeRequest {
  readonly tenant: string;
  readonly applies: readonly (Pick<ApplyRequest, 'kind' | 'metadata' | 'declared'> & {
    /** A name that was deleted, and of which not all is gone yet, goes on as the life that it was. */
    readonly revive?: boolean;
  })[];
  readonly removes: readonly Pick<DeleteRequest, 'kind' | 'name'>[];
  readonly author: string;
  readonly reason: string;
  readonly checkedAt?: AuditHead;
  readonly idempotencyKey?: string;
}

export type ChangeOutcome =
  /** What was written, in the order asked for; what stood there already is not among it. */
  { readonly kind: 'changed'; readonly revisions: readonly GoalRevision[] } | { readonly kind: 'moved' } | KeyReused;

export type OperationKind = 'pause' | 'resume' | 'restart' | 'rewind' | 'replay-dead-letters' | 'switch';
/** `failed`: the world was not any more what the plan was made for; the outcome says what was done and what was not. */
export type OperationState = 'requested' | 'succeeded' | 'superseded' | 'failed';

/** A one-shot verb on a job (D8): asked for once, carried out by passes, with a receipt. */
export interface Operation {
  readonly id: string;
  readonly tenant: string;
  readonly job: string;
  /** Of the route's life that it was asked of: a name declared anew is not paused by its predecessor's operations. */
  readonly uid: string;
  readonly kind: OperationKind;
  /** Grows over all operations of the platform; a job's newest pause or resume decides, its newest restart is a floor. */
  readonly sequence: number;
  readonly state: OperationState;
  readonly author: string;
  readonly reason: string;
  readonly requestedAt: number;
  /** What was decided when it was asked for: passes carry out this, and decide nothing of it anew. */
  readonly plan?: OperationPlan;
  readonly finishedAt?: number;
  /** What carrying it out brought about, in words. */
  readonly outcome?: string;
  /** The same, in numbers. */
  readonly receipt?: OperationReceipt;
}

export type OperationRequest = Pick<Operation, 'tenant' | 'job' | 'uid' | 'kind' | 'author' | 'reason' | 'plan'> & {
  readonly asked?: Json;
  readonly idempotencyKey?: string;
};

export interface OperationEnding {
  readonly state: Exclude<OperationState, 'requested'>;
  readonly outcome: string;
  readonly receipt?: OperationReceipt;
}

/** Whose jobs a setting is of: all of a team, or one job in one of its lives. */
export type ConfigScope =
  | { readonly scope: 'team'; readonly subject: string }
  | { readonly scope: 'job'; readonly subject: string; readonly uid: string };

/** A parameter that was set, or cleared, beside the declarations. Kept for ever; the newest of a key holds until it expires. */
export type ConfigEntry = ConfigScope & {
  readonly tenant: string;
  readonly key: string;
  /** As it was given; null: cleared. */
  readonly value: Json;
  readonly author: string;
  readonly reason: string;
  readonly at: number;
  /** Null: it stays until it is cleared. */
  readonly expiresAt: number | null;
};

export type ConfigRequest = ConfigScope &
  Pick<ConfigEntry, 'tenant' | 'key' | 'value' | 'author' | 'reason'> & { readonly expiresInMs: number | null };

/** Something that happened to a job or stream, and why: what `events` and `why` show. */
export interface PlatformEvent {
  readonly tenant: string;
  /** `job/plays.out`, `stream/plays`, `platform`. */
  readonly subject: string;
  readonly at: number;
  readonly severity: 'info' | 'warning' | 'error';
  /** CamelCase, closed per origin: WorkerStarted, TopicCreated, … */
  readonly reason: string;
  readonly message: string;
  /** The numbers that the decision was made on. */
  readonly evidence?: Json;
}

/** Somebody has stopped changes to all jobs of a tenant, to a team's, or to one. */
export interface Freeze {
  readonly tenant: string;
  readonly scope: 'fleet' | 'team' | 'job';
  /** The team's or the job's; '' of the fleet. */
  readonly name: string;
  readonly author: string;
  readonly reason: string;
  readonly at: number;
}

export type FreezePlace = Pick<Freeze, 'tenant' | 'scope' | 'name'>;

/** Somebody has agreed that these jobs end, although they are many. */
export interface Approval {
  readonly tenant: string;
  /** Job ids. */
  readonly jobs: readonly string[];
  readonly author: string;
  readonly reason: string;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Pass it back for the next page; absent on the last. */
  readonly cursor?: string;
}

/** What a tenant has changed since some change, `hashThere` being the hash that the store has in that change's place. */
export interface ChangesSince extends AuditHead {
  readonly revisions: readonly GoalRevision[];
  /** '' where there is none of that number. Another than is known of it: the store was restored, and what is known is of another history. */
  readonly hashThere: string;
}

/** Everything that is declared, read at one point in time. Deleted names are in it until their clean-up is confirmed. */
export interface GoalSnapshot {
  /** Sequence of the newest change in it, over all tenants; 0: there never was one. */
  readonly sequence: number;
  readonly hash: string;
  /** When it was read, by the store's own clock: what deletions are dated by. */
  readonly at: number;
  readonly revisions: readonly GoalRevision[];
  /** For each job the newest restart, and the newest of pause and resume; plus all that are `requested`. A rewind decides only while it is. */
  readonly operations: readonly Operation[];
  readonly freezes: readonly Freeze[];
  /** Of the last day. */
  readonly approvals: readonly Approval[];
  /** Settings that hold: those that are cleared or expired by the store's clock are not in it. */
  readonly config: readonly ConfigEntry[];
}

export type Circumstances = Pick<GoalSnapshot, 'operations' | 'freezes' | 'config'>;

/**
 * Guarantees: a change and its outbox row are one transaction; changes of one name are serialised; `apply` of what is
 * already declared is `unchanged` and writes nothing. Every change also appends to the audit log. All calls throw a
 * PlatformError with fault `external` and retry `backoff` when the store cannot be reached; nothing is half-written.
 */
export interface GoalStore {
  apply(request: ApplyRequest): Promise<ApplyOutcome>;
  remove(request: DeleteRequest): Promise<DeleteOutcome>;
  /** All of it in one transaction: what is declared already, or gone already, is passed over. */
  change(request: ChangeRequest): Promise<ChangeOutcome>;
  read(tenant: string, kind: Kind, name: string): Promise<GoalRevision | null>;
  list(
    tenant: string,
    kind: Kind,
    page: { readonly cursor?: string; readonly limit: number },
  ): Promise<Page<GoalRevision>>;
  /** Newest first, at most limits.revisionsReadMax. */
  revisions(tenant: string, kind: Kind, name: string): Promise<readonly GoalRevision[]>;
  /** `tenant`: for a caller who may see no other's; what is another's may be left out. */
  snapshot(tenant?: string): Promise<GoalSnapshot>;
  /** The hash of all changes up to that one; null where there is none of that number. The same one twice is the same history. */
  hashAt(sequence: number): Promise<string | null>;
  /** All that was declared at that time (by the store's clock), of one tenant; what was deleted by then is not among it. */
  stateAt(tenant: string, at: number): Promise<readonly GoalRevision[]>;
  /** The newest revisions of the tenant's names that changed after `sequence` (0: all, deletions included), in order; and the newest change of all. */
  changedSince(tenant: string, sequence: number): Promise<ChangesSince>;
  /** What decides beside the declarations how the tenant's jobs run, as a snapshot has it; with `jobs`, how these do. */
  circumstances(tenant: string, jobs?: readonly string[]): Promise<Circumstances>;
  /** After the world holds nothing of a deleted name any more: leaves it out of later snapshots. History stays. */
  confirmRemoved(tenant: string, kind: Kind, name: string, revision: number): Promise<void>;

  /** Idempotent: a freeze that stands already stays whose it is. */
  freeze(freeze: Omit<Freeze, 'at'>): Promise<Freeze>;
  unfreeze(place: FreezePlace & { readonly author: string; readonly reason: string }): Promise<'lifted' | 'absent'>;
  approve(approval: Approval): Promise<void>;

  /**
   * Asking twice with one idempotency key gives the first operation again, with the plan that it was asked with; the same
   * key for another request (`asked`: what was said beside the kind) is a conflict. Its event is written with it.
   */
  requestOperation(
    request: OperationRequest,
  ): Promise<{ readonly kind: 'accepted'; readonly operation: Operation } | { readonly kind: 'conflict' }>;
  /** The operation that this very request, under this key, has made before; null where it has not. Asks for nothing. */
  repeatedOperation(request: OperationRequest): Promise<Operation | null>;
  readOperation(tenant: string, id: string): Promise<Operation | null>;
  /** Newest first, at most limits.pageItemsMax. */
  listOperations(tenant: string, job: string): Promise<readonly Operation[]>;
  /** Once: of later calls nothing remains. Its event is written with it. */
  finishOperation(tenant: string, id: string, ending: OperationEnding): Promise<void>;

  /** Its event, on the job or `team/<name>`, is written with it. */
  setConfig(request: ConfigRequest): Promise<ConfigEntry>;
  /** Newest first, at most limits.revisionsReadMax; what was cleared and what has expired included. */
  configHistory(tenant: string, of: ConfigScope): Promise<readonly ConfigEntry[]>;

  appendEvents(events: readonly PlatformEvent[]): Promise<void>;
  /** Newest first. */
  listEvents(
    tenant: string,
    subject: string,
    page: { readonly cursor?: string; readonly limit: number },
  ): Promise<Page<PlatformEvent>>;
}
