// What the scanner expects next inside an object: producers write the same names in the same order, again and again.
import type { TrieNode } from './trie.ts';

/** A member as the events before had it at its place: found by a few comparisons of words instead of a scan and a search. */
export interface ExpectedMember {
  /** `"name":` in words of four bytes, little endian; the last one under `lastMask`. */
  readonly words: Int32Array;
  readonly lastMask: number;
  readonly length: number;
  readonly child: TrieNode | null;
  next: ExpectedMember | null;
  /** Of the objects that are, or are in, its value. */
  readonly inside: ObjectPlace;
}

/** A place in an event where objects stand, and the members that were first seen there. */
export interface ObjectPlace {
  first: ExpectedMember | null;
  hitCount: number;
  missCount: number;
}

/** Of all places of one scanner; beyond them members are scanned as they come. */
const membersMax = 4_096;
const labelBytesMax = 64;
/** So many names that were not expected, and more than those that were: what was learned is no longer true. */
const forgetsAfter = 1_024;

export const createPlace = (): ObjectPlace => ({ first: null, hitCount: 0, missCount: 0 });

/** Whether the member's label stands at `at`. Reads whole words, so it says no near the end. */
export function standsAt(member: ExpectedMember, view: DataView, at: number, end: number): boolean {
  const { words } = member;
  const last = words.length - 1;
  if (at + words.length * 4 > end) return false;
  for (let index = 0; index < last; index++) if (view.getInt32(at + index * 4, true) !== words[index]) return false;
  return ((view.getInt32(at + last * 4, true) ^ words[last]!) & member.lastMask) === 0;
}

export class MemberMemory {
  #left = membersMax;

  /** Notes a label without escapes that came behind `before` where nothing was expected; null when there is no room. */
  learn(
    place: ObjectPlace,
    before: ExpectedMember | null,
    label: Uint8Array,
    child: TrieNode | null,
  ): ExpectedMember | null {
    const { length } = label;
    if (this.#left === 0 || length > labelBytesMax) return null;
    this.#left--;
    const padded = new Uint8Array(Math.ceil(length / 4) * 4);
    padded.set(label);
    const view = new DataView(padded.buffer);
    const words = Int32Array.from({ length: padded.length / 4 }, (_, index) => view.getInt32(index * 4, true));
    const lastMask = length % 4 === 0 ? -1 : (1 << ((length % 4) * 8)) - 1;
    const member = { words, lastMask, length, child, next: null, inside: createPlace() };
    if (before === null) place.first = member;
    else before.next = member;
    return member;
  }

  /** A name that was not expected. Members that are mostly wrong make room for what comes now. */
  miss(place: ObjectPlace): void {
    if (++place.missCount < forgetsAfter) return;
    if (place.missCount > place.hitCount) place.first = null;
    place.missCount = 0;
    place.hitCount = 0;
  }
}
