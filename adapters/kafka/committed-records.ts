// Tells the batches of a fetch that a reader of committed records sees from those of aborted transactions.
import type { fetchV13, RecordsBatch } from '@platformatic/kafka';

const transactionalBit = 1 << 4;
const controlBit = 1 << 5;
const abortMarker = 0;

export interface SeenBatch {
  readonly batch: RecordsBatch;
  /** False for transaction markers and for what an aborted transaction wrote; the position moves past them too. */
  readonly isVisible: boolean;
}

/**
 * The broker names the aborted transactions that reach into the fetched range, each by its producer and first offset; a
 * transaction ends at its producer's next marker.
 */
export function* committedRecords(partition: fetchV13.FetchResponsePartition): Generator<SeenBatch> {
  const toCome = [...(partition.abortedTransactions ?? [])].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const aborting = new Set<bigint>();
  for (const batch of partition.records ?? []) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    while (toCome[0] !== undefined && toCome[0].firstOffset <= last) aborting.add(toCome.shift()!.producerId);
    const isControl = (batch.attributes & controlBit) !== 0;
    const isTransactional = (batch.attributes & transactionalBit) !== 0;
    if (isControl && markerOf(batch) === abortMarker) aborting.delete(batch.producerId);
    yield { batch, isVisible: !isControl && !(isTransactional && aborting.has(batch.producerId)) };
  }
}

/** A marker's key is its version and its type, 16 bits each. */
const markerOf = (batch: RecordsBatch): number | undefined => {
  const key = batch.records[0]?.key;
  return key && key.length >= 4 ? key.readInt16BE(2) : undefined;
};
