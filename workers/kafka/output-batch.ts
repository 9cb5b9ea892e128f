// One record batch being written: records go straight into its buffer, the header is filled in when it is sealed.
import { crc32c } from '@platformatic/wasm-utils';
import { attributeBits, batchFields, compressionCodes, lengthEnd } from '#core/record-batch/batch-format.ts';
import { compress } from '#core/record-batch/compression.ts';
import { varintBytes, varlongBytes, writeInt64, writeVarint, writeVarlong } from './varint.ts';

/** Under which a producer writes. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly isTransactional: boolean;
}

export type OutputCompression = 'none' | 'lz4' | 'zstd';

/** A range of bytes; `end` -1 means null. */
export interface Slice {
  bytes: Uint8Array;
  start: number;
  end: number;
}

/** Headers of a record without any: their count, zero. */
export const noHeaders: Slice = { bytes: new Uint8Array(1), start: 0, end: 1 };

/** Whose records a batch holds: told of each batch that its records went into, and when that batch is acknowledged. */
export interface Origin {
  attach(): void;
  acknowledge(): void;
}

const firstBytes = 16 * 1024;
const nothing = Buffer.alloc(0);

export class OutputBatch {
  /** Whose records are in it, each once. */
  readonly origins: Origin[] = [];
  baseSequence = -1;
  count = 0;
  #buffer: Buffer;
  #length: number = batchFields.records;
  #sealed: Buffer | null = null;
  #baseTimestamp = 0;
  #maxTimestamp = 0;

  /** `buffer`: what another batch has left. */
  constructor(buffer: Buffer = Buffer.allocUnsafeSlow(firstBytes)) {
    this.#buffer = buffer;
  }

  /** Bytes on the wire: exact once sealed, uncompressed before. */
  get length(): number {
    return this.#sealed?.length ?? this.#length;
  }

  get bytes(): Buffer {
    if (this.#sealed === null) throw new Error('the batch is not sealed');
    return this.#sealed;
  }

  append(timestamp: number, key: Slice, value: Slice, headers: Slice, origin: Origin): void {
    if (this.count === 0) {
      this.#baseTimestamp = timestamp;
      this.#maxTimestamp = timestamp;
    } else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    if (this.origins[this.origins.length - 1] !== origin) {
      this.origins.push(origin);
      origin.attach();
    }
    const delta = timestamp - this.#baseTimestamp;
    const body = recordBodyBytes(delta, this.count, key, value, headers);
    this.#ensureRoom(body + 5);
    const buffer = this.#buffer;
    let at = writeVarint(buffer, body, this.#length);
    buffer[at++] = 0;
    at = writeVarlong(buffer, delta, at);
    at = writeVarint(buffer, this.count, at);
    at = writeNullable(buffer, key, at);
    at = writeNullable(buffer, value, at);
    this.#length = copySlice(headers, buffer, at);
    this.count++;
  }

  /**
   * Ends writing: compresses if asked to, and gives up the buffer then; else null. The producer's marks and the checksum come
   * with `stamp`.
   */
  seal(compression: OutputCompression): Buffer | null {
    if (this.#sealed !== null) return null;
    const plain = this.#buffer.subarray(0, this.#length);
    const bytes = compression === 'none' ? plain : compressed(plain, compression);
    bytes.writeBigInt64BE(0n, batchFields.baseOffset);
    bytes.writeInt32BE(bytes.length - lengthEnd, batchFields.length);
    bytes.writeInt32BE(-1, batchFields.leaderEpoch);
    bytes[batchFields.magic] = 2;
    bytes.writeInt16BE(compressionCodes[compression], batchFields.attributes);
    bytes.writeInt32BE(this.count - 1, batchFields.lastOffsetDelta);
    writeInt64(bytes, this.#baseTimestamp, batchFields.baseTimestamp);
    writeInt64(bytes, this.#maxTimestamp, batchFields.maxTimestamp);
    bytes.writeInt32BE(this.count, batchFields.recordCount);
    this.#sealed = bytes;
    return compression === 'none' ? null : this.release();
  }

  /** Of one that is sealed and may wait for long: keeps no buffer that is much larger than what is in it, and gives that up. */
  shrink(): Buffer | null {
    if (this.bytes.length * 2 > this.#buffer.length) return null;
    this.#sealed = Buffer.allocUnsafeSlow(this.bytes.length);
    this.#buffer.copy(this.#sealed, 0, 0, this.#length);
    return this.release();
  }

  /** Gives the batch its place in the producer's sequence; a batch may be stamped anew only while it is not in flight. */
  stamp({ producerId, producerEpoch, isTransactional }: ProducerIdentity, baseSequence: number): void {
    const bytes = this.bytes;
    this.baseSequence = baseSequence;
    if (isTransactional) bytes[batchFields.attributes + 1]! |= attributeBits.transactional;
    bytes.writeBigInt64BE(producerId, batchFields.producerId);
    bytes.writeInt16BE(producerEpoch, batchFields.producerEpoch);
    bytes.writeInt32BE(baseSequence, batchFields.baseSequence);
    bytes.writeUInt32BE(crc32c(bytes.subarray(batchFields.attributes)), batchFields.crc);
  }

  /** Gives up the buffer, once nothing of the batch is needed in it; null: it is given up. */
  release(): Buffer | null {
    const buffer = this.#buffer;
    this.#buffer = nothing;
    return buffer === nothing ? null : buffer;
  }

  acknowledge(): void {
    for (const origin of this.origins) origin.acknowledge();
  }

  #ensureRoom(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/** Bytes that a record takes in a batch, its own length included. */
export function recordBytes(key: Slice, value: Slice, headers: Slice): number {
  const body = recordBodyBytes(0, 0, key, value, headers) + 12;
  return body + varintBytes(body);
}

function recordBodyBytes(
  timestampDelta: number,
  offsetDelta: number,
  key: Slice,
  value: Slice,
  headers: Slice,
): number {
  const headerBytes = headers.end - headers.start;
  return (
    1 +
    varlongBytes(timestampDelta) +
    varintBytes(offsetDelta) +
    nullableBytes(key) +
    nullableBytes(value) +
    headerBytes
  );
}

function nullableBytes(slice: Slice): number {
  if (slice.end < 0) return 1;
  const length = slice.end - slice.start;
  return varintBytes(length) + length;
}

function writeNullable(buffer: Buffer, slice: Slice, at: number): number {
  if (slice.end < 0) return writeVarint(buffer, -1, at);
  return copySlice(slice, buffer, writeVarint(buffer, slice.end - slice.start, at));
}

/** Short runs are copied by hand: below this a call costs more than the loop. */
const shortRunBytes = 48;

function copySlice({ bytes, start, end }: Slice, buffer: Buffer, at: number): number {
  if (end - start > shortRunBytes) buffer.set(bytes.subarray(start, end), at);
  else for (let index = start, to = at; index < end; index++) buffer[to++] = bytes[index]!;
  return at + end - start;
}

function compressed(plain: Buffer, codec: 'lz4' | 'zstd'): Buffer {
  const records = compress(codec, plain.subarray(batchFields.records));
  const bytes = Buffer.allocUnsafeSlow(batchFields.records + records.length);
  records.copy(bytes, batchFields.records);
  return bytes;
}
