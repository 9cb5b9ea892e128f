// A worker as a process on the real parts: what becomes of each record when nothing fails.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { CompressionTypes, Partitioners } from '#adapters/kafka/kafkajs.ts';
import { isBalanced } from '#core/job/accounting.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import { deadLetterHeaders, environment, telemetryGroup } from '#core/names.ts';
import { anErrorPolicy } from '#test/support/builders.ts';
import { until } from '#test/support/until.ts';
import { addressesFromEnvironment, WorkerRig } from '../workers/worker-rig.ts';

let rig: WorkerRig;
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
});
afterEach(() => rig.endWorkers());
afterAll(async () => await rig.close());

const event = (id: number, more: object = {}): string =>
  JSON.stringify({ id, kind: id % 2 === 0 ? 'play' : 'stop', ...more });
const idOf = (value: Buffer | null): number => (JSON.parse(String(value)) as { id: number }).id;
const text = (header: unknown): string => String(header);

describe('records that pass', () => {
  test('arrive exactly once, in the order of their key, with key, headers and time as they were', async () => {
    const goal = await rig.job({ where: "kind = 'play'", select: 'id, upper(kind) AS kind' });
    const count = 30_000;
    const at = Date.now() - 100_000;
    await rig.produce(
      goal.source.topic,
      Array.from({ length: count }, (_, id) => ({
        key: `k${id % 50}`,
        value: event(id),
        timestamp: String(at + id),
        headers: id % 1_000 === 0 ? { trace: `t${id}`, empty: '' } : {},
      })),
    );
    const worker = await rig.start(goal);
    const accounting = await rig.accounted(goal, count);
    expect(accounting).toEqual({ in: count, out: count / 2, filtered: count / 2, deadLettered: 0, dropped: {} });

    const records = await rig.read(goal.sink.topic);
    const ids = records.map(({ value }) => idOf(value));
    expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: count / 2 }, (_, index) => index * 2));
    const lastOfKey = new Map<string, number>();
    for (const { key, value, timestamp, headers, partition } of records) {
      const id = idOf(value);
      expect(id).toBeGreaterThan(lastOfKey.get(`${partition} ${key}`) ?? -1);
      lastOfKey.set(`${partition} ${key}`, id);
      expect(String(key)).toBe(`k${id % 50}`);
      expect(timestamp).toBe(at + id);
      expect(headers['trace'] === undefined ? undefined : text(headers['trace'])).toBe(
        id % 1_000 === 0 ? `t${id}` : undefined,
      );
    }
    expect(lastOfKey.size).toBe(25);
    worker.child.kill('SIGTERM');
    expect(await worker.exited).toBe(exitCodes.ended);
    expect((await rig.records(goal)).every(({ owner }) => owner === null)).toBe(true);
    expect((await rig.workers.view(goal.id)).heartbeats).toEqual([]);
  });

  test('land by their key where a Java producer would put them', async () => {
    const goal = await rig.job({ select: 'id', key: 'id', sinkPartitions: 7 });
    await rig.produce(
      goal.source.topic,
      Array.from({ length: 500 }, (_, id) => ({ value: event(id) })),
    );
    await rig.start(goal);
    await rig.accounted(goal, 500);
    const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({
      partitionId,
      partitionErrorCode: 0,
      leader: 1,
      replicas: [1],
      isr: [1],
    }));
    const partitionOf = Partitioners.DefaultPartitioner();
    for (const { key, value, partition } of await rig.read(goal.sink.topic)) {
      expect(String(key)).toBe(String(idOf(value)));
      expect(partition).toBe(partitionOf({ topic: 't', partitionMetadata, message: { key, value } }));
    }
  });

  test('pass unchanged without a select: a record without a value too', async () => {
    const goal = await rig.job({ partitions: 1 });
    const values = ['{"a":  1.10}', null, '{"id":12345678901234567890,"x":"\\u00e9"}'];
    await rig.produce(
      goal.source.topic,
      values.map((value, index) => ({ key: `k${index}`, value })),
    );
    await rig.start(goal);
    await rig.accounted(goal, 3);
    const read = await rig.read(goal.sink.topic);
    const byKey = new Map(read.map(({ key, value }) => [String(key), value === null ? null : String(value)]));
    expect(values.map((_, index) => byKey.get(`k${index}`))).toEqual(values);
  });

  test('are read from compressed batches, and not from aborted transactions [fault 97]', async () => {
    const goal = await rig.job({ partitions: 1, where: 'id >= 0' });
    const { topic } = goal.source;
    await rig.producer.send({
      topic,
      compression: CompressionTypes.GZIP,
      messages: Array.from({ length: 100 }, (_, id) => ({ value: event(id) })),
    });
    const producer = rig.kafka.producer({
      transactionalId: `tx-${goal.name}`,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    for (const [from, outcome] of [
      [100, 'abort'],
      [200, 'commit'],
      [300, 'abort'],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: Array.from({ length: 10 }, (_, id) => ({ value: event(from + id) })) });
      await transaction[outcome]();
    }
    await producer.disconnect();
    const worker = await rig.start(goal);
    await rig.accounted(goal, 110);
    const heartbeat = await rig.heartbeatWith(goal, worker.name, ({ splits }) => splits[0]?.position === '133');
    expect(heartbeat.splits[0]).toMatchObject({ endPosition: '133', lagRecords: 0 });
    expect((await rig.read(goal.sink.topic)).map(({ value }) => idOf(value))).toEqual([
      ...Array.from({ length: 100 }, (_, id) => id),
      ...Array.from({ length: 10 }, (_, id) => 200 + id),
    ]);
  });
});

