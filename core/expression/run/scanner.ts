// One pass over an event's bytes: checks that it is one JSON object in UTF-8 (RFC 8259) and notes where the wanted values lie.
import { limits } from '../../limits.ts';
import { decodeJsonString } from './decode.ts';
import { createPlace, type ExpectedMember, MemberMemory, type ObjectPlace, standsAt } from './expected-members.ts';
import { memberByBytes, memberByName, type Trie, type TrieNode } from './trie.ts';

/** What a slot holds. 0 = the path is not in the event. */
export const MISSING = 0;
export const STRING = 1;
/** A string whose bytes contain a backslash escape. */
export const ESCAPED = 2;
export const NUMBER = 3;
export const TRUE = 4;
export const FALSE = 5;
export const NULL = 6;
export const OBJECT = 7;
export const ARRAY = 8;

/** Where the values of one event lie, by slot; offsets are absolute in `bytes`, strings include their quotes. */
export interface Row {
  bytes: Uint8Array;
  /** Over `bytes`. */
  view: DataView;
  readonly kinds: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Comparisons (and uses) of a dynamic value as a type that it does not have. */
  mismatchCount: number;
  fault: { code: 'malformed_json' | 'not_utf8'; message: string } | null;
}

export function createRow(slotCount: number): Row {
  return {
    bytes: new Uint8Array(0),
    view: new DataView(new ArrayBuffer(0)),
    kinds: new Uint8Array(slotCount),
    starts: new Int32Array(slotCount),
    ends: new Int32Array(slotCount),
    mismatchCount: 0,
    fault: null,
  };
}

const depthMax = limits.recordDepthMax;

/** What a byte is inside a string: 0 plain, 1 quote, 2 backslash, 3 control character, 4 part of a longer character. */
const inString = new Uint8Array(256);
inString.fill(3, 0, 0x20);
inString.fill(4, 0x80);
inString[0x22] = 1;
inString[0x5c] = 2;

/** Scans `bytes[start, end)`; false with `row.fault` set when it is not one JSON object. */
export function createScanner(trie: Trie, row: Row): (bytes: Uint8Array, start: number, end: number) => boolean {
  const state: Scan = {
    row,
    end: 0,
    stringKind: STRING,
    child: null,
    isPlainLabel: false,
    memory: new MemberMemory(),
  };
  const place = createPlace();
  return (bytes, start, end) => {
    for (let slot = 0; slot < row.kinds.length; slot++) row.kinds[slot] = MISSING;
    if (row.bytes !== bytes) row.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    row.bytes = bytes;
    row.fault = null;
    state.end = end;
    const open = skipSpace(bytes, start, end);
    if (open >= end) return failEmpty(row);
    if (bytes[open] !== 0x7b) return malformed(state, open, start, 'an event is one JSON object');
    const close = scanObject(state, bytes, open, trie.root, place, 1);
    if (close < 0) return explain(state, ~close, start);
    note(row, trie.root.slot, OBJECT, open, close);
    const rest = skipSpace(bytes, close, end);
    return rest === end || malformed(state, rest, start, 'nothing may follow the object');
  };
}

interface Scan {
  readonly row: Row;
  end: number;
  /** Of the string scanned last. */
  stringKind: number;
  /** Of the label scanned last: what is wanted below it, and whether it is a name without escapes, then the colon. */
  child: TrieNode | null;
  isPlainLabel: boolean;
  readonly memory: MemberMemory;
}

function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const byte = bytes[at]!;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return at;
    at++;
  }
  return at;
}

function note(row: Row, slot: number, kind: number, start: number, end: number): void {
  row.kinds[slot] = kind;
  row.starts[slot] = start;
  row.ends[slot] = end;
}

/*
 * The scan functions take the offset of a value's first byte and give the offset behind it, or the complement (~) of the
 * offset where the text stops being JSON.
 */

function scanValue(
  scan: Scan,
  bytes: Uint8Array,
  at: number,
  node: TrieNode | null,
  place: ObjectPlace | null,
  depth: number,
): number {
  const start = at;
  let kind: number;
  let end: number;
  switch (at < scan.end ? bytes[at] : 0) {
    case 0x22:
      end = scanString(scan, bytes, at);
      kind = scan.stringKind;
      break;
    case 0x7b:
      end = scanObject(scan, bytes, at, node, place, depth + 1);
      kind = OBJECT;
      break;
    case 0x5b:
      end = scanArray(scan, bytes, at, node, place, depth + 1);
      kind = ARRAY;
      break;
    case 0x74:
      end = endsWord(bytes, at, scan.end, 0x72, 0x75, 0x65) ? at + 4 : ~at;
      kind = TRUE;
      break;
    case 0x66:
      end = bytes[at + 1] === 0x61 && endsWord(bytes, at + 1, scan.end, 0x6c, 0x73, 0x65) ? at + 5 : ~at;
      kind = FALSE;
      break;
    case 0x6e:
      end = endsWord(bytes, at, scan.end, 0x75, 0x6c, 0x6c) ? at + 4 : ~at;
      kind = NULL;
      break;
    default:
      end = scanNumber(bytes, at, scan.end);
      kind = NUMBER;
  }
  if (node !== null && end >= 0) note(scan.row, node.slot, kind, start, end);
  return end;
}

