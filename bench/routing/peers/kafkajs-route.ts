// The same route as an ordinary KafkaJS program: parse, filter, project, produce, batch by batch.
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { lz4Compress, lz4Decompress } from '@platformatic/wasm-utils';
import kafkajs, { Kafka, logLevel } from 'kafkajs';

interface Event {
  id: number;
  ts: number;
  kind: string;
  country: string;
  duration_ms: number;
  device: { os: string };
}

// KafkaJS brings gzip only; its documentation has a user register the others. These are the codecs that our worker uses.
const codec = (compress: (bytes: Buffer) => Buffer, decompress: (bytes: Buffer) => Buffer) => () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => compress(buffer),
  decompress: async (bytes: Buffer) => decompress(bytes),
});
const { CompressionTypes, CompressionCodecs } = kafkajs;
CompressionCodecs[CompressionTypes.LZ4] = codec(lz4Compress, lz4Decompress);
CompressionCodecs[CompressionTypes.ZSTD] = codec(zstdCompressSync, zstdDecompressSync);
const types = { none: CompressionTypes.None, lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD } as const;

const [broker = '', source = '', sink = '', name = 'none'] = process.argv.slice(2);
const compression = types[name as keyof typeof types];
const kafka = new Kafka({ clientId: 'bench', brokers: [broker], logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: `bench-${sink}`, maxBytesPerPartition: 1024 * 1024, maxWaitTimeInMs: 100 });
const producer = kafka.producer({ allowAutoTopicCreation: false });
await Promise.all([consumer.connect(), producer.connect()]);
await consumer.subscribe({ topic: source, fromBeginning: true });
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch }) => {
    const messages = [];
    for (const { value, timestamp } of batch.messages) {
      const event = JSON.parse(String(value)) as Event;
      if ((event.kind !== 'play' && event.kind !== 'stop') || event.duration_ms < 0) continue;
      const { id, ts, kind, country, device } = event;
      messages.push({
        value: JSON.stringify({ id, ts, kind, country, os: device.os }),
        timestamp,
        partition: batch.partition,
      });
    }
    if (messages.length > 0) await producer.send({ topic: sink, acks: -1, compression, messages });
  },
});
