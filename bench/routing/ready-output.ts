// The route's whole output as batches ready to be sent, in a file: what a program that does no work of its own writes.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { batchFields } from '#core/record-batch/batch-format.ts';
import {
  noHeaders,
  type Origin,
  OutputBatch,
  type OutputCompression,
  type Slice,
} from '#workers/kafka/output-batch.ts';

/** As large as a worker's own batches are. */
const batchBytes = 256 * 1024;
const headBytes = 16;
const nobody: Origin = { attach: () => {}, acknowledge: () => {} };
const noKey: Slice = { bytes: new Uint8Array(0), start: 0, end: -1 };
const noProducer = { identity: { producerId: -1n, producerEpoch: -1, isTransactional: false }, sequence: -1 };

/** Before each batch: its partition, the offset in that partition of the source behind its last event, its length. */
export class ReadyOutputWriter {
  readonly #file: number;
  readonly #compression: OutputCompression;
  readonly #open: (OutputBatch | undefined)[] = [];
  readonly #readTo: number[] = [];

  constructor(path: string, compression: OutputCompression) {
    this.#file = openSync(path, 'w');
    this.#compression = compression;
  }

  add(partition: number, sourceOffset: number, timestamp: number, output: string): void {
    this.#open[partition] ??= new OutputBatch();
    const batch = this.#open[partition];
    const bytes = Buffer.from(output);
    batch.append(timestamp, noKey, { bytes, start: 0, end: bytes.length }, noHeaders, nobody);
    this.#readTo[partition] = sourceOffset + 1;
    if (batch.length >= batchBytes) this.#write(partition);
  }

  close(): void {
    for (const partition of this.#open.keys()) this.#write(partition);
    closeSync(this.#file);
  }

  #write(partition: number): void {
    const batch = this.#open[partition];
    if (batch === undefined) return;
    this.#open[partition] = undefined;
    batch.seal(this.#compression);
    batch.stamp(noProducer.identity, noProducer.sequence);
    const head = Buffer.alloc(headBytes);
    head.writeInt32BE(partition, 0);
    head.writeInt32BE(this.#readTo[partition]!, 4);
    head.writeInt32BE(batch.bytes.length, 8);
    writeSync(this.#file, head);
    writeSync(this.#file, batch.bytes);
  }
}

export interface ReadyBatch {
  readonly partition: number;
  readonly readTo: number;
  readonly bytes: Buffer;
}

/** All of them, in the order in which they were written: as fetched events become output. */
export function readReadyOutput(path: string): ReadyBatch[] {
  const file = openSync(path, 'r');
  const head = Buffer.alloc(headBytes);
  const batches: ReadyBatch[] = [];
  while (readSync(file, head) === headBytes) {
    const length = head.readInt32BE(8);
    if (length < batchFields.records) throw new Error(`${path} holds a batch of ${length} bytes`);
    const bytes = Buffer.allocUnsafeSlow(length);
    readSync(file, bytes);
    batches.push({ partition: head.readInt32BE(0), readTo: head.readInt32BE(4), bytes });
  }
  closeSync(file);
  return batches;
}
