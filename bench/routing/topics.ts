// Topics of a benchmark: filled fast, counted while somebody writes to them, and checked record by record at the end.
import { Kafka, logLevel } from 'kafkajs';
import { encodeFetch, fetchApi, parseFetch } from '#workers/kafka/apis.ts';
import { Cluster, parseBrokers } from '#workers/kafka/cluster.ts';
import { noHeaders, type Slice } from '#workers/kafka/output-batch.ts';
import { Producer } from '#workers/kafka/producer.ts';
import { RecordReader } from '#workers/kafka/record-reader.ts';
import { createEvents } from './events.ts';

export const partitions = 4;
const fetchBytes = 4 * 1024 * 1024;

export async function createTopics(broker: string, topics: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: topics.map((topic) => ({ topic, numPartitions: partitions })),
  });
  await admin.disconnect();
}

export async function deleteTopics(broker: string, topics: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [...topics] });
  await admin.disconnect();
}

/** Writes the seeded events in turn to the partitions, without keys; gives which ids pass the route. */
export async function fill(broker: string, topic: string, count: number, seed: number): Promise<Uint8Array> {
  const cluster = new Cluster(parseBrokers(broker), [topic], 'bench-fill');
  await cluster.refresh();
  const producer = new Producer(cluster, {
    compression: 'none',
    lingerMs: 5,
    pendingBytesMax: 16 * 1024 * 1024,
    monotonicMs: () => performance.now(),
    maySend: () => true,
    onTrouble: (code, message) => process.stderr.write(`${code}: ${message}\n`),
    onReplay: (reason) => {
      throw new Error(reason);
    },
  });
  const writer = await producer.prepare(topic);
  const event = createEvents(seed);
  const passing = new Uint8Array(count);
  const none: Slice = { bytes: new Uint8Array(0), start: 0, end: -1 };
  let acknowledged = 0;
  let attached = 0;
  const origin = { attach: () => void attached++, acknowledge: () => void acknowledged++ };
  for (let id = 0; id < count; id++) {
    const { text, passes } = event(id);
    passing[id] = passes ? 1 : 0;
    const bytes = Buffer.from(text);
    for (let room = producer.room(); room !== null; room = producer.room()) await room;
    producer.append(
      writer,
      id % partitions,
      Date.now(),
      none,
      { bytes, start: 0, end: bytes.length },
      noHeaders,
      origin,
    );
  }
  producer.flush();
  while (acknowledged < attached) await new Promise((resolve) => setTimeout(resolve, 10));
  producer.close();
  await cluster.close();
  return passing;
}

export class Watcher {
  readonly #cluster: Cluster;
  readonly #topic: string;

  constructor(cluster: Cluster, topic: string) {
    this.#cluster = cluster;
    this.#topic = topic;
  }

  static async open(broker: string, topic: string): Promise<Watcher> {
    const cluster = new Cluster(parseBrokers(broker), [topic], 'bench-watch');
    await cluster.refresh();
    return new Watcher(cluster, topic);
  }

  async count(): Promise<number> {
    const ends = await Promise.all(
      Array.from({ length: partitions }, (_, partition) => this.#cluster.offset(this.#topic, partition, -1)),
    );
    return ends.reduce<number>((sum, end) => sum + (end ?? 0), 0);
  }

  /** Every value of the topic; the bytes are only good during the call. */
  async each(see: (value: Buffer) => void): Promise<void> {
    const info = this.#cluster.topic(this.#topic)!;
    const reader = new RecordReader();
    for (let partition = 0; partition < partitions; partition++) {
      const end = (await this.#cluster.offset(this.#topic, partition, -1)) ?? 0;
      for (let offset = 0; offset < end; ) {
        const link = this.#cluster.link(info.leaders[partition]!, 'fetch')!;
        const wanted = [{ partition, offset, bytesMax: fetchBytes }];
        const request = encodeFetch({ topicId: info.topicId, waitMs: 500, bytesMax: fetchBytes, partitions: wanted });
        const [fetched] = (await link.request(fetchApi, [request], parseFetch)).partitions;
        reader.open(fetched!.records, offset, fetched!.aborted);
        while (reader.next()) see(reader.bytes.subarray(reader.valueStart, reader.valueEnd));
        offset = reader.readTo;
      }
    }
  }

  async close(): Promise<void> {
    await this.#cluster.close();
  }
}
