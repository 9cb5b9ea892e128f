// The oracle of the fault tests: a client that is not ours produces numbered events, remembers what was acknowledged, and reads all that arrived.
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners } from '#adapters/kafka/kafkajs.ts';
import { until } from '#test/support/until.ts';

const client = (broker: string): Kafka =>
  new Kafka({
    clientId: 'oracle',
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 60 },
  });

/** Event n passes the tests' filter when n is even. */
export const anEvent = (n: number): string =>
  JSON.stringify({ n, parity: n % 2 === 0 ? 'even' : 'odd', text: `event ${n}` });

export interface Load {
  /** Numbers that the broker acknowledged so far. */
  readonly acknowledged: ReadonlySet<number>;
  /** Waits until `count` more are acknowledged. */
  more(count: number): Promise<void>;
  /** Stops producing; what is in flight is waited for. */
  stop(): Promise<ReadonlySet<number>>;
}

const batchEvents = 50;

/** Produces about `perSecond` events a second with acks=all until stopped; a batch that fails is not counted and not repeated. */
export function startLoad(broker: string, topic: string, perSecond: number): Load {
  const acknowledged = new Set<number>();
  const stopping = new AbortController();
  const done = produce(broker, topic, perSecond, acknowledged, stopping.signal);
  return {
    acknowledged,
    more: async (count) => {
      const goal = acknowledged.size + count;
      await until(() => (acknowledged.size >= goal ? true : null), `${count} more events to be acknowledged`, 60_000);
    },
    stop: async () => {
      stopping.abort();
      await done;
      return acknowledged;
    },
  };
}

async function produce(
  broker: string,
  topic: string,
  perSecond: number,
  acknowledged: Set<number>,
  signal: AbortSignal,
): Promise<void> {
  const producer = client(broker).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const startedAt = performance.now();
  for (let next = 0; !signal.aborted; ) {
    const batch = Array.from({ length: batchEvents }, () => next++);
    const messages = batch.map((n) => ({ key: `k${n % 97}`, value: anEvent(n) }));
    const sent = await producer.send({ topic, acks: -1, messages }).then(
      () => true,
      () => false,
    );
    if (sent) for (const n of batch) acknowledged.add(n);
    const dueMs = (next / perSecond) * 1000 - (performance.now() - startedAt);
    if (dueMs > 0) await sleep(dueMs, undefined, { signal }).catch(() => {});
  }
  await producer.disconnect();
}

/** Produces these values, one record each, and returns when all are acknowledged. */
export async function produceValues(
  broker: string,
  topic: string,
  values: readonly (string | Buffer | null)[],
): Promise<void> {
  const producer = client(broker).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: values.map((value) => ({ value })) });
  await producer.disconnect();
}

export interface ReadRecord {
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** All records between the start of the topic and its end as it is now. */
export async function readTopic(broker: string, topic: string): Promise<readonly ReadRecord[]> {
  const kafka = client(broker);
  const admin = kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  const left = new Map(
    offsets
      .filter(({ low, high }) => BigInt(high) > BigInt(low))
      .map(({ partition, high }) => [partition, BigInt(high)]),
  );
  const records: ReadRecord[] = [];
  if (left.size > 0) {
    const groupId = `oracle-${process.pid}-${Date.now()}-${Math.round(performance.now() * 1000)}`;
    const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer
        .run({
          autoCommit: false,
          eachMessage: async ({ partition, message }) => {
            const headers = Object.fromEntries(
              Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
            );
            records.push({
              partition,
              offset: message.offset,
              key: message.key?.toString() ?? null,
              value: message.value,
              headers,
            });
            if (BigInt(message.offset) + 1n >= (left.get(partition) ?? 0n)) left.delete(partition);
            if (left.size === 0) resolve();
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    await admin.deleteGroups([groupId]).catch(() => {});
  }
  await admin.disconnect();
  return records;
}

export interface Delivery {
  /** Acknowledged, passing the filter, and not at the sink. */
  readonly lost: readonly number[];
  /** Arrivals beyond one for each passing record of the source. */
  readonly duplicates: number;
  readonly arrived: number;
}

const isEven = (n: number): boolean => n % 2 === 0;

async function numbersIn(broker: string, topic: string): Promise<readonly number[]> {
  const records = await readTopic(broker, topic);
  return records.map((record) => (JSON.parse(record.value!.toString()) as { n: number }).n);
}

/** Waits until nothing acknowledged is missing at the sink (or time is up), and says what is lost and what came twice. */
export async function delivery(
  broker: string,
  topics: { readonly source: string; readonly sink: string },
  acknowledged: ReadonlySet<number>,
  withinMs = 120_000,
): Promise<Delivery> {
  const end = performance.now() + withinMs;
  const passing = (await numbersIn(broker, topics.source)).filter(isEven).length;
  for (;;) {
    const arrived = await numbersIn(broker, topics.sink);
    const unique = new Set(arrived);
    const lost = [...acknowledged].filter((n) => isEven(n) && !unique.has(n));
    if ((lost.length === 0 && arrived.length >= passing) || performance.now() > end)
      return { lost, duplicates: arrived.length - passing, arrived: arrived.length };
    await sleep(500);
  }
}

export async function changeTopic(
  broker: string,
  change: (admin: ReturnType<Kafka['admin']>) => Promise<unknown>,
): Promise<void> {
  const admin = client(broker).admin();
  await admin.connect();
  await change(admin);
  await admin.disconnect();
}