function scanObject(
  scan: Scan,
  bytes: Uint8Array,
  at: number,
  node: TrieNode | null,
  place: ObjectPlace | null,
  depth: number,
): number {
  const end = scan.end;
  if (depth > depthMax) return ~at;
  const { view } = scan.row;
  const wanted = node?.hasMembers ? node : null;
  let expected = place === null ? null : place.first;
  let before: ExpectedMember | null = null;
  at = skipSpace(bytes, at + 1, end);
  if (at < end && bytes[at] === 0x7d) return at + 1;
  for (;;) {
    let member = expected;
    // One that is left out is passed over; after one that is new the same is expected again.
    if (member !== null && !standsAt(member, view, at, end))
      member = member.next !== null && standsAt(member.next, view, at, end) ? member.next : null;
    let child: TrieNode | null;
    if (member !== null) {
      at += member.length;
      child = member.child;
      if (child !== null) forgetRepeated(scan.row, child);
      place!.hitCount++;
      expected = member.next;
    } else {
      const labelStart = at;
      at = scanLabel(scan, bytes, at, wanted);
      if (at < 0) return at;
      child = scan.child;
      if (place !== null) {
        if (expected !== null) scan.memory.miss(place);
        else if (scan.isPlainLabel) member = scan.memory.learn(place, before, bytes.subarray(labelStart, at), child);
      }
    }
    if (member !== null) before = member;
    if (at < end && bytes[at]! <= 0x20) at = skipSpace(bytes, at, end);
    at = scanValue(scan, bytes, at, child, member === null ? null : member.inside, depth);
    if (at < 0) return at;
    if (at < end && bytes[at]! <= 0x20) at = skipSpace(bytes, at, end);
    if (at >= end) return ~at;
    const next = bytes[at]!;
    if (next === 0x7d) return at + 1;
    if (next !== 0x2c) return ~at;
    at++;
    if (at < end && bytes[at]! <= 0x20) at = skipSpace(bytes, at, end);
  }
}

/** A name and its colon; leaves what is wanted below it in `scan.child`. */
function scanLabel(scan: Scan, bytes: Uint8Array, at: number, wanted: TrieNode | null): number {
  const { end } = scan;
  if (at >= end || bytes[at] !== 0x22) return ~at;
  const nameStart = at + 1;
  at = scanString(scan, bytes, at);
  if (at < 0) return at;
  scan.isPlainLabel = scan.stringKind === STRING && at < end && bytes[at] === 0x3a;
  scan.child = wanted === null ? null : findMember(scan, wanted, bytes, nameStart, at - 1);
  if (!scan.isPlainLabel) at = skipSpace(bytes, at, end);
  return at < end && bytes[at] === 0x3a ? at + 1 : ~at;
}

function findMember(scan: Scan, node: TrieNode, bytes: Uint8Array, start: number, end: number): TrieNode | null {
  const child =
    scan.stringKind === STRING
      ? memberByBytes(node, bytes, start, end)
      : memberByName(node, decodeJsonString(bytes, start, end, true));
  if (child !== null) forgetRepeated(scan.row, child);
  return child;
}

/** The last of repeated keys wins, so whatever an earlier one left below this place is forgotten. */
function forgetRepeated(row: Row, child: TrieNode): void {
  if (row.kinds[child.slot] !== MISSING) row.kinds.fill(MISSING, child.slot, child.slotEnd);
}

function scanArray(
  scan: Scan,
  bytes: Uint8Array,
  at: number,
  node: TrieNode | null,
  place: ObjectPlace | null,
  depth: number,
): number {
  const end = scan.end;
  if (depth > depthMax) return ~at;
  const elements = node !== null && node.elements.size > 0 ? node.elements : null;
  // Elements share a place; they may only where nothing is wanted below it, whichever element or object it is.
  const shared = node === null || (elements === null && !node.hasMembers) ? place : null;
  at = skipSpace(bytes, at + 1, end);
  if (at < end && bytes[at] === 0x5d) return at + 1;
  for (let index = 0; ; index++) {
    const child = elements === null ? null : (elements.get(index) ?? null);
    at = scanValue(scan, bytes, at, child, shared, depth);
    if (at < 0) return at;
    if (at < end && bytes[at]! <= 0x20) at = skipSpace(bytes, at, end);
    if (at >= end) return ~at;
    const next = bytes[at]!;
    if (next === 0x5d) return at + 1;
    if (next !== 0x2c) return ~at;
    at = skipSpace(bytes, at + 1, end);
  }
}

