// Worlds of parts of what is declared, kept while the parts stay what they are: most requests are about parts that nobody has changed.

import type { RoutePlanner } from '#core/expression/index.ts';
import type { Declared } from '#core/graph/declared-index.ts';
import { buildWorld, type World } from '#core/graph/world.ts';

interface Kept {
  readonly members: readonly Declared[];
  readonly world: World;
}

export class PartWorlds {
  readonly #plan: RoutePlanner;
  readonly #worldsMax: number;
  readonly #kept = new Map<string, Kept>();

  constructor(plan: RoutePlanner, worldsMax: number) {
    this.#plan = plan;
    this.#worldsMax = worldsMax;
  }

  /** `members` in the order of an index; what is kept counts only if it was made of these very ones. */
  of(tenant: string, members: readonly Declared[]): World {
    const place = `${tenant} ${members[0]?.key ?? ''}`;
    const known = this.#kept.get(place);
    const kept = known && isMadeOf(known, members) ? known : { members, world: this.#build(members) };
    this.#kept.delete(place);
    this.#kept.set(place, kept);
    if (this.#kept.size > this.#worldsMax) this.#kept.delete(this.#kept.keys().next().value!);
    return kept.world;
  }

  #build(members: readonly Declared[]): World {
    return buildWorld(
      members.flatMap(({ documents }) => documents),
      this.#plan,
    );
  }
}

const isMadeOf = ({ members: before }: Kept, members: readonly Declared[]): boolean =>
  before.length === members.length && members.every((member, index) => before[index] === member);
