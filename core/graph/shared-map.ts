// A map in versions: a change copies the part that it is in and shares all others with the version before, which stays as it was.

const partCount = 1_024;

/** With ten thousand entries a change copies ten of them, and the list of parts. */
export class SharedMap<Value> {
  readonly #parts: readonly ReadonlyMap<string, Value>[];

  private constructor(parts: readonly ReadonlyMap<string, Value>[]) {
    this.#parts = parts;
  }

  static empty<Value>(): SharedMap<Value> {
    return new SharedMap<Value>(new Array<ReadonlyMap<string, Value>>(partCount).fill(new Map()));
  }

  get(key: string): Value | undefined {
    return this.#parts[partOf(key)]!.get(key);
  }

  /** `undefined`: taken out. Of changes of one key the last counts. */
  with(changes: Iterable<readonly [key: string, value: Value | undefined]>): SharedMap<Value> {
    const parts = [...this.#parts];
    const copied = new Map<number, Map<string, Value>>();
    for (const [key, value] of changes) {
      const at = partOf(key);
      const part = copied.get(at) ?? new Map(parts[at]);
      copied.set(at, part);
      if (value === undefined) part.delete(key);
      else part.set(key, value);
    }
    for (const [at, part] of copied) parts[at] = part;
    return new SharedMap(parts);
  }

  /** In no order that says anything. */
  *values(): Generator<Value> {
    for (const part of this.#parts) yield* part.values();
  }
}

/** FNV-1a over the key's characters. */
function partOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) & (partCount - 1);
}
