// Writes the select list of one event: bare fields by their own bytes, computed values as JSON.
import type { ExpressionNode, OutputItem } from '../tree.ts';
import { type ByteSink, ensureRoom, writeBytes, writeSlice } from './byte-sink.ts';
import { compile } from './compile.ts';
import { decodeJsonString } from './decode.ts';
import type { CompileScope } from './read.ts';
import { MISSING, type Row } from './scanner.ts';
import { writerOf } from './write.ts';

export interface OutputWriter {
  write(out: ByteSink): void;
  /** Where the value of each item lies in `out` after `write`. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** Writes one item behind what is there; `first` says that nothing is. Gives whether it wrote anything. */
type WriteItem = (out: ByteSink, first: boolean) => boolean;

const encoder = new TextEncoder();
const nullBytes = encoder.encode('null');

export function compileOutput(items: readonly OutputItem[], scope: CompileScope, rootSlot: number): OutputWriter {
  const starts = new Int32Array(items.length);
  const ends = new Int32Array(items.length);
  const names = items.flatMap((item) => (item.kind === 'column' ? [item.name] : []));
  const writers = items.map(
    (item, index): WriteItem =>
      item.kind === 'star'
        ? starWriter(names, scope, rootSlot)
        : columnWriter(item.name, item.node, scope, starts, index),
  );
  const open = Uint8Array.of(0x7b);
  const close = Uint8Array.of(0x7d);
  return {
    starts,
    ends,
    write(out) {
      writeBytes(out, open);
      let first = true;
      for (let index = 0; index < writers.length; index++) {
        if (writers[index]!(out, first)) first = false;
        ends[index] = out.length;
      }
      writeBytes(out, close);
    },
  };
}

/** `"name":` with and without a comma before it, padded so that it can be copied in words. */
interface Label {
  readonly view: DataView;
  readonly length: number;
}

function labelOf(text: string): Label {
  const bytes = encoder.encode(text);
  const padded = new Uint8Array(bytes.length + wordBytes);
  padded.set(bytes);
  return { view: new DataView(padded.buffer), length: bytes.length };
}

function columnWriter(
  name: string,
  node: ExpressionNode,
  scope: CompileScope,
  starts: Int32Array,
  index: number,
): WriteItem {
  const text = `${JSON.stringify(name)}:`;
  const firstLabel = labelOf(text);
  const nextLabel = labelOf(`,${text}`);
  const writeValue = node.kind === 'path' ? copyWriter(scope.row, scope.slotOf(node.path)) : valueWriter(node, scope);
  return (out, first) => {
    const label = first ? firstLabel : nextLabel;
    ensureRoom(out, label.length + wordBytes);
    copyWords(viewOf(out.bytes), out.length, label.view, 0, label.length);
    out.length += label.length;
    starts[index] = out.length;
    writeValue(out);
    return true;
  };
}

function valueWriter(node: ExpressionNode, scope: CompileScope): (out: ByteSink) => void {
  const evaluate = compile(node, scope);
  const write = writerOf(node.type);
  return (out) => {
    const value = evaluate();
    if (value === null) writeBytes(out, nullBytes);
    else write(out, value);
  };
}

/** Below this many bytes copying by words beats a call of `set`. */
const shortRunBytes = 64;

function copyWriter(row: Row, slot: number): (out: ByteSink) => void {
  return (out) => {
    if (row.kinds[slot] === MISSING) {
      writeBytes(out, nullBytes);
      return;
    }
    const start = row.starts[slot]!;
    const end = row.ends[slot]!;
    if (end - start > shortRunBytes || end + wordBytes > row.bytes.length) {
      writeSlice(out, row.bytes, start, end);
      return;
    }
    ensureRoom(out, end - start + wordBytes);
    copyWords(viewOf(out.bytes), out.length, row.view, start, end - start);
    out.length += end - start;
  };
}

const wordBytes = 4;
let viewed = new Uint8Array(0);
let view: DataView = new DataView(viewed.buffer);

/** The last array's view is kept: a sink's array changes only when it grows. */
function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes as Uint8Array<ArrayBuffer>;
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return view;
}

/** Copies up to three bytes more than asked for; both sides have room for them. */
function copyWords(to: DataView, at: number, from: DataView, start: number, count: number): void {
  for (let index = 0; index < count; index += wordBytes)
    to.setInt32(at + index, from.getInt32(start + index, true), true);
}

/** All members of the event as they stand, but for those that a column of the list replaces. */
function starWriter(names: readonly string[], scope: CompileScope, rootSlot: number): WriteItem {
  const { row } = scope;
  const replaced = names.map((name) => scope.slotOf([name]));
  const replacedNames: ReadonlySet<string> = new Set(names);
  return (out, first) => {
    const start = row.starts[rootSlot]! + 1;
    const end = row.ends[rootSlot]! - 1;
    if (replaced.some((slot) => row.kinds[slot] !== MISSING))
      return writeOthers(out, first, row, start, end, replacedNames);
    const [from, to] = trimmed(row.bytes, start, end);
    if (from === to) return false;
    if (!first) writeBytes(out, comma);
    writeSlice(out, row.bytes, from, to);
    return true;
  };
}

const comma = Uint8Array.of(0x2c);

function trimmed(bytes: Uint8Array, start: number, end: number): readonly [number, number] {
  while (start < end && bytes[start]! <= 0x20) start++;
  while (end > start && bytes[end - 1]! <= 0x20) end--;
  return [start, end];
}

/** Member by member, because some are left out. The scanner has checked the bytes. */
function writeOthers(
  out: ByteSink,
  first: boolean,
  row: Row,
  start: number,
  end: number,
  without: ReadonlySet<string>,
): boolean {
  const { bytes } = row;
  let wrote = false;
  for (const member of members(bytes, start, end)) {
    if (without.has(decodeJsonString(bytes, member.start + 1, member.nameEnd - 1, true))) continue;
    if (!first || wrote) writeBytes(out, comma);
    const [from, to] = trimmed(bytes, member.start, member.end);
    writeSlice(out, bytes, from, to);
    wrote = true;
  }
  return wrote;
}

type Member = { readonly start: number; readonly nameEnd: number; readonly end: number };

function* members(bytes: Uint8Array, start: number, end: number): Generator<Member> {
  let at = start;
  while (at < end) {
    while (bytes[at] !== 0x22) at++;
    const from = at;
    const nameEnd = stringEnd(bytes, at);
    at = nameEnd;
    for (let depth = 0; at < end && (depth > 0 || bytes[at] !== 0x2c); ) {
      const byte = bytes[at]!;
      if (byte === 0x22) {
        at = stringEnd(bytes, at);
        continue;
      }
      if (byte === 0x7b || byte === 0x5b) depth++;
      else if (byte === 0x7d || byte === 0x5d) depth--;
      at++;
    }
    yield { start: from, nameEnd, end: at };
    at++;
    while (at < end && bytes[at]! <= 0x20) at++;
  }
}

function stringEnd(bytes: Uint8Array, at: number): number {
  at++;
  while (bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1;
  return at + 1;
}
