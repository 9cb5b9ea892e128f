// The batches of a fetched record set, one after the other: a batch is unpacked within a bound, and its records are read one by one.
import { type KafkaRecord, Reader, readRecord } from '@platformatic/kafka';
import { attributeBits, batchFields, lengthEnd } from '#core/record-batch/batch-format.ts';
import { decompress } from '#core/record-batch/compression.ts';

export interface Batch {
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly attributes: number;
  readonly firstTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly producerId: bigint;
  /** Throws UnreadableBatch. */
  records(): Iterable<KafkaRecord>;
}

/** What lies there cannot be read, and could not be if it were fetched again. */
export class UnreadableBatch extends Error {
  override readonly name = 'UnreadableBatch';
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  constructor(reason: string, firstOffset: bigint, lastOffset: bigint, cause?: unknown) {
    super(reason, { cause });
    this.firstOffset = firstOffset;
    this.lastOffset = lastOffset;
  }
}

const currentMagic = 2;

/** Up to the first that is cut short: a broker does that to keep to the size asked for. */
export function* batchesIn(set: Buffer): Generator<Batch> {
  for (let at = 0, end = batchEnd(set, 0); end !== null; at = end, end = batchEnd(set, at)) yield batchAt(set, at, end);
}

/** Whether there is anything to read on from. */
export const holdsBatch = (set: Buffer): boolean => batchEnd(set, 0) !== null;

/** Null where the batch at `at` is not whole. */
function batchEnd(set: Buffer, at: number): number | null {
  if (at + batchFields.records > set.length) return null;
  const end = at + lengthEnd + set.readInt32BE(at + batchFields.length);
  return end > set.length ? null : end;
}

function batchAt(set: Buffer, at: number, end: number): Batch {
  const firstOffset = set.readBigInt64BE(at + batchFields.baseOffset);
  const magic = set.readInt8(at + batchFields.magic);
  if (magic !== currentMagic || end < at + batchFields.records)
    throw new UnreadableBatch(
      magic === currentMagic
        ? 'a batch is shorter than its header'
        : `a batch has format ${magic}; only format 2 (Kafka ≥ 0.11) is read`,
      firstOffset,
      firstOffset,
    );
  const count = set.readInt32BE(at + batchFields.recordCount);
  const packed = set.subarray(at + batchFields.records, end);
  const batch: Batch = {
    firstOffset,
    lastOffset: firstOffset + BigInt(set.readInt32BE(at + batchFields.lastOffsetDelta)),
    attributes: set.readInt16BE(at + batchFields.attributes),
    firstTimestamp: set.readBigInt64BE(at + batchFields.baseTimestamp),
    maxTimestamp: set.readBigInt64BE(at + batchFields.maxTimestamp),
    producerId: set.readBigInt64BE(at + batchFields.producerId),
    records: () => recordsOf(batch, count, packed),
  };
  return batch;
}

function* recordsOf(batch: Batch, count: number, packed: Buffer): Generator<KafkaRecord> {
  try {
    const compression = batch.attributes & attributeBits.compression;
    const reader = Reader.from(compression === 0 ? packed : decompress(compression, packed));
    for (let index = 0; index < count; index++) {
      const record = readRecord(reader);
      yield compression === 0 ? record : copyOf(record);
    }
  } catch (error) {
    const { firstOffset, lastOffset } = batch;
    throw new UnreadableBatch(error instanceof Error ? error.message : String(error), firstOffset, lastOffset, error);
  }
}

/** Whoever keeps a record keeps no batch with it: unpacked, that may be a thousand times what the broker sent. */
const copyOf = (record: KafkaRecord): KafkaRecord => ({
  ...record,
  key: copied(record.key),
  value: copied(record.value),
  headers: record.headers.map(([name, value]) => [copied(name), copied(value)]),
});

const copied = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes));
