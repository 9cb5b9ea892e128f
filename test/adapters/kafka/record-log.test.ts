// The record log's contract over Kafka; and what other producers leave in a topic: headers, compression, transactions.
import { afterAll, describe, expect, test } from '@jest/globals';
import { type CompressionAlgorithmValue, Producer } from '@platformatic/kafka';
import { createBrokerAdmin } from '#adapters/kafka/broker-admin.ts';
import { createRecordLog } from '#adapters/kafka/record-log.ts';
import type { LogRecord } from '#core/ports/record-log.ts';
import { decompressedBytesMax } from '#core/record-batch/compression.ts';
import { collect, recordLogContract } from '#test/contract/record-log.contract.ts';
import { testEnvironment } from '#test/support/start-parts.ts';

const brokers = [process.env[testEnvironment.kafka] ?? ''];

describe('on Kafka', () => {
  const admin = createBrokerAdmin({ brokers });
  const log = createRecordLog({ brokers });
  const topics: string[] = [];
  const newTopic = async (partitions: number, config: Readonly<Record<string, string>> = {}): Promise<string> => {
    const topic = `log-${process.pid}-${Date.now()}-${topics.length}`;
    topics.push(topic);
    await admin.create(topic, partitions, config);
    return topic;
  };
  const remakeTopic = async (topic: string): Promise<void> => {
    await admin.remove(topic);
    await admin.create(topic, 1, {});
  };
  afterAll(async () => {
    for (const topic of topics) await admin.remove(topic);
    await Promise.all([log.close(), admin.close()]);
  });
  recordLogContract(() => ({ log, newTopic, remakeTopic }));

  const readAll = (topic: string): Promise<LogRecord[]> =>
    collect(log.read({ topic, from: 'earliest', follow: false, signal: new AbortController().signal }));
  const valuesIn = async (topic: string): Promise<(string | undefined)[]> =>
    (await readAll(topic)).map(({ value }) => value?.toString());
  const messages = (topic: string, values: readonly string[]) =>
    values.map((value) => ({ topic, partition: 0, value: Buffer.from(value) }));

  test('headers are read, empty and binary ones too', async () => {
    const topic = await newTopic(1);
    const producer = new Producer({ clientId: 'test', bootstrapBrokers: brokers });
    const headers = new Map([
      [Buffer.from('a'), Buffer.from([0, 255])],
      [Buffer.from('ü'), Buffer.alloc(0)],
    ]);
    await producer.send({
      messages: [{ topic, partition: 0, value: Buffer.from('v'), headers, timestamp: 1234n }],
      acks: -1,
    });
    await producer.close();
    const [record] = await readAll(topic);
    expect(record).toMatchObject({ timestamp: 1234, key: null });
    expect(record?.headers.map(({ name, value }) => [name, [...value!]])).toEqual([
      ['a', [0, 255]],
      ['ü', []],
    ]);
  });

  test.each<CompressionAlgorithmValue>(['gzip', 'snappy', 'lz4', 'zstd'])(
    'batches in %s are read',
    async (compression) => {
      const topic = await newTopic(1);
      const producer = new Producer({ clientId: 'test', bootstrapBrokers: brokers, compression });
      const values = Array.from({ length: 300 }, (_, index) => `${index} `.repeat(40));
      await producer.send({ messages: messages(topic, values), acks: -1 });
      await producer.close();
      expect(await valuesIn(topic)).toEqual(values);
    },
  );

  test.each<CompressionAlgorithmValue>(['gzip', 'snappy', 'lz4', 'zstd'])(
    'a batch in %s that would unpack to more than is ever read is told by its place, and what stands around it is read',
    async (compression) => {
      const topic = await newTopic(1);
      await log.append(topic, [{ key: null, value: Buffer.from('before') }]);
      const producer = new Producer({ clientId: 'test', bootstrapBrokers: brokers, compression });
      await producer.send({ messages: messages(topic, [' '.repeat(decompressedBytesMax / 2)]), acks: -1 });
      await producer.send({ messages: messages(topic, Array(3).fill(' '.repeat(decompressedBytesMax / 2))), acks: -1 });
      await producer.close();
      await log.append(topic, [{ key: null, value: Buffer.from('behind') }]);
      const seen: LogRecord[] = [];
      const signal = new AbortController().signal;
      const reading = async (): Promise<void> => {
        for await (const record of log.read({ topic, from: 'earliest', follow: false, signal })) seen.push(record);
      };
      await expect(reading()).rejects.toMatchObject({
        ...{ code: 'records-unreadable', fault: 'user', retry: 'no-retry' },
        message: expect.stringMatching(/^partition 0 of log-\S+ cannot be read from offset 2 to 4: .*decompresses to/),
      });
      expect(seen.map(({ offset, value }) => [offset, value?.length])).toEqual([
        ['0', 6],
        ['1', decompressedBytesMax / 2],
      ]);
      const behind = log.read({ topic, from: { offsets: { 0: '5' } }, follow: false, signal });
      expect((await collect(behind)).map(({ value }) => value?.toString())).toEqual(['behind']);
    },
  );

  test('what aborted transactions wrote is not read, and the gaps that markers leave end nothing early', async () => {
    const topic = await newTopic(1);
    const transactionalId = `test-${Date.now()}`;
    const producer = new Producer({ clientId: 'test', bootstrapBrokers: brokers, idempotent: true, transactionalId });
    for (const [values, isKept] of [
      [['a', 'b'], true],
      [['lost', 'lost'], false],
      [['c'], true],
      [['lost'], false],
    ] as const) {
      const transaction = await producer.beginTransaction();
      await transaction.send({ messages: messages(topic, values), acks: -1 });
      await (isKept ? transaction.commit() : transaction.abort());
    }
    expect(await valuesIn(topic)).toEqual(['a', 'b', 'c']);
    const open = await producer.beginTransaction();
    await open.send({ messages: messages(topic, ['not yet']), acks: -1 });
    expect(await valuesIn(topic)).toEqual(['a', 'b', 'c']);
    await open.commit();
    expect(await valuesIn(topic)).toEqual(['a', 'b', 'c', 'not yet']);
    await producer.close();
  });

  test('closing the log ends its readings', async () => {
    const topic = await newTopic(1);
    const other = createRecordLog({ brokers });
    const signal = new AbortController().signal;
    const next = other.read({ topic, from: 'latest', follow: true, signal })[Symbol.asyncIterator]().next();
    setTimeout(() => void other.close(), 100);
    expect(await next).toMatchObject({ done: true });
  });

  test('partitions that a followed topic gets are read from their beginning', async () => {
    const topic = await newTopic(1);
    const abort = new AbortController();
    const seen: string[] = [];
    await log.append(topic, [{ key: null, value: Buffer.from('first') }]);
    for await (const { partition, offset } of log.read({
      topic,
      from: 'earliest',
      follow: true,
      signal: abort.signal,
    })) {
      seen.push(`${partition}/${offset}`);
      if (seen.length === 3) abort.abort();
      if (seen.length > 1) continue;
      await admin.grow(topic, 3);
      await log.append(
        topic,
        [1, 2, 3].map(() => ({ key: null, value: Buffer.from('later') })),
      );
    }
    expect(new Set(seen.map((place) => place.split('/')[0])).size).toBeGreaterThan(1);
  });

  test('where no broker answers, append and read end at the deadline [fault 132]', async () => {
    const lost = createRecordLog({ brokers: ['127.0.0.1:1'], callMs: 700 });
    const unavailable = { code: 'kafka-unavailable', fault: 'external', retry: 'retry' };
    await expect(lost.append('a', [{ key: null, value: null }])).rejects.toMatchObject(unavailable);
    const reading = lost.read({ topic: 'a', from: 'earliest', follow: false, signal: new AbortController().signal });
    await expect(collect(reading)).rejects.toMatchObject(unavailable);
    await lost.close();
  });
});
