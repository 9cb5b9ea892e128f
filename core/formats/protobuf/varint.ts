// Protobuf's varints, read and written; every length is checked before it is believed.
import { type ByteSink, ensureRoom } from '#core/expression/run/byte-sink.ts';
import { malformed, truncated } from '#core/formats/format-fault.ts';
import type { Input } from '#core/formats/input.ts';

/** 64 bits without a sign; a number where it is exact as one. */
export function readVarint(input: Input, end: number): number | bigint {
  const { bytes } = input;
  let { at } = input;
  let low = 0;
  let factor = 1;
  for (let count = 0; count < 7; count++) {
    if (at >= end) throw truncated('a number');
    const byte = bytes[at++]!;
    low += (byte & 0x7f) * factor;
    if (byte < 0x80) {
      input.at = at;
      return low;
    }
    factor *= 128;
  }
  let wide = BigInt(low);
  for (let shift = 49n; shift < 70n; shift += 7n) {
    if (at >= end) throw truncated('a number');
    const byte = bytes[at++]!;
    wide |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) {
      input.at = at;
      wide = BigInt.asUintN(64, wide);
      return wide <= 9_007_199_254_740_991n ? Number(wide) : wide;
    }
  }
  throw malformed('a number has more than 64 bits');
}

/** Of what follows, which lies before `end`. */
export function readLength(input: Input, end: number): number {
  const length = readVarint(input, end);
  if (typeof length === 'bigint' || length > end - input.at) throw truncated('a field');
  return length;
}

/** A number without a sign, or the 64 bits of one with. */
export function writeVarint(out: ByteSink, value: number | bigint): void {
  ensureRoom(out, 10);
  const { bytes } = out;
  if (typeof value === 'number' && value >= 0 && value < 0x8000_0000) {
    let low = value;
    for (; low >= 0x80; low >>>= 7) bytes[out.length++] = (low & 0x7f) | 0x80;
    bytes[out.length++] = low;
    return;
  }
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes[out.length++] = Number(rest & 0x7fn) | 0x80;
  bytes[out.length++] = Number(rest);
}

export const zigzag = (value: number | bigint): bigint => {
  const wide = BigInt(value);
  return BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n));
};
