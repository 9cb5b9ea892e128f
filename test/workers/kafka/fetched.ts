// What a broker answers a fetch with, for tests without one: records of a topic that nobody wrote to Kafka.
import type { FetchResponse } from '#workers/kafka/apis.ts';
import { noHeaders, OutputBatch, type Slice } from '#workers/kafka/output-batch.ts';

export const topicId = '00000000-0000-4000-8000-000000000001';
export const clock = { now: () => Date.now(), monotonicMs: () => performance.now() };
export const none: Slice = { bytes: new Uint8Array(0), start: 0, end: -1 };
export const value: Slice = { bytes: Buffer.from('{}'), start: 0, end: 2 };
export const origin = { attach: (): void => {}, acknowledge: (): void => {} };

/** One batch of so many records, from that offset on. */
export function records(count: number, first = 0): Buffer {
  const batch = new OutputBatch();
  for (let index = 0; index < count; index++) batch.append(1, none, value, noHeaders, origin);
  batch.seal('none');
  batch.stamp({ producerId: -1n, producerEpoch: -1, isTransactional: false }, -1);
  const bytes = Buffer.from(batch.bytes);
  bytes.writeBigInt64BE(BigInt(first), 0);
  return bytes;
}

/** Of a partition that ends at `end`. */
export function partitionOf(partition: number, bytes: Buffer, end: number): FetchResponse['partitions'][number] {
  const ends = { highWatermark: end, lastStableOffset: end, logStartOffset: 0 };
  return { topicId, partition, errorCode: 0, ...ends, aborted: [], records: bytes };
}