function scanString(scan: Scan, bytes: Uint8Array, at: number): number {
  const end = scan.end;
  scan.stringKind = STRING;
  at++;
  const { view } = scan.row;
  for (;;) {
    // Four bytes at a time while all are plain ASCII: each term has a high bit where a byte is none, or is one of the others.
    // A borrow only ever marks bytes above the first that is meant, so that one's place is exact.
    let marks = 0;
    while (at + 4 <= end) {
      const four = view.getInt32(at, true);
      const quotes = (four ^ 0x22222222) - 0x01010101;
      const backslashes = (four ^ 0x5c5c5c5c) - 0x01010101;
      marks = (four | quotes | backslashes | (four - 0x20202020)) & 0x80808080;
      if (marks !== 0) break;
      at += 4;
    }
    if (marks !== 0) at += (31 - Math.clz32(marks & -marks)) >> 3;
    else while (at < end && inString[bytes[at]!] === 0) at++;
    if (at >= end) return ~at;
    const kind = inString[bytes[at]!];
    if (kind === 1) return at + 1;
    if (kind === 2) {
      scan.stringKind = ESCAPED;
      at = scanEscape(bytes, at, end);
    } else if (kind === 4) at = scanCharacter(bytes, at, end);
    else return ~at;
    if (at < 0) return at;
  }
}

function scanEscape(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return ~at;
  switch (bytes[at + 1]) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 2;
    case 0x75: {
      const unit = hexUnit(bytes, at + 2, end);
      if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return ~at;
      if (unit < 0xd800 || unit > 0xdbff) return at + 6;
      if (at + 7 >= end || bytes[at + 6] !== 0x5c || bytes[at + 7] !== 0x75) return ~at;
      const low = hexUnit(bytes, at + 8, end);
      return low >= 0xdc00 && low <= 0xdfff ? at + 12 : ~at;
    }
    default:
      return ~at;
  }
}

export function hexUnit(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return -1;
  let unit = 0;
  for (let index = 0; index < 4; index++) {
    const byte = bytes[at + index]!;
    const lower = byte | 0x20;
    const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

/** One character of two to four bytes: no overlong form, no surrogate, nothing above U+10FFFF. */
function scanCharacter(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!;
  const more = lead >= 0xc2 && lead <= 0xdf ? 1 : (lead & 0xf0) === 0xe0 ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
  if (more === 0 || at + more >= end) return ~at;
  const second = bytes[at + 1]!;
  if (lead === 0xe0 && second < 0xa0) return ~at;
  if (lead === 0xed && second > 0x9f) return ~at;
  if (lead === 0xf0 && second < 0x90) return ~at;
  if (lead === 0xf4 && second > 0x8f) return ~at;
  for (let index = 1; index <= more; index++) if ((bytes[at + index]! & 0xc0) !== 0x80) return ~at;
  return at + more + 1;
}

/** Whether the three given bytes stand behind `at`, and no further than the end. */
function endsWord(bytes: Uint8Array, at: number, end: number, second: number, third: number, fourth: number): boolean {
  return at + 4 <= end && bytes[at + 1] === second && bytes[at + 2] === third && bytes[at + 3] === fourth;
}

function scanNumber(bytes: Uint8Array, at: number, end: number): number {
  const start = at;
  if (at < end && bytes[at] === 0x2d) at++;
  if (at < end && bytes[at] === 0x30) at++;
  else {
    const first = at;
    at = skipDigits(bytes, at, end);
    if (at === first) return ~start;
  }
  if (at < end && bytes[at] === 0x2e) {
    const first = at + 1;
    at = skipDigits(bytes, first, end);
    if (at === first) return ~at;
  }
  if (at < end && (bytes[at]! | 0x20) === 0x65) {
    at++;
    if (at < end && (bytes[at] === 0x2b || bytes[at] === 0x2d)) at++;
    const first = at;
    at = skipDigits(bytes, first, end);
    if (at === first) return ~at;
  }
  return at;
}

function skipDigits(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++;
  return at;
}

function failEmpty(row: Row): false {
  row.fault = { code: 'malformed_json', message: 'the event is empty; it must be one JSON object' };
  return false;
}

function malformed(scan: Scan, at: number, start: number, why: string): false {
  scan.row.fault = { code: 'malformed_json', message: `not JSON at byte ${at - start}: ${why}` };
  return false;
}

/** Says what stopped the scan; only reached for bad events, so it may look at them again. */
function explain(scan: Scan, at: number, start: number): false {
  const { bytes } = scan.row;
  if (at >= scan.end) return malformed(scan, at, start, 'it ends too early');
  const byte = bytes[at]!;
  if (byte >= 0x80) {
    scan.row.fault = { code: 'not_utf8', message: `not UTF-8 at byte ${at - start}: 0x${byte.toString(16)}` };
    if (scanCharacter(bytes, at, scan.end) > 0) return malformed(scan, at, start, 'unexpected character');
    return false;
  }
  if (byte < 0x20)
    return malformed(scan, at, start, `unescaped control character 0x${byte.toString(16).padStart(2, '0')}`);
  if (byte === 0x5c) return malformed(scan, at, start, 'invalid escape');
  const tooDeep = byte === 0x7b || byte === 0x5b;
  if (tooDeep)
    return malformed(scan, at, start, `deeper than ${limits.recordDepthMax} levels, or an unexpected bracket`);
  return malformed(scan, at, start, `unexpected "${String.fromCharCode(byte)}"`);
}
