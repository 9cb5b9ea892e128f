// A goal store in memory, held to the same contract as the real one: for simulations of the control loop.

import { configEvent } from '#core/config/config-event.ts';
import { PlatformError } from '#core/errors.ts';
import { canonicalJson } from '#core/hash.ts';
import { limits } from '#core/limits.ts';
import { endingEvent, requestedEvent } from '#core/operations/operation-event.ts';
import type { AuditHead } from '#core/ports/audit-log.ts';
import {
  type ApplyOutcome,
  type ApplyRequest,
  type Approval,
  type ChangeOutcome,
  type ChangeRequest,
  type ConfigEntry,
  type ConfigRequest,
  type ConfigScope,
  type DeleteOutcome,
  type DeleteRequest,
  type Freeze,
  type FreezePlace,
  type GoalRevision,
  type GoalStore,
  isExpected,
  type Operation,
  type OperationRequest,
  type Page,
  type PlatformEvent,
} from '#core/ports/goal-store.ts';
import { namePattern } from '#core/spec/declared-name.ts';
import type { Kind } from '#core/spec/document.ts';

export interface MemoryGoalStoreOptions {
  readonly now: () => number;
  /** Called after each change: what the outbox's listener would hear. */
  readonly onChange?: (subject: string) => void;
}

export interface MemoryGoalStore extends GoalStore {
  /** As after a restore from a backup taken at that sequence: what came later was never heard of; sequences are given out again. */
  restore(sequence: number): void;
}

interface Head {
  readonly sequence: number;
  readonly revision: GoalRevision;
  confirmed: boolean;
}

interface Memory {
  readonly options: MemoryGoalStoreOptions;
  sequence: number;
  /** A change's is at the place before its number; none is ever given twice. */
  readonly hashes: string[];
  hashCount: number;
  /** Names are never given twice, not even after a restore. */
  uidCount: number;
  readonly revisions: { readonly sequence: number; readonly revision: GoalRevision }[];
  readonly heads: Map<string, Head>;
  operations: Operation[];
  freezes: { readonly sequence: number; readonly freeze: Freeze }[];
  approvals: { readonly sequence: number; readonly at: number; readonly approval: Approval }[];
  config: { readonly sequence: number; readonly entry: ConfigEntry }[];
  readonly keys: Map<string, { readonly fingerprint: string; readonly answer: unknown }>;
  readonly events: Map<string, { readonly sequence: number; readonly event: PlatformEvent }[]>;
}

const keyOf = (tenant: string, kind: Kind, name: string): string => `${tenant} ${kind}/${name}`;

function change(memory: Memory, subject: string): number {
  memory.options.onChange?.(subject);
  memory.hashes.push(`hash${++memory.hashCount}`);
  return ++memory.sequence;
}

function write(memory: Memory, revision: GoalRevision): number {
  const sequence = change(memory, `${revision.kind}/${revision.name}`);
  memory.revisions.push({ sequence, revision });
  const key = keyOf(revision.tenant, revision.kind, revision.name);
  memory.heads.set(key, { sequence, revision, confirmed: false });
  return sequence;
}

const hashAt = (memory: Memory, sequence: number): string => memory.hashes[sequence - 1] ?? '';
const headOf = (memory: Memory, sequence = memory.sequence): AuditHead => ({
  sequence,
  hash: hashAt(memory, sequence),
});

const moved = (memory: Memory, tenant: string, checkedAt: AuditHead | undefined): boolean =>
  checkedAt !== undefined &&
  (hashAt(memory, checkedAt.sequence) !== checkedAt.hash ||
    [...memory.heads.values()].some((head) => head.revision.tenant === tenant && head.sequence > checkedAt.sequence));

function requireName(name: string): void {
  if (name.length > limits.nameCharsMax || !namePattern.test(name))
    throw new PlatformError('name-invalid', `got the name ${JSON.stringify(name)}`, {
      fault: 'user',
      retry: 'no-retry',
    });
}

