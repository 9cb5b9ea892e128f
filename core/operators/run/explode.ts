// One event for each element of a list: the event without the list, with the element in its place.
import { type ByteSink, createByteSink, writeByte, writeBytes, writeSlice } from '#core/expression/run/byte-sink.ts';
import { ARRAY, createRow, createScanner, MISSING, NULL } from '#core/expression/run/scanner.ts';
import { buildTrie } from '#core/expression/run/trie.ts';
import { limits } from '#core/limits.ts';
import type { OperatorProgram } from '../operator.ts';
import { eachElement } from './json-bytes.ts';
import { createRewrite } from './rewrite.ts';

export interface ExplodeFault {
  readonly code: string;
  readonly message: string;
}

/**
 * Calls `visit` with each event in turn, in bytes that hold until the next, and with the element's place in the list (-1: the
 * list has none). A fault, and then nothing that was visited counts.
 */
export type Explode = (
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (sink: ByteSink, element: number) => boolean,
) => ExplodeFault | null;

const encoder = new TextEncoder();
const nullBytes = encoder.encode('null');

export function createExplode(operator: Extract<OperatorProgram, { kind: 'explode' }>): Explode {
  const { path, as, keepEmpty } = operator;
  const trie = buildTrie([path]);
  const row = createRow(trie.slotCount);
  const slot = trie.slotOf(path);
  const before = path.slice(0, -1).map((_, index) => path.slice(0, index + 1));
  const slotsBefore = before.map((each) => trie.slotOf(each));
  const scan = createScanner(trie, row);
  // A member that already has the element's name would be there twice.
  const withoutList = createRewrite(
    (path.length === 1 && path[0] === as ? [path] : [path, [as]]).map((each) => ({ path: each, edit: null })),
  );
  const sink = createByteSink(1024);
  const label = encoder.encode(`${JSON.stringify(as)}:`);
  return (bytes, start, end, visit) => {
    if (!scan(bytes, start, end)) return row.fault;
    const kind = row.kinds[slot]!;
    const isAbsent = kind === MISSING || kind === NULL;
    if (!isAbsent && kind !== ARRAY) return notList(path);
    // What is in a list has no path of names: its lists would be taken out below, and none of their elements seen.
    const list = kind === MISSING ? slotsBefore.findIndex((each) => row.kinds[each] === ARRAY) : -1;
    if (list >= 0) return throughList(path, before[list]!);
    sink.length = 0;
    withoutList(bytes, start, end, sink);
    sink.length--;
    if (sink.length > 1) writeByte(sink, 0x2c);
    writeBytes(sink, label);
    const lengthBefore = sink.length;
    let count = 0;
    let goesOn = true;
    const element = (place: number, from: Uint8Array, elementStart: number, elementEnd: number): void => {
      if (++count > limits.explodedRecordsMax || !goesOn) return;
      sink.length = lengthBefore;
      writeSlice(sink, from, elementStart, elementEnd);
      writeByte(sink, 0x7d);
      goesOn = visit(sink, place);
    };
    if (!isAbsent)
      eachElement(bytes, row.starts[slot]!, row.ends[slot]!, (from, to) => element(count, bytes, from, to));
    if (count > limits.explodedRecordsMax) return tooMany(path, count);
    if (count === 0 && keepEmpty) element(-1, nullBytes, 0, nullBytes.length);
    return null;
  };
}

const notList = (path: readonly string[]): ExplodeFault => ({
  code: 'not_a_list',
  message: `${path.join('.')} is to be exploded, and is no list in this event`,
});

const throughList = (path: readonly string[], list: readonly string[]): ExplodeFault => ({
  code: 'not_a_list',
  message: `${path.join('.')} is to be exploded, and ${list.join('.')} is a list in this event; explode that one first`,
});

const tooMany = (path: readonly string[], count: number): ExplodeFault => ({
  code: 'program_limit_exceeded',
  message: `${path.join('.')} has ${count} elements; at most ${limits.explodedRecordsMax} become events`,
});
