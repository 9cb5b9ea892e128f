// Values as JSON bytes, without a text in between where that can be: what decoders write with.
import {
  type ByteSink,
  ensureRoom,
  writeByte,
  writeJsonText,
  writeSlice,
  writeText,
} from '#core/expression/run/byte-sink.ts';
import { formatDouble, formatReal } from '#core/expression/values/float.ts';
import { malformed } from '#core/formats/format-fault.ts';
import { limits } from '#core/limits.ts';

const quote = 0x22;
const hex = new TextEncoder().encode('0123456789abcdef');

/** Bytes that a JSON string may not hold as they are. */
const escaped = new Uint8Array(256);
escaped.fill(1, 0, 0x20);
escaped[quote] = 1;
escaped[0x5c] = 1;

/** UTF-8 bytes as a JSON string. That they are UTF-8 is left to whoever reads the JSON. */
export function writeJsonString(out: ByteSink, from: Uint8Array, start: number, end: number): void {
  ensureRoom(out, end - start + 2);
  writeByte(out, quote);
  let plainFrom = start;
  for (let at = start; at < end; at++) {
    if (escaped[from[at]!] === 0) continue;
    writeSlice(out, from, plainFrom, at);
    writeEscape(out, from[at]!);
    plainFrom = at + 1;
  }
  writeSlice(out, from, plainFrom, end);
  writeByte(out, quote);
}

function writeEscape(out: ByteSink, byte: number): void {
  writeByte(out, 0x5c);
  if (byte === quote || byte === 0x5c) return void writeByte(out, byte);
  writeText(out, 'u00');
  writeByte(out, hex[byte >> 4]!);
  writeByte(out, hex[byte & 15]!);
}

/** A whole number of at most 53 bits. */
export function writeInteger(out: ByteSink, value: number): void {
  ensureRoom(out, 20);
  if (value < 0) {
    out.bytes[out.length++] = 0x2d;
    value = -value;
  }
  if (value < 10) {
    out.bytes[out.length++] = 0x30 + value;
    return;
  }
  let digits = 2;
  for (let bound = 100; value >= bound && digits < 16; bound *= 10) digits++;
  const { bytes } = out;
  let at = out.length + digits;
  out.length = at;
  while (value >= 0x4000_0000) {
    const rest = Math.floor(value / 10);
    bytes[--at] = 0x30 + (value - rest * 10);
    value = rest;
  }
  for (let left = value | 0; at > out.length - digits; ) {
    const rest = (left / 10) | 0;
    bytes[--at] = 0x30 + (left - rest * 10);
    left = rest;
  }
}

/** What is not finite travels as text, since JSON has no word for it. */
export function writeDouble(out: ByteSink, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) writeInteger(out, value);
  else if (isPlain(value, 1e15)) writeText(out, String(value));
  else if (Number.isFinite(value)) writeText(out, formatDouble(value));
  else writeJsonText(out, formatDouble(value));
}

/** Between these bounds the shortest digits are laid out without an exponent, here as there. */
const isPlain = (value: number, below: number): boolean => {
  const size = Math.abs(value);
  return size >= 1e-4 && size < below;
};

export function writeFloat(out: ByteSink, value: number): void {
  // Six digits name a float by themselves: where they are the value, no fewer are.
  if (isPlain(value, 1e6)) {
    const short = Number(value.toPrecision(6));
    if (short === value) return void writeText(out, String(short));
  }
  if (Number.isFinite(value)) writeText(out, formatReal(value));
  else writeJsonText(out, formatReal(value));
}

const alphabet = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

export function writeBase64(out: ByteSink, from: Uint8Array, start: number, end: number): void {
  ensureRoom(out, Math.ceil((end - start) / 3) * 4 + 2);
  const { bytes } = out;
  let to = out.length;
  bytes[to++] = quote;
  for (let at = start; at < end; at += 3) {
    const left = end - at;
    const word = (from[at]! << 16) | ((left > 1 ? from[at + 1]! : 0) << 8) | (left > 2 ? from[at + 2]! : 0);
    bytes[to++] = alphabet[word >> 18]!;
    bytes[to++] = alphabet[(word >> 12) & 63]!;
    bytes[to++] = left > 1 ? alphabet[(word >> 6) & 63]! : 0x3d;
    bytes[to++] = left > 2 ? alphabet[word & 63]! : 0x3d;
  }
  bytes[to++] = quote;
  out.length = to;
}

/** What one record becomes is bounded, however little of it there is on the wire. */
export function checkSize(out: ByteSink): void {
  if (out.length > limits.decodedBytesMax)
    throw malformed(`the value becomes more than ${limits.decodedBytesMax} bytes of JSON`);
}

/** `"name":`, ready to be copied. */
export const labelOf = (name: string): Uint8Array => new TextEncoder().encode(`${JSON.stringify(name)}:`);
