// What a tenant has declared, kept in memory and brought up to date by what changed since; resolved in the parts that are asked about.
import { isPlatformError } from '#core/errors.ts';
import type { RoutePlanner } from '#core/expression/index.ts';
import { type Declared, DeclaredIndex } from '#core/graph/declared-index.ts';
import { PartWorlds } from '#core/graph/part-worlds.ts';
import type { StreamNode, World } from '#core/graph/world.ts';
import { jobName } from '#core/names.ts';
import type { AuditHead } from '#core/ports/audit-log.ts';
import type { GoalRevision, GoalStore } from '#core/ports/goal-store.ts';
import type { Document, Kind } from '#core/spec/document.ts';
import { sinkStreams } from '#core/spec/sinks/sink-spec.ts';
import { InTurn } from '#functions/api/in-turn.ts';

export interface TenantWorld {
  readonly tenant: string;
  readonly index: DeclaredIndex;
  /** What it was read at: for a change to be conditional on nothing having changed since. */
  readonly readAt: AuditHead;
  /** All of them, by kind and name: costs what the tenant has. */
  readonly documents: readonly Document[];
  /** In order; streams that only routes imply are among the streams. */
  readonly names: (kind: Kind) => readonly string[];
  /** In order; of routes that cannot be carried out, too. */
  readonly jobNames: () => readonly string[];
  readonly revision: (kind: Kind, name: string) => GoalRevision | null;
  readonly declared: (kind: Kind, name: string) => Declared | null;
  /** Declared or implied. */
  readonly stream: (name: string) => StreamNode | null;
  readonly around: (documents: readonly Document[]) => Surroundings;
}

/** All that hangs together with some documents, as declared, themselves if they are. */
export interface Surroundings {
  readonly declared: readonly Declared[];
  readonly documents: readonly Document[];
  readonly world: World;
}

interface Kept {
  readonly readAt: AuditHead;
  readonly index: DeclaredIndex;
  readonly resolved: TenantWorld;
}

interface Asking {
  /** Under way: it may have been read before whoever asks now. */
  readonly now: Promise<TenantWorld>;
  /** Begins when that has ended: for all who ask meanwhile. */
  next: Promise<TenantWorld> | null;
}

const tenantsKeptMax = 100;
/** Of all tenants together. */
const worldsKeptMax = 2_000;

/** Owns the memory. A read always asks the store what changed, so it is never behind it. */
export class WorldCache {
  readonly #goals: Pick<GoalStore, 'changedSince'>;
  readonly #worlds: PartWorlds;
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Asking>();
  readonly #changes = new InTurn();

  constructor(goals: Pick<GoalStore, 'changedSince'>, plan: RoutePlanner) {
    this.#goals = goals;
    this.#worlds = new PartWorlds(plan, worldsKeptMax);
  }

  /** Of those who ask at the same time one asks the store for all of them, after the last of them has come. */
  read(tenant: string): Promise<TenantWorld> {
    const asking = this.#asking.get(tenant);
    if (asking === undefined) return this.#begin(tenant);
    asking.next ??= asking.now.then(
      () => this.#begin(tenant),
      () => this.#begin(tenant),
    );
    return asking.next;
  }

