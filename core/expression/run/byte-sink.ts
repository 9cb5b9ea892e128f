// A growable buffer for output bytes, reused across records.

/** Bytes `[0, length)` are written; the array behind may be replaced when it grows. */
export interface ByteSink {
  bytes: Uint8Array;
  length: number;
}

export function createByteSink(initialBytes: number): ByteSink {
  return { bytes: new Uint8Array(initialBytes), length: 0 };
}

/** Makes sure that `count` more bytes fit. */
export function ensureRoom(sink: ByteSink, count: number): void {
  const needed = sink.length + count;
  if (needed <= sink.bytes.length) return;
  const grown = new Uint8Array(Math.max(needed, sink.bytes.length * 2));
  grown.set(sink.bytes.subarray(0, sink.length));
  sink.bytes = grown;
}

/** Short runs are copied by hand: below this a call of `set` costs more than the loop. */
const shortRunBytes = 48;

export function writeSlice(sink: ByteSink, from: Uint8Array, start: number, end: number): void {
  const count = end - start;
  ensureRoom(sink, count);
  const { bytes, length } = sink;
  if (count <= shortRunBytes) {
    for (let index = 0; index < count; index++) bytes[length + index] = from[start + index]!;
  } else {
    bytes.set(from.subarray(start, end), length);
  }
  sink.length = length + count;
}

export function writeByte(sink: ByteSink, byte: number): void {
  ensureRoom(sink, 1);
  sink.bytes[sink.length++] = byte;
}

export function writeBytes(sink: ByteSink, from: Uint8Array): void {
  writeSlice(sink, from, 0, from.length);
}

const encoder = new TextEncoder();

/** Text as UTF-8; ASCII, the usual case, without the encoder. */
export function writeText(sink: ByteSink, text: string): void {
  ensureRoom(sink, text.length * 3);
  const { bytes } = sink;
  let at = sink.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) {
      at += encoder.encodeInto(text.slice(index), bytes.subarray(at)).written;
      break;
    }
    bytes[at++] = unit;
  }
  sink.length = at;
}

/** Text as a JSON string literal. */
export function writeJsonText(sink: ByteSink, text: string): void {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || unit >= 0xd800) {
      writeText(sink, JSON.stringify(text));
      return;
    }
  }
  ensureRoom(sink, text.length * 3 + 2);
  sink.bytes[sink.length++] = 0x22;
  writeText(sink, text);
  sink.bytes[sink.length++] = 0x22;
}
