// Compression of record batches; decompression is bounded, so that a small batch cannot become a huge one.
import { constants, gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { lz4Compress, lz4Decompress, snappyDecompress } from '@platformatic/wasm-utils';
import { compressionCodes } from './batch-format.ts';

/** A batch that is larger than this when decompressed is refused. */
export const decompressedBytesMax = 32 * 1024 * 1024;

export class DecompressionRefused extends Error {
  override readonly name = 'DecompressionRefused';
}

export function decompress(compression: number, bytes: Buffer, bytesMax = decompressedBytesMax): Buffer {
  try {
    switch (compression) {
      case compressionCodes.gzip:
        return gunzipSync(bytes, { maxOutputLength: bytesMax, chunkSize: chunkBytes(bytes.length * gainExpected) });
      case compressionCodes.zstd:
        return zstdDecompressSync(bytes, {
          maxOutputLength: bytesMax,
          chunkSize: chunkBytes(bytes.length * gainExpected),
        });
      case compressionCodes.snappy:
        return decompressSnappy(bytes, bytesMax);
      case compressionCodes.lz4:
        refuseAbove(lz4BytesAtMost(bytes), bytesMax);
        return lz4Decompress(bytes);
      default:
        throw new DecompressionRefused(`compression ${compression} is not known (known: 0 to 4)`);
    }
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    if (code === 'ERR_BUFFER_TOO_LARGE') refuseAbove(Infinity, bytesMax);
    throw error;
  }
}

export function compress(codec: 'lz4' | 'zstd', bytes: Buffer): Buffer {
  if (codec === 'lz4') return lz4Compress(bytes);
  return zstdCompressSync(bytes, { params: zstdParameters, chunkSize: chunkBytes(bytes.length / gainExpected) });
}

/** Level 1: next to 3 (zstd's default) it costs half, and JSON becomes no larger (docs/performance.md). */
const zstdParameters = { [constants.ZSTD_c_compressionLevel]: 1 };

/** How many times smaller JSON becomes: a guess for the size of buffers only. */
const gainExpected = 8;
const chunkBytesMin = 16 * 1024;
const chunkBytesMax = 512 * 1024;

/** What Node puts the result into, piece by piece: one piece as a rule. Its default of 16 KiB doubles the time. */
const chunkBytes = (expected: number): number => Math.min(chunkBytesMax, Math.max(chunkBytesMin, Math.ceil(expected)));

function refuseAbove(size: number, bytesMax: number): void {
  if (size <= bytesMax) return;
  const got = Number.isFinite(size) ? `${size} bytes` : 'more';
  throw new DecompressionRefused(`a record batch decompresses to ${got}; at most ${bytesMax} bytes are read`);
}

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeaderBytes = 16;

/** Raw snappy, or the framing of Java's snappy library: blocks with their length before them. */
function decompressSnappy(bytes: Buffer, bytesMax: number): Buffer {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) {
    refuseAbove(snappyBytes(bytes), bytesMax);
    return snappyDecompress(bytes);
  }
  const blocks: Buffer[] = [];
  let total = 0;
  for (let at = xerialHeaderBytes; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new RangeError('a snappy block ends after its batch');
    const block = bytes.subarray(at + 4, end);
    total += snappyBytes(block);
    refuseAbove(total, bytesMax);
    blocks.push(snappyDecompress(block));
    at = end;
  }
  return Buffer.concat(blocks);
}

/** Raw snappy begins with its decompressed length. */
function snappyBytes(bytes: Buffer): number {
  let size = 0;
  for (let index = 0, scale = 1; index < 5; index++, scale *= 0x80) {
    const byte = bytes[index] ?? 0;
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return size;
}

const lz4BlockBytes: Readonly<Record<number, number>> = {
  4: 64 * 1024,
  5: 256 * 1024,
  6: 1024 * 1024,
  7: 4 * 1024 * 1024,
};

/** An LZ4 frame's blocks are each at most as large as the frame says: counting them bounds the whole without decompressing it. */
function lz4BytesAtMost(bytes: Buffer): number {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== 0x184d2204) throw new RangeError('not an LZ4 frame');
  const flags = bytes[4]!;
  const blockBytes = lz4BlockBytes[(bytes[5]! >> 4) & 7] ?? Infinity;
  const hasContentSize = (flags & 0b1000) !== 0;
  const hasBlockChecksum = (flags & 0b1_0000) !== 0;
  let total = 0;
  for (let at = 7 + (hasContentSize ? 8 : 0); at + 4 <= bytes.length; ) {
    const word = bytes.readUInt32LE(at);
    if (word === 0) break;
    const stored = word & 0x7fffffff;
    total += word >>> 31 === 1 ? stored : Math.min(blockBytes, stored * 255);
    at += 4 + stored + (hasBlockChecksum ? 4 : 0);
  }
  return total;
}
