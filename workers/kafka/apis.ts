// The two requests of the hot path, Fetch v13 (by topic id) and Produce v9, encoded and parsed without an object a record.
import { type Cursor, readInt64, readUnsignedVarint, writeInt64, writeUnsignedVarint } from './varint.ts';

export const fetchApi = { key: 1, version: 13 } as const;
export const produceApi = { key: 0, version: 9 } as const;
/** By this version a partition joins its producer's transaction with the first batch that is written to it. */
export const transactionalProduceApi = { key: 0, version: 12 } as const;

export interface FetchPartition {
  readonly partition: number;
  readonly offset: number;
  readonly bytesMax: number;
}

export interface FetchRequest {
  readonly topicId: string;
  readonly waitMs: number;
  readonly bytesMax: number;
  readonly partitions: readonly FetchPartition[];
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface FetchedPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  /** How far a reader of committed records may read. */
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  readonly records: Buffer;
}

export interface FetchResponse {
  /** A quota of the broker is used up: it asks for no request for so long, and reads none. */
  readonly throttleMs: number;
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

const noTags = Buffer.alloc(1);
const readCommitted = 1;
const topicIdBytes = 16;

/** Without a fetch session: each request names all it wants, so nothing is remembered at the broker. */
export function encodeFetch(request: FetchRequest): Buffer {
  const bytes = Buffer.alloc(64 + topicIdBytes + request.partitions.length * 36);
  bytes.writeInt32BE(-1, 0);
  bytes.writeInt32BE(request.waitMs, 4);
  bytes.writeInt32BE(1, 8);
  bytes.writeInt32BE(request.bytesMax, 12);
  bytes[16] = readCommitted;
  bytes.writeInt32BE(0, 17);
  bytes.writeInt32BE(-1, 21);
  let at = writeUnsignedVarint(bytes, 2, 25);
  at += bytes.write(request.topicId.replaceAll('-', ''), at, 'hex');
  at = writeUnsignedVarint(bytes, request.partitions.length + 1, at);
  for (const { partition, offset, bytesMax } of request.partitions) {
    at = bytes.writeInt32BE(partition, at);
    at = bytes.writeInt32BE(-1, at);
    writeInt64(bytes, offset, at);
    at = bytes.writeInt32BE(-1, at + 8);
    at = bytes.writeBigInt64BE(-1n, at);
    at = bytes.writeInt32BE(bytesMax, at);
    bytes[at++] = 0;
  }
  bytes[at++] = 0;
  at = writeUnsignedVarint(bytes, 1, at);
  at = writeUnsignedVarint(bytes, 1, at);
  bytes[at++] = 0;
  return bytes.subarray(0, at);
}

export function parseFetch(bytes: Buffer): FetchResponse {
  const throttleMs = bytes.readInt32BE(0);
  const errorCode = bytes.readInt16BE(4);
  const cursor: Cursor = { at: 10 };
  const partitions: FetchedPartition[] = [];
  const topics = readUnsignedVarint(bytes, cursor) - 1;
  for (let topic = 0; topic < topics; topic++) {
    const topicId = readTopicId(bytes, cursor);
    const count = readUnsignedVarint(bytes, cursor) - 1;
    for (let index = 0; index < count; index++) partitions.push(readFetchedPartition(bytes, cursor, topicId));
    skipTags(bytes, cursor);
  }
  return { throttleMs, errorCode, partitions };
}

function readFetchedPartition(bytes: Buffer, cursor: Cursor, topicId: string): FetchedPartition {
  const at = cursor.at;
  cursor.at = at + 30;
  const abortedCount = readUnsignedVarint(bytes, cursor) - 1;
  const aborted: AbortedTransaction[] = [];
  for (let index = 0; index < abortedCount; index++) {
    aborted.push({ producerId: readInt64(bytes, cursor.at), firstOffset: readInt64(bytes, cursor.at + 8) });
    cursor.at += 16;
    skipTags(bytes, cursor);
  }
  cursor.at += 4;
  const length = Math.max(readUnsignedVarint(bytes, cursor) - 1, 0);
  const records = bytes.subarray(cursor.at, cursor.at + length);
  cursor.at += length;
  skipTags(bytes, cursor);
  return {
    topicId,
    partition: bytes.readInt32BE(at),
    errorCode: bytes.readInt16BE(at + 4),
    highWatermark: readInt64(bytes, at + 6),
    lastStableOffset: readInt64(bytes, at + 14),
    logStartOffset: readInt64(bytes, at + 22),
    aborted,
    records,
  };
}

function readTopicId(bytes: Buffer, cursor: Cursor): string {
  const hex = bytes.toString('hex', cursor.at, cursor.at + topicIdBytes);
  cursor.at += topicIdBytes;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function skipTags(bytes: Buffer, cursor: Cursor): void {
  const count = readUnsignedVarint(bytes, cursor);
  for (let index = 0; index < count; index++) {
    readUnsignedVarint(bytes, cursor);
    const length = readUnsignedVarint(bytes, cursor);
    cursor.at += length;
  }
}

export type Acks = -1 | 1;

export interface ProduceBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
}

export interface ProducedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Of the batch's first record; -1 where it was refused, or is a repeat that the broker does not remember. */
  readonly baseOffset: number;
  readonly errorMessage: string | null;
}

