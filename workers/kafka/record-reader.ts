// Reads the records of a fetched record set in place: no object a record, the fields are offsets into the bytes.
import { crc32c } from '@platformatic/wasm-utils';
import { attributeBits, batchFields, lengthEnd } from '#core/record-batch/batch-format.ts';
import { decompress } from '#core/record-batch/compression.ts';
import type { AbortedTransaction } from './apis.ts';
import { type Cursor, readInt64, readVarint, readVarlong } from './varint.ts';

export class CorruptBatch extends Error {
  override readonly name = 'CorruptBatch';
}

const currentMagic = 2;

/**
 * After `open`, each `next()` that gives true has put one record into the public fields; a length end of -1 means null.
 * Control batches and records of aborted transactions are passed over (read committed: the algorithm of Kafka's own
 * consumer). `readTo` is where to read on: past everything that was given or passed over, gaps included. It holds too when
 * `next` throws: the batch or record there cannot be read.
 */
export class RecordReader {
  bytes: Buffer = Buffer.alloc(0);
  offset = 0;
  timestamp = 0;
  keyStart = 0;
  keyEnd = -1;
  valueStart = 0;
  valueEnd = -1;
  /** The headers as they stand in the record, their count included. */
  headersStart = 0;
  headersEnd = 0;
  readTo = 0;

  readonly #cursor: Cursor = { at: 0 };
  readonly #abortedProducers = new Set<number>();
  #set: Buffer = this.bytes;
  #batchAt = 0;
  #fetchOffset = 0;
  #recordsLeft = 0;
  #recordsEnd = 0;
  #baseOffset = 0;
  #batchNext = 0;
  #baseTimestamp = 0;
  #appendTime = -1;
  #aborted: readonly AbortedTransaction[] = [];
  #abortedIndex = 0;
  #isPaused = false;

  /** A set that was paused, and no other since, is gone on with where it stands. */
  open(set: Buffer, fetchOffset: number, aborted: readonly AbortedTransaction[]): void {
    const goesOn = this.#isPaused && set === this.#set && fetchOffset === this.readTo;
    this.#isPaused = false;
    if (goesOn) return;
    this.#set = set;
    this.#batchAt = 0;
    this.#recordsLeft = 0;
    this.#batchNext = 0;
    this.#fetchOffset = fetchOffset;
    this.readTo = fetchOffset;
    this.#aborted = aborted.length > 1 ? [...aborted].sort((a, b) => a.firstOffset - b.firstOffset) : aborted;
    this.#abortedIndex = 0;
    this.#abortedProducers.clear();
  }

  /** What was read is worked on; the rest of the set may be opened later, at `readTo`: then nothing is unpacked a second time. */
  pause(): void {
    this.#isPaused = true;
  }

  /** The record that was read last is the last of its batch. */
  get isBehindBatch(): boolean {
    return this.#recordsLeft === 0;
  }

  /** And no other batch follows. */
  get isAtEnd(): boolean {
    return this.isBehindBatch && this.#batchAt + batchFields.records > this.#set.length;
  }

  /** Where the batch that was opened last ends: what follows one that cannot be read. */
  get batchEnd(): number {
    return this.#batchNext;
  }

