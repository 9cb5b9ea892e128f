// Kafka's variable-length and 64-bit integers, read and written at offsets in a Buffer.

/** Where a read stands; one object is reused for a whole record set. */
export interface Cursor {
  at: number;
}

/** A zigzag varint of at most 32 bits. */
export function readVarint(bytes: Buffer, cursor: Cursor): number {
  let at = cursor.at;
  let byte = bytes[at++]!;
  let raw = byte & 0x7f;
  let shift = 7;
  while (byte >= 0x80) {
    if (shift > 28) throw new RangeError('varint longer than 5 bytes');
    byte = bytes[at++]!;
    raw |= (byte & 0x7f) << shift;
    shift += 7;
  }
  cursor.at = at;
  return (raw >>> 1) ^ -(raw & 1);
}

/** A zigzag varint of at most 64 bits; exact up to 2^53. */
export function readVarlong(bytes: Buffer, cursor: Cursor): number {
  let at = cursor.at;
  let byte = bytes[at++]!;
  let raw = byte & 0x7f;
  let scale = 0x80;
  while (byte >= 0x80) {
    if (scale > 2 ** 63) throw new RangeError('varint longer than 10 bytes');
    byte = bytes[at++]!;
    raw += (byte & 0x7f) * scale;
    scale *= 0x80;
  }
  cursor.at = at;
  return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
}

/** An unsigned varint, as in the flexible versions of the protocol. */
export function readUnsignedVarint(bytes: Buffer, cursor: Cursor): number {
  let at = cursor.at;
  let byte = bytes[at++]!;
  let value = byte & 0x7f;
  let shift = 7;
  while (byte >= 0x80) {
    if (shift > 28) throw new RangeError('varint longer than 5 bytes');
    byte = bytes[at++]!;
    value |= (byte & 0x7f) << shift;
    shift += 7;
  }
  cursor.at = at;
  return value >>> 0;
}

export function varintBytes(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0;
  if (raw < 0x80) return 1;
  if (raw < 0x4000) return 2;
  if (raw < 0x200000) return 3;
  return raw < 0x10000000 ? 4 : 5;
}

/** Gives the offset after it. */
export function writeVarint(bytes: Buffer, value: number, at: number): number {
  let raw = ((value << 1) ^ (value >> 31)) >>> 0;
  while (raw >= 0x80) {
    bytes[at++] = (raw & 0x7f) | 0x80;
    raw >>>= 7;
  }
  bytes[at++] = raw;
  return at;
}

const fitsInt32 = (value: number): boolean => value >= -0x40000000 && value < 0x40000000;

export function varlongBytes(value: number): number {
  if (fitsInt32(value)) return varintBytes(value);
  let raw = value >= 0 ? value * 2 : -value * 2 - 1;
  let count = 1;
  for (; raw >= 0x80; count++) raw = Math.floor(raw / 0x80);
  return count;
}

/** Exact up to 2^53. */
export function writeVarlong(bytes: Buffer, value: number, at: number): number {
  if (fitsInt32(value)) return writeVarint(bytes, value, at);
  let raw = value >= 0 ? value * 2 : -value * 2 - 1;
  while (raw >= 0x80) {
    bytes[at++] = (raw % 0x80) | 0x80;
    raw = Math.floor(raw / 0x80);
  }
  bytes[at++] = raw;
  return at;
}

export function writeUnsignedVarint(bytes: Buffer, value: number, at: number): number {
  while (value >= 0x80) {
    bytes[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  bytes[at++] = value;
  return at;
}

/** Exact up to 2^53: offsets and times. */
export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}

export function writeInt64(bytes: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  bytes.writeInt32BE(high, at);
  bytes.writeUInt32BE(value - high * 0x1_0000_0000, at + 4);
}
