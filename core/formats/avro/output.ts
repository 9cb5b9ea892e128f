// The primitive values of Avro's binary encoding, written into a growing buffer.
import { type ByteSink, createByteSink, ensureRoom, writeBytes } from '#core/expression/run/byte-sink.ts';

export type Output = ByteSink;
export const createOutput = createByteSink;

/** Zigzag, seven bits a byte; ints are written the same way. */
export function writeLong(output: Output, value: number | bigint): void {
  ensureRoom(output, 10);
  if (typeof value === 'bigint' || value > 0xff_ffff_ffff || value < -0xff_ffff_ffff)
    return void writeWide(output, BigInt(value));
  let raw = value < 0 ? -2 * value - 1 : 2 * value;
  const { bytes } = output;
  while (raw >= 0x4000_0000) {
    bytes[output.length++] = (raw % 128) | 0x80;
    raw = Math.floor(raw / 128);
  }
  let low = raw | 0;
  while (low >= 0x80) {
    bytes[output.length++] = (low & 0x7f) | 0x80;
    low >>>= 7;
  }
  bytes[output.length++] = low;
}

function writeWide(output: Output, value: bigint): void {
  let raw = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  while (raw >= 0x80n) {
    output.bytes[output.length++] = Number(raw & 0x7fn) | 0x80;
    raw >>= 7n;
  }
  output.bytes[output.length++] = Number(raw);
}

const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

export function writeFloat(output: Output, value: number): void {
  scratch.setFloat32(0, value, true);
  writeBytes(output, scratchBytes.subarray(0, 4));
}

export function writeDouble(output: Output, value: number): void {
  scratch.setFloat64(0, value, true);
  writeBytes(output, scratchBytes);
}

/** Behind its length. */
export function writeBlob(output: Output, bytes: Uint8Array): void {
  writeLong(output, bytes.length);
  writeBytes(output, bytes);
}