  #begin(tenant: string): Promise<TenantWorld> {
    const now = this.#ask(tenant).finally(() => {
      if (this.#asking.get(tenant)?.next === null) this.#asking.delete(tenant);
    });
    this.#asking.set(tenant, { now, next: null });
    return now;
  }

  async #ask(tenant: string): Promise<TenantWorld> {
    const known = this.#kept.get(tenant);
    const changed = await this.#goals.changedSince(tenant, known?.readAt.sequence ?? 0);
    // A backup was restored: nothing that we know counts, even where the store has come as far again.
    const isAnother = known !== undefined && changed.hashThere !== known.readAt.hash;
    const { sequence, hash, revisions } = isAnother ? await this.#goals.changedSince(tenant, 0) : changed;
    const before = isAnother ? undefined : known;
    const isSame = before !== undefined && revisions.length === 0;
    const index = isSame ? before.index : (before?.index ?? DeclaredIndex.empty).with(revisions);
    const kept = isSame ? before : this.#keeping(tenant, { sequence, hash }, index);
    const newer = this.#kept.get(tenant);
    // What was changed meanwhile, and is known already, stays known.
    if (isAnother || newer === undefined || newer.readAt.sequence <= kept.readAt.sequence) this.#keep(tenant, kept);
    return kept.resolved;
  }

  #keeping(tenant: string, readAt: AuditHead, index: DeclaredIndex): Kept {
    return { readAt, index, resolved: resolve(tenant, readAt, index, this.#worlds) };
  }

  #keep(tenant: string, kept: Kept): void {
    this.#kept.delete(tenant);
    this.#kept.set(tenant, kept);
    if (this.#kept.size > tenantsKeptMax) this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** What was last read of it: perhaps not what is there now. Null where nothing is remembered. */
  recall(tenant: string): TenantWorld | null {
    return this.#kept.get(tenant)?.resolved ?? null;
  }

  /** After a change that was made where nothing had changed since `known`: with it, that is what is declared. */
  advance(known: TenantWorld, { revision, head }: { readonly revision: GoalRevision; readonly head: AuditHead }): void {
    const { tenant } = known;
    const kept = this.#keeping(tenant, head, known.index.with([revision]));
    const newer = this.#kept.get(tenant);
    if (newer === undefined || newer.readAt.sequence <= head.sequence) this.#keep(tenant, kept);
  }

  /** As `read`; while the store is down, what was last read from it. For events, which must not wait for declarations. */
  async readOrRecall(tenant: string): Promise<TenantWorld> {
    try {
      return await this.read(tenant);
    } catch (error) {
      const recalled = this.#kept.get(tenant)?.resolved;
      if (recalled && isPlatformError(error) && error.fault === 'external') return recalled;
      throw error;
    }
  }

  /**
   * For changes that are made where nothing has changed since they were checked: of one tenant's that this process makes
   * at the same time all but one would have to be checked again.
   */
  inTurn<Result>(tenant: string, change: () => Promise<Result>): Promise<Result> {
    return this.#changes.run(tenant, change);
  }
}

/** What costs as much as the tenant has declared is done when somebody asks for it, and once. */
function resolve(tenant: string, readAt: AuditHead, index: DeclaredIndex, worlds: PartWorlds): TenantWorld {
  const documents = once(() => index.all().flatMap((declared) => declared.documents));
  const names = { Stream: once(() => streamNames(documents())), Route: once(() => routeNames(documents())) };
  const surroundings = (declared: readonly Declared[]): Surroundings => ({
    declared,
    documents: declared.flatMap((one) => one.documents),
    get world() {
      return worlds.of(tenant, declared);
    },
  });
  return {
    ...{ tenant, readAt, index },
    get documents() {
      return documents();
    },
    names: (kind) => names[kind](),
    jobNames: once(() => jobNamesOf(documents())),
    revision: (kind, name) => index.get(kind, name)?.revision ?? null,
    declared: (kind, name) => index.get(kind, name),
    stream: (name) => surroundings(index.aroundStream(name)).world.streams.get(name) ?? null,
    around: (asked) => surroundings(index.around(asked)),
  };
}

function once<Value extends object>(make: () => Value): () => Value {
  let made: Value | null = null;
  return () => {
    made ??= make();
    return made;
  };
}

const streamNames = (documents: readonly Document[]): readonly string[] =>
  [
    ...new Set(documents.flatMap((one) => (one.kind === 'Stream' ? [one.metadata.name] : sinkStreams(one.spec.sinks)))),
  ].sort();

const routeNames = (documents: readonly Document[]): readonly string[] =>
  documents.flatMap(({ kind, metadata }) => (kind === 'Route' ? [metadata.name] : [])).sort();

const jobNamesOf = (documents: readonly Document[]): readonly string[] =>
  documents
    .flatMap((one) => (one.kind === 'Route' ? one.spec.sinks.map(({ name }) => jobName(one.metadata.name, name)) : []))
    .sort();