function apply(memory: Memory, request: ApplyRequest & { readonly revive?: boolean }): ApplyOutcome {
  const { tenant, kind, metadata, declared, author, reason, expectedRevision, revive } = request;
  const { name } = metadata;
  requireName(name);
  const head = memory.heads.get(keyOf(tenant, kind, name));
  const current = head && head.revision.declared !== null ? head.revision : null;
  const currentRevision = current?.revision ?? 0;
  if (!isExpected(expectedRevision, currentRevision)) return { kind: 'conflict', currentRevision };
  if (current && canonicalJson([current.metadata, current.declared]) === canonicalJson([metadata, declared]))
    return { kind: 'unchanged', revision: current };
  if (moved(memory, tenant, request.checkedAt)) return { kind: 'moved' };
  const revived = revive && head && !head.confirmed ? head.revision : null;
  const uid = (current ?? revived)?.uid ?? `uid${++memory.uidCount}`;
  const revision = {
    ...{
      tenant,
      kind,
      name,
      uid,
      revision: (head?.revision.revision ?? 0) + 1,
      metadata,
      declared,
      author,
      reason,
      at: memory.options.now(),
    },
  };
  const sequence = write(memory, revision);
  const done = { kind: current ? 'changed' : 'created', revision } as const;
  return request.idempotencyKey === undefined ? { ...done, head: headOf(memory, sequence) } : done;
}

function remove(memory: Memory, request: DeleteRequest): DeleteOutcome {
  const { tenant, kind, name, author, reason, expectedRevision } = request;
  const newest = memory.heads.get(keyOf(tenant, kind, name))?.revision;
  const current = newest && newest.declared !== null ? newest : null;
  const currentRevision = current?.revision ?? 0;
  if (!isExpected(expectedRevision, currentRevision)) return { kind: 'conflict', currentRevision };
  if (!current) return { kind: 'absent' };
  if (moved(memory, tenant, request.checkedAt)) return { kind: 'moved' };
  const revision = {
    ...current,
    revision: current.revision + 1,
    declared: null,
    author,
    reason,
    at: memory.options.now(),
    ...(request.purge ? { purge: true } : {}),
  };
  write(memory, revision);
  return { kind: 'deleted', revision };
}

function changeAll(memory: Memory, request: ChangeRequest): ChangeOutcome {
  const { tenant, author, reason, applies, removes } = request;
  for (const { metadata } of applies) requireName(metadata.name);
  if (moved(memory, tenant, request.checkedAt)) return { kind: 'moved' };
  const by = { tenant, author, reason };
  const outcomes = [
    ...applies.map((one) => apply(memory, { ...one, ...by })),
    ...removes.map((one) => remove(memory, { ...one, ...by })),
  ];
  const isWritten = ({ kind }: { readonly kind: string }): boolean => ['created', 'changed', 'deleted'].includes(kind);
  const written = outcomes.filter(isWritten);
  return { kind: 'changed', revisions: written.flatMap((one) => ('revision' in one ? [one.revision] : [])) };
}

/** What was answered under a key is answered again. */
function once<Result extends { readonly kind: string }>(
  memory: Memory,
  asked: { readonly tenant: string; readonly idempotencyKey?: string },
  facts: readonly unknown[],
  work: () => Result,
): Result | { readonly kind: 'key-reused' } {
  if (asked.idempotencyKey === undefined) return work();
  const key = `${asked.tenant} ${asked.idempotencyKey}`;
  const known = memory.keys.get(key);
  const fingerprint = canonicalJson(facts);
  if (known) return known.fingerprint === fingerprint ? (known.answer as Result) : { kind: 'key-reused' };
  const answer = work();
  if (answer.kind !== 'moved') memory.keys.set(key, { fingerprint, answer });
  return answer;
}

