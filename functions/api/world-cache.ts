// What a tenant has declared, resolved, kept in memory and brought up to date by what changed since.
import { isPlatformError } from '#core/errors.ts';
import { buildWorld, type RoutePlanner, type World } from '#core/graph/world.ts';
import { documentOf } from '#core/plan/plan-changes.ts';
import type { GoalRevision, GoalStore } from '#core/ports/goal-store.ts';
import type { Document, Kind } from '#core/spec/document.ts';

export interface TenantWorld {
  readonly tenant: string;
  /** What it was read at: for a change to be conditional on nothing having changed since. */
  readonly sequence: number;
  readonly documents: readonly Document[];
  readonly world: World;
  readonly revision: (kind: Kind, name: string) => GoalRevision | null;
}

interface Kept {
  readonly sequence: number;
  readonly entries: ReadonlyMap<string, Entry>;
  resolved: TenantWorld | null;
}

interface Entry {
  readonly revision: GoalRevision;
  readonly documents: readonly Document[];
}

const keyOf = (kind: Kind, name: string): string => `${kind}/${name}`;
const tenantsKeptMax = 100;

/** Owns the memory. A read always asks the store what changed, so it is never behind it. */
export class WorldCache {
  readonly #goals: Pick<GoalStore, 'changedSince'>;
  readonly #plan: RoutePlanner;
  readonly #kept = new Map<string, Kept>();

  constructor(goals: Pick<GoalStore, 'changedSince'>, plan: RoutePlanner) {
    this.#goals = goals;
    this.#plan = plan;
  }

  async read(tenant: string): Promise<TenantWorld> {
    const known = this.#kept.get(tenant);
    const changed = await this.#goals.changedSince(tenant, known?.sequence ?? 0);
    // The store went back in time (a backup was restored): nothing that we know counts.
    const kept = !known
      ? merge(new Map(), changed)
      : changed.sequence < known.sequence
        ? merge(new Map(), await this.#goals.changedSince(tenant, 0))
        : changed.revisions.length === 0
          ? known
          : merge(known.entries, changed);
    this.#remember(tenant, kept);
    kept.resolved ??= resolve(tenant, kept, this.#plan);
    return kept.resolved;
  }

  /** The same; while the store is down, what was last read from it. For events, which must not wait for declarations. */
  async readOrRecall(tenant: string): Promise<TenantWorld> {
    try {
      return await this.read(tenant);
    } catch (error) {
      const recalled = this.#kept.get(tenant)?.resolved;
      if (recalled && isPlatformError(error) && error.fault === 'external') return recalled;
      throw error;
    }
  }

  #remember(tenant: string, kept: Kept): void {
    const now = this.#kept.get(tenant);
    // Of reads that overlap the newer one stays.
    if (now && now !== kept && now.sequence > kept.sequence && now.entries.size > 0) return;
    this.#kept.delete(tenant);
    this.#kept.set(tenant, kept);
    if (this.#kept.size > tenantsKeptMax) this.#kept.delete(this.#kept.keys().next().value!);
  }
}

function merge(
  entries: ReadonlyMap<string, Entry>,
  changed: { readonly sequence: number; readonly revisions: readonly GoalRevision[] },
): Kept {
  const merged = new Map(entries);
  for (const revision of changed.revisions) {
    const key = keyOf(revision.kind, revision.name);
    if (revision.declared === null) merged.delete(key);
    else merged.set(key, { revision, documents: documentOf(revision) });
  }
  return { sequence: changed.sequence, entries: merged, resolved: null };
}

function resolve(tenant: string, kept: Kept, plan: RoutePlanner): TenantWorld {
  const documents = [...kept.entries.values()].flatMap((entry) => entry.documents);
  return {
    tenant,
    sequence: kept.sequence,
    documents,
    world: buildWorld(documents, plan),
    revision: (kind, name) => kept.entries.get(keyOf(kind, name))?.revision ?? null,
  };
}
