// Tells the batches of a fetch that a reader of committed records sees from those of aborted transactions.
import { attributeBits } from '#core/record-batch/batch-format.ts';
import { type Batch, batchesIn } from './batches.ts';
import type { FetchedPartition } from './fetch.ts';

const abortMarker = 0;

export interface SeenBatch {
  readonly batch: Batch;
  /** False for transaction markers and for what an aborted transaction wrote; the position moves past them too. */
  readonly isVisible: boolean;
}

/**
 * The broker names the aborted transactions that reach into the fetched range, each by its producer and first offset; a
 * transaction ends at its producer's next marker.
 */
export function* committedRecords(partition: FetchedPartition): Generator<SeenBatch> {
  const toCome = [...partition.aborted].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const aborting = new Set<bigint>();
  for (const batch of batchesIn(partition.records)) {
    while (toCome[0] !== undefined && toCome[0].firstOffset <= batch.lastOffset)
      aborting.add(toCome.shift()!.producerId);
    const isControl = (batch.attributes & attributeBits.control) !== 0;
    const isTransactional = (batch.attributes & attributeBits.transactional) !== 0;
    if (isControl && markerOf(batch) === abortMarker) aborting.delete(batch.producerId);
    yield { batch, isVisible: !isControl && !(isTransactional && aborting.has(batch.producerId)) };
  }
}

/** A marker's key is its version and its type, 16 bits each. */
const markerOf = (batch: Batch): number | undefined => {
  const [marker] = batch.records();
  const key = marker?.key;
  return key && key.length >= 4 ? key.readInt16BE(2) : undefined;
};