function requestOperation(memory: Memory, request: OperationRequest): Operation {
  const { idempotencyKey: _key, asked: _asked, ...asked } = request;
  const sequence = change(memory, `job/${request.job}`);
  const requestedAt = memory.options.now();
  const operation: Operation = { ...asked, id: `operation-${sequence}`, sequence, state: 'requested', requestedAt };
  memory.operations.push(operation);
  appendEvents(memory, [requestedEvent(operation)]);
  return operation;
}

const factsOf = ({ job, kind, reason, asked }: OperationRequest): readonly unknown[] => [
  ...['operation', job, kind, reason],
  ...(asked === undefined ? [] : [asked]),
];

function decidingOperations(memory: Memory): readonly Operation[] {
  const alive = new Set(
    [...memory.heads.values()]
      .filter((head) => !head.confirmed)
      .map(({ revision }) => `${revision.tenant} ${revision.uid}`),
  );
  const mine = memory.operations.filter((operation) => alive.has(`${operation.tenant} ${operation.uid}`));
  const isNewest = (operation: Operation): boolean =>
    !mine.some(
      (other) =>
        other.tenant === operation.tenant &&
        other.uid === operation.uid &&
        other.job === operation.job &&
        ['pause', 'resume', 'restart'].includes(other.kind) &&
        (other.kind === 'restart') === (operation.kind === 'restart') &&
        other.sequence > operation.sequence,
    );
  const lasting = (operation: Operation): boolean => ['pause', 'resume', 'restart'].includes(operation.kind);
  return mine.filter((operation) => operation.state === 'requested' || (lasting(operation) && isNewest(operation)));
}

const scopeOf = (of: ConfigScope): string => `${of.scope}/${of.subject}@${of.scope === 'job' ? of.uid : ''}`;

function setConfig(memory: Memory, { expiresInMs, ...request }: ConfigRequest): ConfigEntry {
  const sequence = change(memory, `${request.scope}/${request.subject}`);
  const at = memory.options.now();
  const entry: ConfigEntry = { ...request, at, expiresAt: expiresInMs === null ? null : at + expiresInMs };
  memory.config.push({ sequence, entry });
  appendEvents(memory, [configEvent(entry)]);
  return entry;
}

function holdingConfig(memory: Memory): readonly ConfigEntry[] {
  const newest = new Map<string, ConfigEntry>();
  for (const { entry } of memory.config) newest.set(`${entry.tenant} ${scopeOf(entry)} ${entry.key}`, entry);
  const now = memory.options.now();
  return [...newest.values()].filter(
    ({ value, expiresAt }) => value !== null && (expiresAt === null || expiresAt > now),
  );
}

function listEvents(
  memory: Memory,
  tenant: string,
  subject: string,
  page: { readonly cursor?: string; readonly limit: number },
): Page<PlatformEvent> {
  const before = page.cursor === undefined ? Number.POSITIVE_INFINITY : Number(page.cursor);
  const found = (memory.events.get(`${tenant} ${subject}`) ?? []).filter((entry) => entry.sequence < before).reverse();
  const items = found.slice(0, page.limit);
  const events = items.map((entry) => entry.event);
  return found.length > page.limit ? { items: events, cursor: String(items.at(-1)!.sequence) } : { items: events };
}

function list(
  memory: Memory,
  tenant: string,
  kind: Kind,
  page: { readonly cursor?: string; readonly limit: number },
): Page<GoalRevision> {
  const all = [...memory.heads.values()]
    .map((head) => head.revision)
    .filter((r) => r.tenant === tenant && r.kind === kind && r.declared !== null && r.name > (page.cursor ?? ''))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const items = all.slice(0, page.limit);
  return all.length > page.limit ? { items, cursor: items.at(-1)!.name } : { items };
}

function stateAt(memory: Memory, tenant: string, at: number): readonly GoalRevision[] {
  const then = memory.revisions.map(({ revision }) => revision).filter((one) => one.tenant === tenant && one.at <= at);
  const newest = new Map(then.map((revision) => [keyOf(tenant, revision.kind, revision.name), revision]));
  const declared = [...newest.values()].filter((revision) => revision.declared !== null);
  return declared.sort((a, b) => (`${a.kind} ${a.name}` < `${b.kind} ${b.name}` ? -1 : 1));
}

