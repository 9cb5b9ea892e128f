// What every broker's administration must do: idempotent changes that can be seen when they return.
import { expect, test } from '@jest/globals';
import type { BrokerAdmin, ObservedTopic } from '#core/ports/broker-admin.ts';

let topicCount = 0;
const newTopic = (): string => `admin-contract-${process.pid}-${Date.now()}-${++topicCount}`;
const watched = ['cleanup.policy', 'retention.ms'];

const describeOne = async (admin: BrokerAdmin, topic: string): Promise<ObservedTopic | null> =>
  (await admin.describe([topic], watched))[0] ?? null;

export function brokerAdminContract(open: () => BrokerAdmin): void {
  test('a created topic is seen at once with an id, its partitions and its settings', async () => {
    const admin = open();
    const topic = newTopic();
    expect(await admin.create(topic, 3, { 'retention.ms': '3600000' })).toBe('created');
    expect(await describeOne(admin, topic)).toEqual({
      topic,
      topicId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      partitions: 3,
      own: ['retention.ms'],
      config: { 'cleanup.policy': 'delete', 'retention.ms': '3600000' },
    });
    expect(await admin.list()).toContain(topic);
    await admin.remove(topic);
  });

  test('creating what is there changes nothing', async () => {
    const admin = open();
    const topic = newTopic();
    await admin.create(topic, 2, { 'retention.ms': '3600000' });
    const before = await describeOne(admin, topic);
    expect(await admin.create(topic, 5, { 'retention.ms': '1000' })).toBe('exists');
    expect(await describeOne(admin, topic)).toEqual(before);
    await admin.remove(topic);
  });

  test('of racing creators one creates', async () => {
    const admin = open();
    const topic = newTopic();
    const outcomes = await Promise.all([1, 2, 3, 4, 5].map(() => admin.create(topic, 1, {})));
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    await admin.remove(topic);
  });

  test('describing leaves out what does not exist, and asks for no more than the named settings', async () => {
    const admin = open();
    const topic = newTopic();
    await admin.create(topic, 1, {});
    const observed = await admin.describe([newTopic(), topic, newTopic()], ['retention.ms']);
    expect(observed.map((each) => each.topic)).toEqual([topic]);
    expect(Object.keys(observed[0]!.config)).toEqual(['retention.ms']);
    expect((await admin.describe([topic], []))[0]).toMatchObject({ config: {} });
    expect(await admin.describe([newTopic()], watched)).toEqual([]);
    expect(await admin.describe([], watched)).toEqual([]);
    await admin.remove(topic);
  });

  test('a topic grows; growing to what it has, or to less, is no error and shrinks nothing', async () => {
    const admin = open();
    const topic = newTopic();
    await admin.create(topic, 2, {});
    for (const partitions of [4, 4, 3]) {
      await admin.grow(topic, partitions);
      expect(await describeOne(admin, topic)).toMatchObject({ partitions: 4 });
    }
    expect((await admin.positions(topic))?.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
    await admin.remove(topic);
  });

  test('configuring sets what is named and keeps every other setting', async () => {
    const admin = open();
    const topic = newTopic();
    await admin.create(topic, 1, { 'retention.ms': '3600000', 'max.message.bytes': '200000' });
    const settings = [...watched, 'max.message.bytes'];
    await admin.configure(topic, { 'cleanup.policy': 'compact' });
    await admin.configure(topic, { 'cleanup.policy': 'compact' });
    const [observed] = await admin.describe([topic], settings);
    expect(observed?.config).toEqual({
      'cleanup.policy': 'compact',
      'retention.ms': '3600000',
      'max.message.bytes': '200000',
    });
    await admin.remove(topic);
  });

  test('what is set on the topic itself is told, and taken back it is as the broker has it', async () => {
    const admin = open();
    const topic = newTopic();
    await admin.create(topic, 1, { 'retention.ms': '3600000' });
    const [made] = await admin.describe([topic], watched);
    expect(made?.own).toEqual(['retention.ms']);
    await admin.configure(topic, { 'retention.ms': null, 'cleanup.policy': 'compact' });
    const [observed] = await admin.describe([topic], watched);
    expect(observed?.own).toEqual(['cleanup.policy']);
    expect(observed?.config['retention.ms']).not.toBe('3600000');
    await admin.remove(topic);
  });

  test('changing a topic that does not exist throws topic-missing', async () => {
    const admin = open();
    const missing = { code: 'topic-missing', fault: 'external', retry: 'retry' };
    await expect(admin.grow(newTopic(), 3)).rejects.toMatchObject(missing);
    await expect(admin.configure(newTopic(), { 'retention.ms': '1' })).rejects.toMatchObject(missing);
  });

  test('a removed topic is gone at once; removing it again is no error', async () => {
    const admin = open();
    const topic = newTopic();
    await admin.create(topic, 1, {});
    await admin.remove(topic);
    expect(await describeOne(admin, topic)).toBeNull();
    expect(await admin.list()).not.toContain(topic);
    expect(await admin.positions(topic)).toBeNull();
    await admin.remove(topic);
  });

  test('a topic made anew under the same name has another id', async () => {
    const admin = open();
    const topic = newTopic();
    await admin.create(topic, 1, {});
    const first = await describeOne(admin, topic);
    await admin.remove(topic);
    expect(await admin.create(topic, 1, {})).toBe('created');
    const second = await describeOne(admin, topic);
    expect(second?.topicId).not.toBe(first?.topicId);
    await admin.remove(topic);
  });

  test('the positions of an empty topic are zero in each partition', async () => {
    const admin = open();
    const topic = newTopic();
    await admin.create(topic, 2, {});
    const empty = (partition: number) => ({ partition, earliest: '0', latest: '0' });
    expect(await admin.positions(topic)).toEqual([empty(0), empty(1)]);
    expect(await admin.offsetsAt(topic, 0)).toEqual(
      new Map([
        [0, null],
        [1, null],
      ]),
    );
    expect(await admin.offsetsAt(newTopic(), 0)).toBeNull();
    await admin.remove(topic);
  });
}
