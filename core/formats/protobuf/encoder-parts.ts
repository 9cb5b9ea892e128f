// What all writers of messages share: walking over JSON, and bodies behind their lengths.
import { type ByteSink, ensureRoom } from '#core/expression/run/byte-sink.ts';
import { unfit } from '#core/formats/format-fault.ts';
import type { Encoding } from '#core/formats/json-encoding.ts';
import { readText } from '#core/formats/read-json.ts';
import { skipSpace, stringEnd } from '#core/operators/run/json-bytes.ts';
import { writeVarint } from './varint.ts';

/** `visit` gives the offset behind the member's value; gives the offset behind the object `what`. No name comes twice. */
export function eachMember(
  { bytes }: Encoding,
  from: number,
  what: string,
  visit: (name: string, at: number) => number,
): number {
  let next = skipSpace(bytes, from + 1);
  if (bytes[next] === 0x7d) return next + 1;
  const seen = new Set<string>();
  for (;;) {
    const nameEnd = stringEnd(bytes, next);
    const name = readText(bytes, next, nameEnd);
    if (seen.size === seen.add(name).size)
      throw unfit('duplicate_field', `${what || 'the value'}: the event has ${JSON.stringify(name)} twice`);
    next = skipSpace(bytes, visit(name, skipSpace(bytes, skipSpace(bytes, nameEnd) + 1)));
    if (bytes[next] === 0x7d) return next + 1;
    next = skipSpace(bytes, next + 1);
  }
}

/** The same for a list. */
export function eachElementAt({ bytes }: Encoding, from: number, visit: (at: number) => number): number {
  let next = skipSpace(bytes, from + 1);
  if (bytes[next] === 0x5d) return next + 1;
  for (;;) {
    next = skipSpace(bytes, visit(next));
    if (bytes[next] === 0x5d) return next + 1;
    next = skipSpace(bytes, next + 1);
  }
}

/** What `body` writes stands behind its length: it is moved to make room, since the length is known behind it. */
export function withLength(encoding: Encoding, body: () => number): number {
  const { out } = encoding;
  const start = out.length;
  const behind = body();
  const end = out.length;
  if (end - start < 0x80) {
    ensureRoom(out, 1);
    out.bytes.copyWithin(start + 1, start, end);
    out.bytes[start] = end - start;
    out.length = end + 1;
    return behind;
  }
  writeVarint(out, end - start);
  const length = out.bytes.slice(end, out.length);
  out.bytes.copyWithin(start + length.length, start, end);
  out.bytes.set(length, start);
  return behind;
}

export function tagBytes(number: number, wire: number): Uint8Array {
  const out: ByteSink = { bytes: new Uint8Array(10), length: 0 };
  writeVarint(out, number * 8 + wire);
  return out.bytes.slice(0, out.length);
}
