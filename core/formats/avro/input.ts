// The primitive values of Avro's binary encoding, read in place; every length is checked before it is believed.
import { malformed, truncated } from '#core/formats/format-fault.ts';
import type { Input } from '#core/formats/input.ts';

export function readInt(input: Input): number {
  const { bytes, end } = input;
  let { at } = input;
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    if (at >= end) throw truncated('an int');
    const byte = bytes[at++]!;
    value |= (byte & 0x7f) << shift;
    if (shift === 28 && (byte & 0x70) !== 0) break;
    if (byte < 0x80) {
      input.at = at;
      return (value >>> 1) ^ -(value & 1);
    }
  }
  throw malformed('an int has more than 32 bits');
}

/** Of the last long read: its value where it fits 53 bits, else null and `wide` holds it. */
export function readLong(input: Input): number | bigint {
  const { bytes, end } = input;
  let { at } = input;
  let low = 0;
  let factor = 1;
  for (let count = 0; count < 7; count++) {
    if (at >= end) throw truncated('a long');
    const byte = bytes[at++]!;
    low += (byte & 0x7f) * factor;
    if (byte < 0x80) {
      input.at = at;
      // Up to 49 bits: the zigzag is undone in doubles.
      return low % 2 === 0 ? low / 2 : -(low + 1) / 2;
    }
    factor *= 128;
  }
  return readWide(input, at, BigInt(low));
}

function readWide(input: Input, at: number, low: bigint): number | bigint {
  let raw = low;
  for (let shift = 49n; shift < 70n; shift += 7n) {
    if (at >= input.end) throw truncated('a long');
    const byte = input.bytes[at++]!;
    raw |= BigInt(byte & 0x7f) << shift;
    if (shift === 63n && byte > 1) break;
    if (byte < 0x80) {
      input.at = at;
      const value = (raw >> 1n) ^ -(raw & 1n);
      return value >= -9_007_199_254_740_991n && value <= 9_007_199_254_740_991n ? Number(value) : value;
    }
  }
  throw malformed('a long has more than 64 bits');
}

/** A length in bytes of what follows. */
export function readLength(input: Input, what: string): number {
  const length = readLong(input);
  if (typeof length === 'bigint' || length < 0) throw malformed(`${what} has the length ${length}`);
  if (length > input.end - input.at) throw truncated(what);
  return length;
}

/** Calls `item` for each element of an array or map: blocks with a count, until one of none. */
export function eachItem(input: Input, item: (input: Input) => void): void {
  for (;;) {
    let count = readLong(input);
    if (count === 0) return;
    if (count < 0) {
      count = -count;
      readLong(input);
    }
    if (typeof count === 'bigint') throw malformed(`a block has ${count} items`);
    for (let index = 0; index < count; index++) item(input);
  }
}
