// Copies an event with some of its members changed or taken out. Every occurrence counts: repeated keys, keys written with
// escapes, and members of objects that stand in lists, so that nothing that shall be hidden slips through.
import { type ByteSink, writeByte, writeSlice } from '#core/expression/run/byte-sink.ts';
import { decodeJsonString } from '#core/expression/run/decode.ts';
import { buildTrie, memberByBytes, memberByName, type TrieNode } from '#core/expression/run/trie.ts';
import { eachElement, hasEscape, skipSpace, stringEnd, valueEnd } from './json-bytes.ts';

/** Writes what stands in place of the value `bytes[start, end)`; null takes the member out. */
export type Edit = ((bytes: Uint8Array, start: number, end: number, out: ByteSink) => void) | null;

/** Appends the event, one well-formed JSON object, as edited. */
export type Rewrite = (bytes: Uint8Array, start: number, end: number, out: ByteSink) => void;

export function createRewrite(edits: readonly { readonly path: readonly string[]; readonly edit: Edit }[]): Rewrite {
  const trie = buildTrie(edits.map(({ path }) => path));
  const bySlot = new Map(edits.map(({ path, edit }) => [trie.slotOf(path), edit]));
  const walk = new Walk(bySlot);
  return (bytes, start, end, out) => walk.value(bytes, skipSpace(bytes, start), end, trie.root, out);
}

const comma = 0x2c;

class Walk {
  readonly #edits: ReadonlyMap<number, Edit>;

  constructor(edits: ReadonlyMap<number, Edit>) {
    this.#edits = edits;
  }

  /** Gives the offset behind the value. */
  value(bytes: Uint8Array, at: number, end: number, node: TrieNode, out: ByteSink): number {
    if (bytes[at] === 0x7b) return this.#object(bytes, at, end, node, out);
    if (bytes[at] === 0x5b) return this.#list(bytes, at, end, node, out);
    const last = valueEnd(bytes, at, end);
    writeSlice(out, bytes, at, last);
    return last;
  }

  #list(bytes: Uint8Array, at: number, end: number, node: TrieNode, out: ByteSink): number {
    let first = true;
    writeByte(out, 0x5b);
    const last = eachElement(bytes, at, end, (start, elementEnd) => {
      if (!first) writeByte(out, comma);
      first = false;
      this.value(bytes, start, elementEnd, node, out);
    });
    writeByte(out, 0x5d);
    return last;
  }

  #object(bytes: Uint8Array, at: number, end: number, node: TrieNode, out: ByteSink): number {
    writeByte(out, 0x7b);
    let isFirst = true;
    at = skipSpace(bytes, at + 1);
    while (bytes[at] !== 0x7d) {
      const nameEnd = stringEnd(bytes, at);
      const start = skipSpace(bytes, skipSpace(bytes, nameEnd) + 1);
      const child = childNamed(node, bytes, at + 1, nameEnd - 1);
      let last: number;
      if (child !== null && this.#edits.get(child.slot) === null) last = valueEnd(bytes, start, end);
      else {
        if (!isFirst) writeByte(out, comma);
        isFirst = false;
        last = this.#member(bytes, at, nameEnd, start, end, child, out);
      }
      at = skipSpace(bytes, last);
      if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
    }
    writeByte(out, 0x7d);
    return at + 1;
  }

  #member(
    bytes: Uint8Array,
    at: number,
    nameEnd: number,
    start: number,
    end: number,
    child: TrieNode | null,
    out: ByteSink,
  ): number {
    if (child === null) {
      const last = valueEnd(bytes, start, end);
      writeSlice(out, bytes, at, last);
      return last;
    }
    writeSlice(out, bytes, at, nameEnd);
    writeByte(out, 0x3a);
    const edit = this.#edits.get(child.slot);
    if (!edit) return this.value(bytes, start, end, child, out);
    const last = valueEnd(bytes, start, end);
    edit(bytes, start, last, out);
    return last;
  }
}

function childNamed(node: TrieNode, bytes: Uint8Array, start: number, end: number): TrieNode | null {
  return hasEscape(bytes, start, end)
    ? memberByName(node, decodeJsonString(bytes, start, end, true))
    : memberByBytes(node, bytes, start, end);
}
