// Topics of a benchmark: filled fast, counted while somebody writes to them, and checked record by record at the end.
import { type Admin, Kafka, logLevel } from '#adapters/kafka/kafkajs.ts';
import { until } from '#test/support/until.ts';
import { encodeFetch, fetchApi, parseFetch } from '#workers/kafka/apis.ts';
import { Cluster, parseBrokers } from '#workers/kafka/cluster.ts';
import { noHeaders, type OutputCompression, type Slice } from '#workers/kafka/output-batch.ts';
import { Producer } from '#workers/kafka/producer.ts';
import { RecordReader } from '#workers/kafka/record-reader.ts';
import { Content } from './content.ts';
import { createEvents } from './events.ts';
import { ReadyOutputWriter } from './ready-output.ts';

export const partitions = 4;
const fetchBytes = 4 * 1024 * 1024;

async function connectAdmin(broker: string): Promise<Admin> {
  const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 60 };
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, retry }).admin();
  await admin.connect();
  return admin;
}

export async function createTopics(broker: string, topics: readonly string[]): Promise<void> {
  const admin = await connectAdmin(broker);
  const wishes = topics.map((topic) => ({ topic, numPartitions: partitions }));
  await admin.createTopics({ waitForLeaders: false, topics: wishes });
  for (const topic of topics) await until(() => haveLeaders(admin, topic), `topic ${topic} to have its leaders`);
  await admin.disconnect();
}

async function haveLeaders(admin: Admin, topic: string): Promise<true | null> {
  const metadata = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => null);
  const led = metadata?.topics[0]?.partitions.filter(({ leader }) => leader >= 0) ?? [];
  return led.length === partitions ? true : null;
}

export async function deleteTopics(broker: string, topics: readonly string[]): Promise<void> {
  const admin = await connectAdmin(broker);
  await admin.deleteTopics({ topics: [...topics] });
  await admin.disconnect();
}

export interface Filled {
  /** What every contender has to have written in the end. */
  readonly expected: Content;
  readonly bytes: number;
}

/** Writes the seeded events in turn to the partitions, without keys, and the output that the route makes of them to a file. */
export async function fill(
  broker: string,
  topic: string,
  wish: { readonly events: number; readonly seed: number; readonly compression: OutputCompression },
  readyOutput: string,
): Promise<Filled> {
  const cluster = new Cluster(parseBrokers(broker), [topic], 'bench-fill');
  await cluster.refresh();
  const producer = new Producer(cluster, {
    compression: wish.compression,
    lingerMs: 50,
    pendingBytesMax: 16 * 1024 * 1024,
    monotonicMs: () => performance.now(),
    maySend: () => true,
    onTrouble: (code, message) => process.stderr.write(`${code}: ${message}\n`),
    onReplay: (reason) => {
      throw new Error(reason);
    },
  });
  const writer = await producer.prepare(topic);
  const ready = new ReadyOutputWriter(readyOutput, wish.compression);
  const event = createEvents(wish.seed);
  const expected = new Content();
  const origin = { attached: 0, attach: () => void origin.attached++, acknowledge: () => void origin.attached-- };
  let bytes = 0;
  for (let id = 0; id < wish.events; id++) {
    const { text, output } = event(id);
    const partition = id % partitions;
    const now = Date.now();
    if (output !== null) {
      expected.add(output);
      ready.add(partition, Math.floor(id / partitions), now, output);
    }
    const value = Buffer.from(text);
    bytes += value.length;
    for (let room = producer.room(); room !== null; room = producer.room()) await room;
    producer.append(writer, partition, now, none, { bytes: value, start: 0, end: value.length }, noHeaders, origin);
  }
  producer.flush();
  while (origin.attached > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  ready.close();
  producer.close();
  await cluster.close();
  return { expected, bytes };
}

const none: Slice = { bytes: new Uint8Array(0), start: 0, end: -1 };

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
    // A topic that was made a moment ago has a leader in the metadata before that leader knows of it.
    const ends = await Promise.all(
      Array.from({ length: partitions }, (_, partition) =>
        this.#cluster.offset(this.#topic, partition, -1).catch(() => null),
      ),
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
