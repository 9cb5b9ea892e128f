// Chooses a fraction of the events, the same ones each time that they are read.

/** FNV-1a, then mixed so that every bit of the input moves every bit of the result: unlike the hash that chooses partitions. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let at = start; at < end; at++) value = Math.imul(value ^ bytes[at]!, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

export const isChosen = (bytes: Uint8Array, start: number, end: number, fraction: number): boolean =>
  hash(bytes, start, end) < fraction * 0x1_0000_0000;

const position = new DataView(new ArrayBuffer(12));
const positionBytes = new Uint8Array(position.buffer);

export function isChosenByPosition(partition: number, offset: number, fraction: number): boolean {
  position.setInt32(0, partition);
  position.setFloat64(4, offset);
  return isChosen(positionBytes, 0, positionBytes.length, fraction);
}
