// The paths that a program reads, as a tree that the scanner walks along while it reads an event.
import type { Step } from '../tree.ts';

/**
 * One place in an event. Slots are numbered depth first, so a place and all below it are `[slot, slotEnd)`:
 * a repeated key forgets what the earlier one held by clearing that range.
 */
export interface TrieNode {
  readonly slot: number;
  slotEnd: number;
  /** Members by the length of their name in bytes. */
  readonly members: (TrieMember[] | undefined)[];
  hasMembers: boolean;
  /** Elements by 0-based index. */
  readonly elements: Map<number, TrieNode>;
}

export interface TrieMember {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly node: TrieNode;
}

export interface Trie {
  readonly root: TrieNode;
  readonly slotCount: number;
  slotOf(path: readonly Step[]): number;
}

type Draft = { readonly members: Map<string, Draft>; readonly elements: Map<number, Draft> };

const encoder = new TextEncoder();

export function buildTrie(paths: readonly (readonly Step[])[]): Trie {
  const top: Draft = { members: new Map(), elements: new Map() };
  for (const path of paths) {
    let draft = top;
    for (const step of path) {
      const next = childOf(draft, step) ?? { members: new Map(), elements: new Map() };
      if (typeof step === 'string') draft.members.set(step, next);
      else draft.elements.set(step, next);
      draft = next;
    }
  }
  const counter = { next: 0 };
  const slots = new Map<Draft, number>();
  const root = freeze(top, counter, slots);
  return {
    root,
    slotCount: counter.next,
    slotOf(path) {
      let draft: Draft = top;
      for (const step of path) draft = childOf(draft, step)!;
      return slots.get(draft)!;
    },
  };
}

function childOf(draft: Draft, step: Step): Draft | undefined {
  return typeof step === 'string' ? draft.members.get(step) : draft.elements.get(step);
}

function freeze(draft: Draft, counter: { next: number }, slots: Map<Draft, number>): TrieNode {
  const slot = counter.next++;
  slots.set(draft, slot);
  const members: (TrieMember[] | undefined)[] = [];
  for (const [name, child] of draft.members) {
    const nameBytes = encoder.encode(name);
    const member = { name, nameBytes, node: freeze(child, counter, slots) };
    const sameLength = members[nameBytes.length];
    if (sameLength === undefined) members[nameBytes.length] = [member];
    else sameLength.push(member);
  }
  for (let length = 0; length < members.length; length++) members[length] ??= undefined;
  const elements = new Map<number, TrieNode>();
  for (const [index, child] of draft.elements) elements.set(index, freeze(child, counter, slots));
  return { slot, slotEnd: counter.next, members, hasMembers: draft.members.size > 0, elements };
}

export function memberByBytes(node: TrieNode, bytes: Uint8Array, start: number, end: number): TrieNode | null {
  const length = end - start;
  if (length >= node.members.length) return null;
  const candidates = node.members[length];
  if (candidates === undefined) return null;
  next: for (let index = 0; index < candidates.length; index++) {
    const { nameBytes } = candidates[index]!;
    for (let at = 0; at < length; at++) {
      if (nameBytes[at] !== bytes[start + at]) continue next;
    }
    return candidates[index]!.node;
  }
  return null;
}

/** For names written with escapes, which are rare. */
export function memberByName(node: TrieNode, name: string): TrieNode | null {
  for (const candidates of node.members) {
    for (const member of candidates ?? []) if (member.name === name) return member.node;
  }
  return null;
}