export interface ProduceResponse {
  /** As in a fetch's answer. */
  readonly throttleMs: number;
  readonly partitions: readonly ProducedPartition[];
}

/**
 * Acknowledged by all in-sync replicas (-1), or by the leader alone (1). The pieces are sent one after the other; the batches'
 * own bytes are not copied here.
 */
export function encodeProduce(
  batches: readonly ProduceBatch[],
  timeoutMs: number,
  transactionalId: string | null = null,
  acks: Acks = -1,
): Buffer[] {
  const topics = Map.groupBy(batches, (batch) => batch.topic);
  const pieces: Buffer[] = [produceHead(topics.size, timeoutMs, transactionalId, acks)];
  for (const [topic, ofTopic] of topics) {
    const name = Buffer.from(topic);
    const before = Buffer.alloc(name.length + 16);
    const nameAt = writeUnsignedVarint(before, name.length + 1, 0);
    const after = writeUnsignedVarint(before, ofTopic.length + 1, nameAt + name.copy(before, nameAt));
    pieces.push(before.subarray(0, after));
    for (const { partition, bytes } of ofTopic) {
      const index = Buffer.alloc(16);
      pieces.push(index.subarray(0, writeUnsignedVarint(index, bytes.length + 1, index.writeInt32BE(partition, 0))));
      pieces.push(bytes, noTags);
    }
    pieces.push(noTags);
  }
  pieces.push(noTags);
  return pieces;
}

function produceHead(topicCount: number, timeoutMs: number, transactionalId: string | null, acks: Acks): Buffer {
  const id = Buffer.from(transactionalId ?? '');
  const head = Buffer.alloc(16 + id.length);
  const idAt = writeUnsignedVarint(head, transactionalId === null ? 0 : id.length + 1, 0);
  const at = head.writeInt32BE(timeoutMs, head.writeInt16BE(acks, idAt + id.copy(head, idAt)));
  return head.subarray(0, writeUnsignedVarint(head, topicCount + 1, at));
}

export function parseProduce(bytes: Buffer): ProduceResponse {
  const cursor: Cursor = { at: 0 };
  const produced: ProducedPartition[] = [];
  const topics = readUnsignedVarint(bytes, cursor) - 1;
  for (let index = 0; index < topics; index++) {
    const topic = readText(bytes, cursor) ?? '';
    const partitions = readUnsignedVarint(bytes, cursor) - 1;
    for (let number = 0; number < partitions; number++) produced.push(readProduced(bytes, cursor, topic));
    skipTags(bytes, cursor);
  }
  return { throttleMs: bytes.readInt32BE(cursor.at), partitions: produced };
}

function readProduced(bytes: Buffer, cursor: Cursor, topic: string): ProducedPartition {
  const at = cursor.at;
  cursor.at = at + 30;
  const errors: string[] = [];
  const recordErrors = readUnsignedVarint(bytes, cursor) - 1;
  for (let index = 0; index < recordErrors; index++) {
    cursor.at += 4;
    const message = readText(bytes, cursor);
    if (message !== null && errors.length === 0) errors.push(message);
    skipTags(bytes, cursor);
  }
  const errorMessage = readText(bytes, cursor) ?? errors[0] ?? null;
  skipTags(bytes, cursor);
  const [partition, errorCode] = [bytes.readInt32BE(at), bytes.readInt16BE(at + 4)];
  return { topic, partition, errorCode, baseOffset: Number(bytes.readBigInt64BE(at + 6)), errorMessage };
}

function readText(bytes: Buffer, cursor: Cursor): string | null {
  const length = readUnsignedVarint(bytes, cursor) - 1;
  if (length < 0) return null;
  const text = bytes.toString('utf8', cursor.at, cursor.at + length);
  cursor.at += length;
  return text;
}
