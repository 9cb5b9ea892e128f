// The producer's account of what is on its way: an owner that starts over finds nothing left of what it gave up.
import { expect, test } from '@jest/globals';
import { limits } from '#core/limits.ts';
import type { ProduceResponse } from '#workers/kafka/apis.ts';
import type { Cluster } from '#workers/kafka/cluster.ts';
import { errorCodes } from '#workers/kafka/error-codes.ts';
import { noHeaders, type Slice } from '#workers/kafka/output-batch.ts';
import { Producer, type ProducerOptions } from '#workers/kafka/producer.ts';
import type { Session } from '#workers/kafka/session.ts';
import type { TopicWriter } from '#workers/kafka/topic-writer.ts';

const none: Slice = { bytes: new Uint8Array(0), start: 0, end: -1 };
const value: Slice = { bytes: Buffer.from('{}'), start: 0, end: 2 };
const origin = { attach: (): void => {}, acknowledge: (): void => {} };

/** One broker that leads one partition; whoever asks is answered when the test says so, in order. */
function anAnsweredCluster() {
  const asked: PromiseWithResolvers<ProduceResponse>[] = [];
  const request = async (): Promise<ProduceResponse> => {
    const answer = Promise.withResolvers<ProduceResponse>();
    asked.push(answer);
    return await answer.promise;
  };
  const cluster = {
    clusterId: 'c',
    topic: (topic: string) => ({ topic, topicId: 'id', leaders: [1] }),
    link: () => ({ request }),
    refresh: async () => {},
    messageBytesMax: async () => 1_000_000,
  } as unknown as Cluster;
  const answer = async (errorCode: number): Promise<void> => {
    const partition = { topic: 't', partition: 0, errorCode, errorMessage: null, baseOffset: 0 };
    asked.shift()!.resolve({ throttleMs: 0, partitions: [partition] });
    // What follows from one answer is over before the next one arrives, as with two reads of a socket.
    await new Promise(setImmediate);
  };
  return { cluster, asked, answer };
}

const aTransaction = (idle: () => Promise<void>, onRenewed: () => void): Session => ({
  transactionalId: 'mine',
  current: () => ({ producerId: 1n, producerEpoch: 0, isTransactional: true }),
  ensure: async () => {},
  renew: async () => {
    await idle();
    onRenewed();
  },
  close: () => {},
});

const aProducer = (cluster: Cluster, options: Partial<ProducerOptions>): Producer =>
  new Producer(cluster, {
    compression: 'none',
    lingerMs: 60_000,
    pendingBytesMax: 1_000_000,
    monotonicMs: () => performance.now(),
    maySend: () => true,
    onTrouble: () => {},
    onReplay: () => {},
    session: ({ idle, onRenewed }) => aTransaction(idle, onRenewed),
    ...options,
  });

test('two batches that are refused one after the other, as by a successor, leave nothing behind when the owner starts over', async () => {
  const { cluster, asked, answer } = anAnsweredCluster();
  const startedOver = Promise.withResolvers<void>();
  const producer: Producer = aProducer(cluster, {
    onReplay: () => void producer.startOver().then(startedOver.resolve),
  });
  const writer = await producer.prepare('t');
  const write = (): void => {
    producer.append(writer, 0, 1, none, value, noHeaders, origin);
    producer.flush();
  };
  write();
  await answer(errorCodes.none);
  write();
  write();
  expect(asked).toHaveLength(2);
  await answer(errorCodes.producerFenced);
  await answer(errorCodes.producerFenced);
  await startedOver.promise;
  expect({ pendingBytes: producer.pendingBytes, isIdle: producer.isIdle }).toEqual({ pendingBytes: 0, isIdle: true });
  producer.close();
});

test('whoever waits for room of a producer that closes, as that of a split that leaves does, is let go', async () => {
  const { cluster } = anAnsweredCluster();
  const producer = aProducer(cluster, { pendingBytesMax: 1 });
  const writer = await producer.prepare('t');
  producer.append(writer, 0, 1, none, value, noHeaders, origin);
  let isLetGo = false;
  void producer.room()?.then(() => {
    isLetGo = true;
  });
  await new Promise(setImmediate);
  expect(isLetGo).toBe(false);
  producer.close();
  await new Promise(setImmediate);
  expect(isLetGo).toBe(true);
});

/** Two brokers that lead a partition each: what each answers, and what it was asked. */
function twoBrokers(answerOf: (node: number) => { readonly throttleMs: number; readonly errorCode: number }) {
  const asked: number[] = [];
  const request = async (node: number): Promise<ProduceResponse> => {
    asked.push(node);
    const { throttleMs, errorCode } = answerOf(node);
    const partition = { topic: 't', partition: node - 1, errorCode, errorMessage: null, baseOffset: 0 };
    return { throttleMs, partitions: [partition] };
  };
  const cluster = {
    clusterId: 'c',
    topic: (topic: string) => ({ topic, topicId: 'id', leaders: [1, 2] }),
    link: (node: number) => ({ request: () => request(node) }),
    refresh: async () => {},
    messageBytesMax: async () => 1_000_000,
  } as unknown as Cluster;
  return { cluster, asked };
}

/** Resolves when what was written is acknowledged. */
function write(producer: Producer, writer: TopicWriter, partition: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  producer.append(writer, partition, 1, none, value, noHeaders, { attach: () => {}, acknowledge: resolve });
  return promise;
}

test('what one broker refused is sent again while another asks for a pause of half a minute', async () => {
  let refusals = 1;
  const { cluster, asked } = twoBrokers((node) =>
    node === 1
      ? { throttleMs: limits.throttleMsMax, errorCode: errorCodes.none }
      : { throttleMs: 0, errorCode: refusals-- > 0 ? errorCodes.notLeader : errorCodes.none },
  );
  const producer = aProducer(cluster, {});
  const writer = await producer.prepare('t');
  const first = write(producer, writer, 0);
  producer.flush();
  await first;
  await new Promise(setImmediate);
  const second = write(producer, writer, 1);
  producer.flush();
  await second;
  expect(asked).toEqual([1, 2, 2]);
  producer.close();
});

test('what waits while nothing may be sent goes out when it may, although nobody asks', async () => {
  let maySend = false;
  const { cluster, asked } = twoBrokers(() => ({ throttleMs: 0, errorCode: errorCodes.none }));
  const producer = aProducer(cluster, { maySend: () => maySend });
  const writer = await producer.prepare('t');
  const written = write(producer, writer, 0);
  producer.flush();
  await new Promise(setImmediate);
  expect(asked).toEqual([]);
  maySend = true;
  await written;
  expect(asked).toEqual([1]);
  producer.close();
});
