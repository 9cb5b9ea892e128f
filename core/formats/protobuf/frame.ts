// Where the values of one message's fields lie: each field's occurrences in their order, as offsets, without an object a field.

export class Frame {
  /** By field: its first occurrence; -1: there is none. */
  readonly heads: Int32Array;
  readonly #tails: Int32Array;
  /** By group of alternatives: the field of it that was there last. */
  readonly #chosen = new Map<number, number>();
  /** By occurrence. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly wires: number[] = [];
  /** The next of the same field; -1: it is the last. */
  readonly nexts: number[] = [];
  #count = 0;

  constructor(fieldCount: number) {
    this.heads = new Int32Array(fieldCount);
    this.#tails = new Int32Array(fieldCount);
  }

  clear(): void {
    this.heads.fill(-1);
    this.#count = 0;
    if (this.#chosen.size > 0) this.#chosen.clear();
  }

  add(field: number, start: number, end: number, wire: number): void {
    const at = this.#count++;
    this.starts[at] = start;
    this.ends[at] = end;
    this.wires[at] = wire;
    this.nexts[at] = -1;
    if (this.heads[field]! < 0) this.heads[field] = at;
    else this.nexts[this.#tails[field]!] = at;
    this.#tails[field] = at;
  }

  /** Of alternatives only the last counts. */
  choose(oneof: number, field: number): void {
    const before = this.#chosen.get(oneof);
    if (before !== undefined && before !== field) this.heads[before] = -1;
    this.#chosen.set(oneof, field);
  }

  last(first: number): number {
    let at = first;
    while (this.nexts[at]! >= 0) at = this.nexts[at]!;
    return at;
  }
}