describe('records that cannot pass', () => {
  test('are set aside with their bytes and their reason, among good ones that pass', async () => {
    const goal = await rig.job({
      partitions: 1,
      where: "id >= 0 AND kind = 'play'",
      select: 'id, kind',
      sinkConfig: { 'max.message.bytes': '1000000' },
    });
    const large = `{"id":8,"kind":"play","pad":"${'x'.repeat(2 * 1024 * 1024)}"}`;
    const bad = [
      Buffer.from('{"id": 1, "kind":'),
      Buffer.from(''),
      Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
      Buffer.from('[1]'),
    ];
    const good = ['{"id":2,"kind":"play"}', '{"id":4,"kind":"play","__proto__":{"kind":"stop"}}', large];
    const twice = '{"id":6,"kind":"stop","kind":"play"}';
    await rig.produce(goal.source.topic, [
      { value: good[0]! },
      ...bad.map((value) => ({ key: 'k', value, headers: { own: 'kept' } })),
      { value: good[1]! },
      { value: large },
      { value: twice },
      { value: null },
    ]);
    const worker = await rig.start(goal);
    const accounting = await rig.accounted(goal, 9);
    expect(accounting).toMatchObject({ in: 9, deadLettered: bad.length, filtered: 1 });
    expect(isBalanced(accounting)).toBe(true);
    expect((await rig.read(goal.sink.topic)).map(({ value }) => String(value)).slice(0, 3)).toEqual([
      '{"id":2,"kind":"play"}',
      '{"id":4,"kind":"play"}',
      '{"id":8,"kind":"play"}',
    ]);
    const letters = await rig.read(goal.deadLetterTopic);
    expect(letters.map(({ value }) => value)).toEqual(bad);
    letters.forEach(({ key, headers }, index) => {
      expect([String(key), text(headers['own'])]).toEqual(['k', 'kept']);
      expect(text(headers[deadLetterHeaders.job])).toBe(goal.name);
      expect(text(headers[deadLetterHeaders.errorClass])).toBe('poison');
      expect(text(headers[deadLetterHeaders.topic])).toBe(goal.source.topic);
      expect(text(headers[deadLetterHeaders.offset])).toBe(String(1 + index));
      expect(text(headers[deadLetterHeaders.errorMessage]).length).toBeGreaterThan(5);
    });
    const heartbeat = await rig.heartbeatWith(goal, worker.name, ({ errors }) => errors.length > 0);
    expect(heartbeat.errors[0]).toMatchObject({ code: 'poison', count: bad.length });
  });

  test('because they are too large for the sink are set aside alone [fault 94]', async () => {
    const goal = await rig.job({ partitions: 1, sinkConfig: { 'max.message.bytes': '100000' } });
    const values = [event(0), event(1, { pad: 'x'.repeat(150_000) }), event(2), event(3, { pad: 'x'.repeat(90_000) })];
    await rig.produce(
      goal.source.topic,
      values.map((value) => ({ value })),
    );
    await rig.start(goal);
    expect(await rig.accounted(goal, 4)).toMatchObject({ in: 4, out: 3, deadLettered: 1 });
    expect((await rig.read(goal.sink.topic)).map(({ value }) => idOf(value))).toEqual([0, 2, 3]);
    const [letter] = await rig.read(goal.deadLetterTopic);
    expect(String(letter?.value)).toBe(values[1]);
    expect(text(letter?.headers[deadLetterHeaders.errorClass])).toBe('too-large');
  });

  test('because the sink’s limit was lowered under the worker are set aside alone, and nothing else is lost', async () => {
    const goal = await rig.job({ partitions: 1, sinkPartitions: 1 });
    await rig.produce(goal.source.topic, [{ value: event(0) }]);
    await rig.start(goal);
    await rig.accounted(goal, 1);
    await rig.admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: goal.sink.topic, configEntries: [{ name: 'max.message.bytes', value: '100000' }] }],
    });
    const values = [event(1), event(2, { pad: 'x'.repeat(150_000) }), event(3)];
    await rig.produce(
      goal.source.topic,
      values.map((value) => ({ value })),
    );
    const accounting = await rig.accounted(goal, 4);
    expect(accounting).toMatchObject({ in: 4, out: 3, deadLettered: 1 });
    expect([...new Set((await rig.read(goal.sink.topic)).map(({ value }) => idOf(value)))]).toEqual([0, 1, 3]);
  });

  test('are dropped and counted where the route says so', async () => {
    const goal = await rig.job({
      partitions: 1,
      where: 'id > 0',
      goal: { errors: { ...anErrorPolicy, poison: 'drop', schema: 'drop' } },
    });
    await rig.produce(goal.source.topic, [{ value: event(1) }, { value: 'no' }, { value: event(2) }]);
    await rig.start(goal);
    expect(await rig.accounted(goal, 3)).toEqual({
      in: 3,
      out: 2,
      filtered: 0,
      deadLettered: 0,
      dropped: { poison: 1 },
    });
    expect(await rig.count(goal.deadLetterTopic)).toBe(0);
  });

  test('stop their split where the route says so: what stands before is delivered, and the worker waits and says why', async () => {
    const goal = await rig.job({
      partitions: 1,
      where: 'id >= 0',
      goal: { errors: { ...anErrorPolicy, poison: 'stop', schema: 'stop' } },
    });
    await rig.produce(goal.source.topic, [
      { value: event(0) },
      { value: event(1) },
      { value: 'no' },
      { value: event(3) },
    ]);
    const worker = await rig.start(goal);
    const heartbeat = await rig.heartbeatWith(
      goal,
      worker.name,
      ({ state, splits }) => state === 'stuck' && splits[0]?.position === '2',
    );
    expect(heartbeat.errors[0]).toMatchObject({ code: 'poison' });
    expect(await rig.accounted(goal, 2)).toMatchObject({ in: 2, out: 2 });
    const later = await rig.heartbeatWith(goal, worker.name, ({ beat }) => beat > heartbeat.beat + 3);
    expect([later.state, later.splits[0]?.position]).toEqual(['stuck', '2']);
    worker.child.kill('SIGTERM');
    expect(await worker.exited).toBe(exitCodes.stuck);
    expect((await rig.records(goal))[0]).toMatchObject({ position: '2', owner: null });
  });
});

