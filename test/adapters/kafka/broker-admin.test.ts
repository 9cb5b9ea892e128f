// The administration's contract over Kafka and over the double that simulations use; and Kafka's own refusals.
import { afterAll, describe, expect, test } from '@jest/globals';
import { createBrokerAdmin } from '#adapters/kafka/broker-admin.ts';
import { createRecordLog } from '#adapters/kafka/record-log.ts';
import { brokerAdminContract } from '#test/contract/broker-admin.contract.ts';
import { createMemoryBrokerAdmin } from '#test/support/memory-broker-admin.ts';
import { testEnvironment } from '#test/support/start-parts.ts';

const brokers = [process.env[testEnvironment.kafka] ?? ''];
const newTopic = (): string => `admin-${process.pid}-${Date.now()}`;

describe('on Kafka', () => {
  const admin = createBrokerAdmin({ brokers });
  afterAll(() => admin.close());
  brokerAdminContract(() => admin);

  test("Kafka's own topics are not listed, the platform's are", async () => {
    const deadLetters = `__dlq.${newTopic()}`;
    await admin.create(deadLetters, 1, {});
    const listed = await admin.list();
    expect(listed).toContain(deadLetters);
    expect(listed.filter((name) => /^__(consumer|transaction|share|cluster)/.test(name))).toEqual([]);
    await admin.remove(deadLetters);
  });

  test('positions move with the records', async () => {
    const topic = newTopic();
    await admin.create(topic, 1, {});
    const log = createRecordLog({ brokers });
    await log.append(
      topic,
      [1, 2, 3].map(() => ({ key: null, value: null })),
    );
    expect(await admin.positions(topic)).toEqual([{ partition: 0, earliest: '0', latest: '3' }]);
    expect(await admin.offsetsAt(topic, 0)).toEqual(new Map([[0, '0']]));
    expect(await admin.offsetsAt(topic, Date.now() + 60_000)).toEqual(new Map([[0, null]]));
    await log.close();
    await admin.remove(topic);
  });

  test("what Kafka does not take is refused for good, in the broker's words", async () => {
    const topic = newTopic();
    const refused = { code: 'kafka-refused', fault: 'user', retry: 'no-retry' };
    await expect(admin.create(topic, 1, { 'retention.ms': 'soon' })).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(new RegExp(`create ${topic}.*retention.ms`)),
    });
    await expect(admin.create('not a name', 1, {})).rejects.toMatchObject(refused);
    await admin.create(topic, 1, {});
    await expect(admin.configure(topic, { 'retention.ms': 'soon' })).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/soon/),
    });
    await admin.remove(topic);
  });

  test('where no broker answers every call ends at its deadline', async () => {
    const lost = createBrokerAdmin({ brokers: ['127.0.0.1:1'], callMs: 700 });
    const unavailable = { code: 'kafka-unavailable', fault: 'external', retry: 'retry' };
    const began = performance.now();
    await expect(lost.list()).rejects.toMatchObject(unavailable);
    await expect(lost.describe(['a'], [])).rejects.toMatchObject(unavailable);
    await expect(lost.positions('a')).rejects.toMatchObject(unavailable);
    expect(performance.now() - began).toBeLessThan(4_000);
    await lost.close();
  });
});

describe('in memory', () => {
  const broker = createMemoryBrokerAdmin();
  brokerAdminContract(() => broker);
});
