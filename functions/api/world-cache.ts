// What a tenant has declared, resolved, kept in memory and brought up to date by what changed since.
import { isPlatformError } from '#core/errors.ts';
import { componentOf, type LinkIndex, linksOf } from '#core/graph/component.ts';
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
  readonly declared: (kind: Kind, name: string) => Declared | null;
  /** All that hangs together with what these documents link, as declared, themselves if they are. */
  readonly around: (documents: readonly Document[]) => readonly Declared[];
}

export interface Declared {
  readonly revision: GoalRevision;
  /** None where this version cannot carry it out. */
  readonly documents: readonly Document[];
}

interface Kept {
  readonly sequence: number;
  readonly entries: ReadonlyMap<string, Declared>;
  readonly links: LinkIndex;
  resolved: TenantWorld | null;
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
      ? merge(nothingKept, changed)
      : changed.sequence < known.sequence
        ? merge(nothingKept, await this.#goals.changedSince(tenant, 0))
        : changed.revisions.length === 0
          ? known
          : merge(known, changed);
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

const nothingKept: Pick<Kept, 'entries' | 'links'> = { entries: new Map(), links: new Map() };

function merge(
  before: Pick<Kept, 'entries' | 'links'>,
  changed: { readonly sequence: number; readonly revisions: readonly GoalRevision[] },
): Kept {
  const entries = new Map(before.entries);
  const links = new Map(before.links);
  const change = (link: string, edit: (keys: Set<string>) => void): void => {
    const keys = new Set(links.get(link));
    edit(keys);
    if (keys.size === 0) links.delete(link);
    else links.set(link, keys);
  };
  for (const revision of changed.revisions) {
    const key = keyOf(revision.kind, revision.name);
    for (const link of linksAt(entries, key)) change(link, (keys) => keys.delete(key));
    if (revision.declared === null) entries.delete(key);
    else entries.set(key, { revision, documents: documentOf(revision) });
    for (const link of linksAt(entries, key)) change(link, (keys) => keys.add(key));
  }
  return { sequence: changed.sequence, entries, links, resolved: null };
}

const linksAt = (entries: Kept['entries'], key: string): readonly string[] =>
  (entries.get(key)?.documents ?? []).flatMap(linksOf);

/** The whole is resolved when somebody asks for it: most requests are about few of the declarations. */
function resolve(tenant: string, { sequence, entries, links }: Kept, plan: RoutePlanner): TenantWorld {
  let documents: readonly Document[] | null = null;
  let world: World | null = null;
  const allDocuments = (): readonly Document[] => {
    documents ??= [...entries.values()].flatMap((entry) => entry.documents);
    return documents;
  };
  return {
    ...{ tenant, sequence },
    get documents() {
      return allDocuments();
    },
    get world() {
      world ??= buildWorld(allDocuments(), plan);
      return world;
    },
    revision: (kind, name) => entries.get(keyOf(kind, name))?.revision ?? null,
    declared: (kind, name) => entries.get(keyOf(kind, name)) ?? null,
    around: (asked) => {
      const keys = asked.map(({ kind, metadata }) => keyOf(kind, metadata.name));
      const open = [...asked.flatMap(linksOf), ...keys.flatMap((key) => linksAt(entries, key))];
      const found = componentOf(open, links, (key) => linksAt(entries, key));
      return [...found].map((key) => entries.get(key)!);
    },
  };
}