const headsInOrder = (memory: Memory): readonly Head[] =>
  [...memory.heads.values()].sort((a, b) => a.sequence - b.sequence);

function appendEvents(memory: Memory, events: readonly PlatformEvent[]): void {
  for (const event of events) {
    const key = `${event.tenant} ${event.subject}`;
    const kept = memory.events.get(key) ?? [];
    kept.push({ sequence: (kept.at(-1)?.sequence ?? 0) + 1, event });
    memory.events.set(key, kept.slice(-limits.eventsKeptPerSubject));
  }
}

function restore(memory: Memory, sequence: number): void {
  const kept = memory.revisions.filter((entry) => entry.sequence <= sequence);
  const confirmed = new Set([...memory.heads.values()].filter((head) => head.confirmed).map((head) => head.sequence));
  memory.revisions.length = 0;
  memory.heads.clear();
  for (const entry of kept) {
    const { tenant, kind, name } = entry.revision;
    memory.revisions.push(entry);
    memory.heads.set(keyOf(tenant, kind, name), { ...entry, confirmed: confirmed.has(entry.sequence) });
  }
  memory.operations = memory.operations.filter((operation) => operation.sequence <= sequence);
  memory.freezes = memory.freezes.filter((entry) => entry.sequence <= sequence);
  memory.approvals = memory.approvals.filter((entry) => entry.sequence <= sequence);
  memory.config = memory.config.filter((each) => each.sequence <= sequence);
  memory.keys.clear();
  memory.sequence = sequence;
  memory.hashes.length = sequence;
}

const dayMs = 86_400_000;

const isSamePlace = (a: FreezePlace, b: FreezePlace): boolean =>
  a.tenant === b.tenant && a.scope === b.scope && a.name === b.name;