describe('records without a schema', () => {
  test('whose values are of another type than they are compared with are filtered, and the worker says how many', async () => {
    const goal = await rig.job({ partitions: 1, where: 'id > 1' });
    const values = ['{"id":2}', '{"id":"2"}', '{"id":true}', '{"id":null}', '{}'];
    await rig.produce(
      goal.source.topic,
      values.map((value) => ({ value })),
    );
    const worker = await rig.start(goal);
    expect(await rig.accounted(goal, 5)).toMatchObject({ in: 5, out: 1, filtered: 4, deadLettered: 0 });
    const heartbeat = await rig.heartbeatWith(goal, worker.name, ({ accounting }) => accounting.in === 5);
    expect(heartbeat.mismatches).toBe(2);
  });
});

describe('a worker', () => {
  test('tells Kafka its positions too, for tools that show lag; the group has no member, and what others do to it changes nothing [fault 89]', async () => {
    const goal = await rig.job({ partitions: 1, where: 'id >= 0' });
    const { topic } = goal.source;
    const groupId = telemetryGroup(goal.tenant, goal.name);
    await rig.produce(topic, [{ value: event(0) }, { value: event(1) }]);
    const first = await rig.start(goal);
    await until(async () => {
      const [of] = await rig.admin.fetchOffsets({ groupId, topics: [topic] });
      return of?.partitions[0]?.offset === '2' ? of : null;
    }, 'the group to stand at 2');
    const { groups } = await rig.admin.describeGroups([groupId]);
    expect(groups).toMatchObject([{ state: 'Empty', members: [] }]);
    first.child.kill('SIGTERM');
    await first.exited;
    await rig.admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] });
    await rig.start(goal, 2);
    await rig.produce(topic, [{ value: event(2) }]);
    expect((await rig.accounted(goal, 3)).in).toBe(3);
    expect((await rig.read(goal.sink.topic)).map(({ value }) => idOf(value))).toEqual([0, 1, 2]);
  });

  test('without a goal says so in one line and ends with the code for it', async () => {
    const worker = rig.spawn({
      [environment.job]: 'default/none.out@u1',
      [environment.worker]: 'default/none.out@u1/00000001/0',
      [environment.incarnation]: '1',
      [environment.slot]: '0',
      [environment.goal]: 'goals/none',
    });
    expect(await worker.exited).toBe(exitCodes.badGoal);
    expect(worker.log.length).toBe(1);
    expect(String(worker.log[0]?.['message'])).toContain('there is no goal at goals/none');
  });

  test('without its settings names the one that is missing', async () => {
    const worker = rig.spawn({});
    expect(await worker.exited).toBe(exitCodes.badGoal);
    expect(String(worker.log[0]?.['message'])).toContain(environment.job);
  });

  test('begins a new job where the route says, and reads partitions that are added later from their first record [fault 93]', async () => {
    const goal = await rig.job({ partitions: 1, sinkPartitions: 1, goal: {} });
    const latest = { ...goal, source: { ...goal.source, start: { kind: 'latest' as const } } };
    await rig.produce(goal.source.topic, [{ value: event(0) }]);
    await rig.start(latest);
    await rig.heartbeatWith(latest, `${goal.id}/00000001/0`, ({ splits }) => splits.length === 1);
    await rig.admin.createPartitions({ topicPartitions: [{ topic: goal.source.topic, count: 2 }] });
    // A producer that knew the topic before would not know its new partition.
    const producer = rig.kafka.producer();
    await producer.connect();
    const messages = [
      { value: event(1), partition: 1 },
      { value: event(2), partition: 0 },
    ];
    await producer.send({ topic: goal.source.topic, messages });
    await producer.disconnect();
    await rig.accounted(latest, 2);
    expect((await rig.read(goal.sink.topic)).map(({ value }) => idOf(value)).sort()).toEqual([1, 2]);
  });
});