  next(): boolean {
    for (;;) {
      while (this.#recordsLeft === 0) if (!this.#openBatch()) return false;
      this.#recordsLeft--;
      this.#readRecord();
      if (this.#recordsLeft === 0) this.#leaveBatch();
      else if (this.offset >= this.#fetchOffset) this.readTo = this.offset + 1;
      if (this.offset >= this.#fetchOffset) return true;
    }
  }

  #leaveBatch(): void {
    if (this.#cursor.at !== this.#recordsEnd)
      throw new CorruptBatch(`a record batch at offset ${this.#baseOffset} has bytes left over`);
    this.readTo = this.#batchNext;
  }

  /** False at the end of the set, or where its last batch is cut short (Kafka does that to keep to the size asked for). */
  #openBatch(): boolean {
    const set = this.#set;
    const at = this.#batchAt;
    const end = batchEnd(set, at);
    if (end < 0) return false;
    if (set[at + batchFields.magic] !== currentMagic)
      throw new CorruptBatch(
        `a record batch has format ${set[at + batchFields.magic]}; only format 2 (Kafka ≥ 0.11) is read`,
      );
    if (crc32c(set.subarray(at + batchFields.attributes, end)) !== set.readUInt32BE(at + batchFields.crc))
      throw new CorruptBatch(`a record batch at offset ${readInt64(set, at)} does not match its checksum`);
    this.#batchAt = end;
    const before = this.#batchNext;
    this.#baseOffset = readInt64(set, at + batchFields.baseOffset);
    // Not covered by the checksum: a broker writes it.
    if (this.#baseOffset < before)
      throw new CorruptBatch(`a record batch at offset ${this.#baseOffset} stands behind one that ends at ${before}`);
    this.#batchNext = this.#baseOffset + set.readInt32BE(at + batchFields.lastOffsetDelta) + 1;
    // Asked of every batch: where a set is opened again further on, transactions may have ended before.
    const isPassedOver = this.#isPassedOver(at);
    if (this.#batchNext <= this.#fetchOffset) return true;
    const isEmpty = set.readInt32BE(at + batchFields.recordCount) === 0;
    if (isEmpty || isPassedOver) this.readTo = this.#batchNext;
    else this.#enterBatch(at, end);
    return true;
  }

  #enterBatch(at: number, end: number): void {
    const set = this.#set;
    const attributes = set.readInt16BE(at + batchFields.attributes);
    this.#baseTimestamp = readInt64(set, at + batchFields.baseTimestamp);
    this.#appendTime =
      (attributes & attributeBits.logAppendTime) === 0 ? -1 : readInt64(set, at + batchFields.maxTimestamp);
    this.#recordsLeft = set.readInt32BE(at + batchFields.recordCount);
    const compression = attributes & attributeBits.compression;
    if (compression === 0) {
      this.bytes = set;
      this.#cursor.at = at + batchFields.records;
      this.#recordsEnd = end;
    } else {
      this.bytes = decompress(compression, set.subarray(at + batchFields.records, end));
      this.#cursor.at = 0;
      this.#recordsEnd = this.bytes.length;
    }
  }

  /** Control batches say how a transaction ended; batches of an aborted one do not count. */
  #isPassedOver(at: number): boolean {
    const attributes = this.#set.readInt16BE(at + batchFields.attributes);
    if ((attributes & attributeBits.transactional) === 0) return (attributes & attributeBits.control) !== 0;
    const producer = readInt64(this.#set, at + batchFields.producerId);
    for (
      let next = this.#aborted[this.#abortedIndex];
      next && next.firstOffset < this.#batchNext;
      next = this.#aborted[++this.#abortedIndex]
    )
      this.#abortedProducers.add(next.producerId);
    if ((attributes & attributeBits.control) === 0) return this.#abortedProducers.has(producer);
    this.#abortedProducers.delete(producer);
    return true;
  }

  #readRecord(): void {
    const bytes = this.bytes;
    const cursor = this.#cursor;
    const length = readVarint(bytes, cursor);
    const end = cursor.at + length;
    if (length < 0 || end > this.#recordsEnd)
      throw new CorruptBatch(`a record ends after its batch (base offset ${this.#baseOffset})`);
    cursor.at++;
    const timestampDelta = readVarlong(bytes, cursor);
    this.timestamp = this.#appendTime >= 0 ? this.#appendTime : this.#baseTimestamp + timestampDelta;
    this.offset = this.#baseOffset + readVarint(bytes, cursor);
    const keyBytes = readVarint(bytes, cursor);
    this.keyStart = cursor.at;
    if (keyBytes > 0) cursor.at += keyBytes;
    this.keyEnd = keyBytes < 0 ? -1 : cursor.at;
    const valueBytes = readVarint(bytes, cursor);
    this.valueStart = cursor.at;
    if (valueBytes > 0) cursor.at += valueBytes;
    this.valueEnd = valueBytes < 0 ? -1 : cursor.at;
    this.headersStart = cursor.at;
    this.headersEnd = end;
    if (this.offset < this.#baseOffset || this.offset >= this.#batchNext)
      throw new CorruptBatch(`a record has offset ${this.offset} in a batch from ${this.#baseOffset} on`);
    if (cursor.at >= end) throw new CorruptBatch(`a record's fields do not fit its length (offset ${this.offset})`);
    cursor.at = end;
  }
}

/** Where the batch at `at` ends; -1 where it is not whole. */
function batchEnd(set: Buffer, at: number): number {
  if (at + batchFields.records > set.length) return -1;
  const end = at + lengthEnd + set.readInt32BE(at + batchFields.length);
  if (end < at + batchFields.records) throw new CorruptBatch('a record batch is shorter than its header');
  return end <= set.length ? end : -1;
}

/** Where to fetch next, by the batches' headers alone: lets the next fetch go out before this one is worked on. */
export function offsetAfter(set: Buffer, fetchOffset: number): number {
  let next = fetchOffset;
  for (let at = 0, end = batchEnd(set, 0); end >= 0; at = end, end = batchEnd(set, at))
    next = Math.max(next, readInt64(set, at) + set.readInt32BE(at + batchFields.lastOffsetDelta) + 1);
  return next;
}
