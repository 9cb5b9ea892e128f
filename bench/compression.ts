// What compression of record batches costs and saves: each codec that a worker has, over the routing benchmark's own records.
import { constants, zstdCompressSync } from 'node:zlib';
import { batchFields, compressionCodes } from '#core/record-batch/batch-format.ts';
import { compress, decompress } from '#core/record-batch/compression.ts';
import { noHeaders, OutputBatch, type Slice } from '#workers/kafka/output-batch.ts';
import { createEvents } from './routing/events.ts';

interface Codec {
  readonly name: string;
  readonly compress: (bytes: Buffer) => Buffer;
  readonly decompress: (bytes: Buffer) => Buffer;
}

const chunkSize = 256 * 1024;
/** As the worker does it, but for the level. */
const zstdAt = (level: number): Codec => ({
  name: `zstd ${level}`,
  compress: (bytes) => zstdCompressSync(bytes, { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level } }),
  decompress: (bytes) => decompress(compressionCodes.zstd, bytes),
});
const own = (codec: 'lz4' | 'zstd'): Codec => ({
  name: `${codec} (the worker's)`,
  compress: (bytes) => compress(codec, bytes),
  decompress: (bytes) => decompress(compressionCodes[codec], bytes),
});
const codecs: readonly Codec[] = [own('lz4'), own('zstd'), ...[-3, 1, 3, 6].map(zstdAt)];

const roundMs = 300;
const rounds = 5;
const noKey: Slice = { bytes: new Uint8Array(0), start: 0, end: -1 };
const nobody = { attach: () => {}, acknowledge: () => {} };

/** The records' part of one batch. */
function batchOf(values: readonly string[]): { readonly bytes: Buffer; readonly count: number } {
  const batch = new OutputBatch();
  for (const text of values) {
    const bytes = Buffer.from(text);
    batch.append(1_767_225_600_000, noKey, { bytes, start: 0, end: bytes.length }, noHeaders, nobody);
  }
  batch.seal('none');
  return { bytes: Buffer.from(batch.bytes.subarray(batchFields.records)), count: batch.count };
}

/** Processor time of one call, in microseconds: the least of several rounds, since disturbances only add. */
function microseconds(call: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    const end = performance.now() + roundMs;
    let count = 0;
    for (; performance.now() < end; count++) call();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / count);
  }
  return least;
}

const event = createEvents(1);
const events = Array.from({ length: 2_000 }, (_, id) => event(id));
const batches = {
  events: batchOf(events.slice(0, 500).map(({ text }) => text)),
  output: batchOf(events.flatMap(({ output }) => (output === null ? [] : [output]))),
};
const figures = Object.entries(batches).flatMap(([records, { bytes, count }]) =>
  codecs.map(({ name, compress, decompress }) => {
    const compressed = compress(bytes);
    const perRecord = (call: () => void): number => Number((microseconds(call) / count).toFixed(3));
    const figure = {
      records,
      codec: name,
      batchBytes: bytes.length,
      ratio: Number((bytes.length / compressed.length).toFixed(2)),
      compressMicrosPerRecord: perRecord(() => compress(bytes)),
      decompressMicrosPerRecord: perRecord(() => decompress(compressed)),
    };
    process.stderr.write(`${JSON.stringify(figure)}\n`);
    return figure;
  }),
);
process.stdout.write(`${JSON.stringify({ figures, ok: true })}\n`);
