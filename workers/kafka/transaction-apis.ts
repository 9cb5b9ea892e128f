// The two requests that end a transaction of version 2 (Kafka ≥ 4.0): TxnOffsetCommit v5 and EndTxn v5.
import type { ProducerIdentity } from './output-batch.ts';
import { type Cursor, readUnsignedVarint, writeUnsignedVarint } from './varint.ts';

export const txnOffsetCommitApi = { key: 28, version: 5 } as const;
export const endTxnApi = { key: 26, version: 5 } as const;

export interface TransactionOffset {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

export interface EndedTransaction {
  readonly errorCode: number;
  /** Under which the next transaction is written: the epoch grows with each. */
  readonly next: ProducerIdentity;
}

const noTags = Buffer.alloc(1);
/** An array of one element, a null string: lengths are written plus one. */
const oneElement = Buffer.from([2]);
const nullText = Buffer.alloc(1);
const noGeneration = -1;
const noLeaderEpoch = -1;

/** Of a group that nobody is a member of: neither generation nor member. The partition joins the transaction by it. */
export function encodeTxnOffsetCommit(
  transactionalId: string,
  { producerId, producerEpoch }: ProducerIdentity,
  { group, topic, partition, offset, metadata }: TransactionOffset,
): Buffer[] {
  return [
    text(transactionalId),
    text(group),
    int64(producerId),
    int16(producerEpoch),
    int32(noGeneration),
    text(''),
    nullText,
    oneElement,
    text(topic),
    oneElement,
    int32(partition),
    int64(BigInt(offset)),
    int32(noLeaderEpoch),
    text(metadata),
    noTags,
    noTags,
    noTags,
  ];
}

/** The error code of the one partition. */
export function parseTxnOffsetCommit(bytes: Buffer): number {
  const cursor: Cursor = { at: 4 };
  if (readUnsignedVarint(bytes, cursor) !== 2) throw new Error('an answer about other than one topic');
  const nameBytes = readUnsignedVarint(bytes, cursor) - 1;
  cursor.at += nameBytes;
  if (readUnsignedVarint(bytes, cursor) !== 2) throw new Error('an answer about other than one partition');
  return bytes.readInt16BE(cursor.at + 4);
}

export function encodeEndTxn(
  transactionalId: string,
  { producerId, producerEpoch }: ProducerIdentity,
  outcome: 'commit' | 'abort',
): Buffer[] {
  const committed = Buffer.from([outcome === 'commit' ? 1 : 0]);
  return [text(transactionalId), int64(producerId), int16(producerEpoch), committed, noTags];
}

export function parseEndTxn(bytes: Buffer): EndedTransaction {
  const next = { producerId: bytes.readBigInt64BE(6), producerEpoch: bytes.readInt16BE(14), isTransactional: true };
  return { errorCode: bytes.readInt16BE(4), next };
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(5);
  return Buffer.concat([length.subarray(0, writeUnsignedVarint(length, bytes.length + 1, 0)), bytes]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}