export function createMemoryGoalStore(options: MemoryGoalStoreOptions): MemoryGoalStore {
  const memory: Memory = {
    ...{
      options,
      sequence: 0,
      hashes: [],
      hashCount: 0,
      uidCount: 0,
      revisions: [],
      heads: new Map(),
      operations: [],
      freezes: [],
      approvals: [],
      config: [],
      keys: new Map(),
      events: new Map(),
    },
  };
  return {
    apply: async (request) =>
      once(memory, request, ['apply', request.kind, request.metadata, request.declared, request.expectedRevision], () =>
        apply(memory, request),
      ),
    remove: async (request) =>
      once(memory, request, ['remove', request.kind, request.name, request.expectedRevision, request.purge], () =>
        remove(memory, request),
      ),
    change: async (request) =>
      once(memory, request, ['change', request.applies, request.removes], () => changeAll(memory, request)),
    read: async (tenant, kind, name) => {
      const revision = memory.heads.get(keyOf(tenant, kind, name))?.revision;
      return revision && revision.declared !== null ? revision : null;
    },
    list: async (tenant, kind, page) => list(memory, tenant, kind, page),
    revisions: async (tenant, kind, name) =>
      memory.revisions
        .map(({ revision }) => revision)
        .filter((r) => r.tenant === tenant && r.kind === kind && r.name === name)
        .reverse()
        .slice(0, limits.revisionsReadMax),
    stateAt: async (tenant, at) => stateAt(memory, tenant, at),
    hashAt: async (sequence) => hashAt(memory, sequence) || null,
    snapshot: async () => ({
      ...headOf(memory),
      at: options.now(),
      freezes: memory.freezes.map(({ freeze }) => freeze),
      approvals: memory.approvals.filter(({ at }) => options.now() - at < dayMs).map(({ approval }) => approval),
      revisions: headsInOrder(memory)
        .filter((head) => !head.confirmed)
        .map((head) => head.revision),
      operations: decidingOperations(memory),
      config: holdingConfig(memory),
    }),
    changedSince: async (tenant, sequence) => ({
      ...{ ...headOf(memory), hashThere: hashAt(memory, sequence) },
      revisions: headsInOrder(memory)
        .filter((head) => head.revision.tenant === tenant && head.sequence > sequence)
        .map((head) => head.revision),
    }),
    circumstances: async (tenant, jobs) => {
      const isOver = (job: string): boolean => jobs === undefined || jobs.includes(job);
      const mine = <One extends { readonly tenant: string }>(all: readonly One[]): readonly One[] =>
        all.filter((one) => one.tenant === tenant);
      return {
        operations: mine(decidingOperations(memory)).filter(({ job }) => isOver(job)),
        freezes: mine(memory.freezes.map(({ freeze }) => freeze)).filter((f) => f.scope !== 'job' || isOver(f.name)),
        config: mine(holdingConfig(memory)).filter((one) => one.scope !== 'job' || isOver(one.subject)),
      };
    },
    confirmRemoved: async (tenant, kind, name, revision) => {
      const head = memory.heads.get(keyOf(tenant, kind, name));
      if (head && head.revision.revision === revision && head.revision.declared === null) head.confirmed = true;
    },
    freeze: async (asked) => {
      const known = memory.freezes.find(({ freeze }) => isSamePlace(freeze, asked));
      if (known) return known.freeze;
      const freeze = { ...asked, at: options.now() };
      memory.freezes.push({ sequence: change(memory, 'fleet'), freeze });
      return freeze;
    },
    unfreeze: async (place) => {
      const before = memory.freezes.length;
      memory.freezes = memory.freezes.filter(({ freeze }) => !isSamePlace(freeze, place));
      if (memory.freezes.length === before) return 'absent';
      change(memory, 'fleet');
      return 'lifted';
    },
    approve: async (approval) => {
      memory.approvals.push({ sequence: change(memory, 'fleet'), at: options.now(), approval });
    },
    requestOperation: async (request) => {
      const answer = once(memory, request, factsOf(request), () => ({
        kind: 'accepted' as const,
        id: requestOperation(memory, request).id,
      }));
      if (answer.kind !== 'accepted') return { kind: 'conflict' };
      return { kind: 'accepted', operation: memory.operations.find((operation) => operation.id === answer.id)! };
    },
    repeatedOperation: async (request) => {
      const known = memory.keys.get(`${request.tenant} ${request.idempotencyKey}`);
      if (known?.fingerprint !== canonicalJson(factsOf(request))) return null;
      const { id } = known.answer as { readonly id?: string };
      return memory.operations.find((operation) => operation.id === id) ?? null;
    },
    readOperation: async (tenant, id) =>
      memory.operations.find((operation) => operation.tenant === tenant && operation.id === id) ?? null,
    listOperations: async (tenant, job) =>
      memory.operations
        .filter((operation) => operation.tenant === tenant && operation.job === job)
        .reverse()
        .slice(0, limits.pageItemsMax),
    finishOperation: async (tenant, id, ending) => {
      const index = memory.operations.findIndex((operation) => operation.tenant === tenant && operation.id === id);
      const operation = memory.operations[index];
      if (operation?.state !== 'requested') return;
      const ended = { ...operation, ...ending, finishedAt: memory.options.now() };
      memory.operations[index] = ended;
      appendEvents(memory, [endingEvent(ended)]);
    },
    setConfig: async (request) => setConfig(memory, request),
    configHistory: async (tenant, of) =>
      memory.config
        .map(({ entry }) => entry)
        .filter((entry) => entry.tenant === tenant && scopeOf(entry) === scopeOf(of))
        .reverse()
        .slice(0, limits.revisionsReadMax),
    appendEvents: async (events) => appendEvents(memory, events),
    listEvents: async (tenant, subject, page) => listEvents(memory, tenant, subject, page),
    restore: (sequence) => restore(memory, sequence),
  };
}
