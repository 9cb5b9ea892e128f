// What a tenant has declared, by name and by what it hangs together with, in versions: a change costs what it touches.
import { componentOf, linksOf, streamLink } from '#core/graph/component.ts';
import { SharedMap } from '#core/graph/shared-map.ts';
import { documentOf } from '#core/plan/plan-changes.ts';
import type { GoalRevision } from '#core/ports/goal-store.ts';
import type { Document, Kind } from '#core/spec/document.ts';

export interface Declared {
  readonly key: string;
  readonly revision: GoalRevision;
  /** None where this version cannot carry it out. */
  readonly documents: readonly Document[];
  /** What it hangs together with others by. */
  readonly links: readonly string[];
}

const keyOf = (kind: Kind, name: string): string => `${kind}/${name}`;
const byKey = (a: Declared, b: Declared): number => (a.key < b.key ? -1 : 1);
const noKeys: ReadonlySet<string> = new Set();

export class DeclaredIndex {
  readonly #entries: SharedMap<Declared>;
  /** By link, the keys of those that have it. */
  readonly #links: SharedMap<ReadonlySet<string>>;

  private constructor(entries: SharedMap<Declared>, links: SharedMap<ReadonlySet<string>>) {
    this.#entries = entries;
    this.#links = links;
  }

  static readonly empty = new DeclaredIndex(SharedMap.empty(), SharedMap.empty());

  /** The newest revisions of some names: those of other names stay. */
  with(revisions: readonly GoalRevision[]): DeclaredIndex {
    const entries = new Map<string, Declared | undefined>();
    const links = new Map<string, Set<string>>();
    const keysAt = (link: string): Set<string> => {
      const keys = links.get(link) ?? new Set(this.#links.get(link));
      links.set(link, keys);
      return keys;
    };
    for (const revision of revisions) {
      const key = keyOf(revision.kind, revision.name);
      const before = entries.has(key) ? entries.get(key) : this.#entries.get(key);
      const entry = declaredBy(key, revision);
      const [had, has] = [before?.links ?? [], entry?.links ?? []];
      // A stream that many read has many keys: it is copied only where somebody joins or leaves.
      for (const link of had) if (!has.includes(link)) keysAt(link).delete(key);
      for (const link of has) if (!had.includes(link)) keysAt(link).add(key);
      entries.set(key, entry);
    }
    const kept = [...links].map(([link, keys]) => [link, keys.size === 0 ? undefined : keys] as const);
    return new DeclaredIndex(this.#entries.with(entries), this.#links.with(kept));
  }

  get(kind: Kind, name: string): Declared | null {
    return this.#entries.get(keyOf(kind, name)) ?? null;
  }

  /** By kind and name. */
  all(): readonly Declared[] {
    return [...this.#entries.values()].sort(byKey);
  }

  /** All that hangs together with what these documents link, themselves if they are declared; by kind and name. */
  around(documents: readonly Document[]): readonly Declared[] {
    const own = documents.flatMap(({ kind, metadata }) => this.get(kind, metadata.name)?.links ?? []);
    return this.#linkedBy([...documents.flatMap(linksOf), ...own]);
  }

  aroundStream(name: string): readonly Declared[] {
    return this.#linkedBy([streamLink(name)]);
  }

  #linkedBy(links: readonly string[]): readonly Declared[] {
    const linksAt = (key: string): readonly string[] => this.#entries.get(key)?.links ?? [];
    const found = componentOf(links, (link) => this.#links.get(link) ?? noKeys, linksAt);
    return [...found].map((key) => this.#entries.get(key)!).sort(byKey);
  }
}

function declaredBy(key: string, revision: GoalRevision): Declared | undefined {
  if (revision.declared === null) return undefined;
  const documents = documentOf(revision);
  return { key, revision, documents, links: documents.flatMap(linksOf) };
}
