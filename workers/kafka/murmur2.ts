// Kafka's hash of a record's key: murmur2 with Java's seed, so that our records land where a Java producer's would.

const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;

export function murmur2(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let hash = seed ^ length;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    word = Math.imul(word, multiplier);
    word ^= word >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  const rest = end - at;
  if (rest > 2) hash ^= bytes[at + 2]! << 16;
  if (rest > 1) hash ^= bytes[at + 1]! << 8;
  if (rest > 0) hash = Math.imul(hash ^ bytes[at]!, multiplier);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}

/** The partition that Java's default partitioner chooses for a key. */
export const partitionOfKey = (bytes: Uint8Array, start: number, end: number, partitionCount: number): number =>
  (murmur2(bytes, start, end) & 0x7fffffff) % partitionCount;
