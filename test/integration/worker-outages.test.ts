// A worker as a process while the systems around it fail and change: it waits, goes on, loses nothing, and says what it sees.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import kafkajs, { type AclEntry } from 'kafkajs';
import { isBalanced } from '#core/job/accounting.ts';
import { exitCodes } from '#core/job/exit-codes.ts';
import { aDelivery } from '#test/support/builders.ts';
import { type OwnPart, ownDynamodb, ownKafka } from '#test/support/own-parts.ts';
import { until } from '#test/support/until.ts';
import { readCommitted } from '../workers/read-committed.ts';
import { addressesFromEnvironment, type GoalWishes, type StreamJobGoal, WorkerRig } from '../workers/worker-rig.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

// Bounds for hangs: parts and workers start one after the other in these.
jest.setTimeout(240_000);

/** Everybody may do everything to what no rule names. */
const permissions = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
};

let rig: WorkerRig;
let kafka: OwnPart;
let dynamodb: OwnPart;
beforeAll(async () => {
  [kafka, dynamodb] = await Promise.all([ownKafka(permissions), ownDynamodb()]);
  rig = await WorkerRig.open({ ...addressesFromEnvironment(), kafka: kafka.address, dynamodb: dynamodb.address });
});
afterAll(async () => {
  await rig.close();
  await Promise.all([kafka[Symbol.asyncDispose](), dynamodb[Symbol.asyncDispose]()]);
});

// A worker that is done with its test would only take time from the next.
afterEach(async () => await rig.endWorkers());

/** With a lease that a busy machine does not cost a worker: nobody starts another here. */
const job = async (wishes: GoalWishes = {}): Promise<StreamJobGoal> =>
  await rig.job({ where: 'id >= 0', ...wishes, settings: { leaseMs: 15_000, ...wishes.settings } });

const idOf = (value: Buffer | null): number => (JSON.parse(String(value)) as { id: number }).id;
const events = (from: number, count: number): { key: string; value: string }[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `k${index % 40}`,
    value: JSON.stringify({ id: from + index, pad: 'x'.repeat(200) }),
  }));

async function distinct(goal: StreamJobGoal): Promise<{ distinct: number; duplicates: number }> {
  const ids = (await rig.read(goal.sink.topic)).map(({ value }) => idOf(value));
  const set = new Set(ids);
  return { distinct: set.size, duplicates: ids.length - set.size };
}

describe('the sink', () => {
  test('that cannot be written to for a while stops the reading, memory stays flat, and then all arrives once [fault 110]', async () => {
    const goal = await job({ goal: { stalledAfterMs: 3_000 } });
    const worker = await rig.start(goal);
    await rig.produce(goal.source.topic, events(0, 1_000));
    await rig.accounted(goal, 1_000);
    await rig.admin.deleteTopics({ topics: [goal.sink.topic] });
    const count = 150_000;
    await rig.produce(goal.source.topic, events(1_000, count));
    const refused = await rig.heartbeatWith(goal, worker.name, ({ errors }) =>
      errors.some(({ code }) => code === 'sink-missing'),
    );
    await sleep(6_000);
    const later = await rig.heartbeatWith(goal, worker.name, ({ beat }) => beat > refused.beat + 5);
    expect(later.rssMiB).toBeLessThan(256);
    expect(later.rssMiB - refused.rssMiB).toBeLessThan(60);
    expect(worker.child.exitCode).toBeNull();
    await rig.topic(goal.sink.topic, 4);
    const accounting = await rig.accounted(goal, count + 1_000);
    expect(accounting).toMatchObject({ in: count + 1_000, out: count + 1_000 });
    expect(await distinct(goal)).toEqual({ distinct: count, duplicates: 0 });
  });

  test('that is deleted and made anew is written to again, and nothing that was read is lost', async () => {
    const goal = await job();
    const worker = await rig.start(goal);
    await rig.produce(goal.source.topic, events(0, 500));
    await rig.accounted(goal, 500);
    await rig.admin.deleteTopics({ topics: [goal.sink.topic] });
    await rig.produce(goal.source.topic, events(500, 2_000));
    await rig.heartbeatWith(goal, worker.name, ({ errors }) => errors.some(({ code }) => code === 'sink-missing'));
    await sleep(1_000);
    await rig.topic(goal.sink.topic, 2);
    const accounting = await rig.accounted(goal, 2_500);
    expect(accounting).toMatchObject({ in: 2_500, out: 2_500 });
    const ids = (await rig.read(goal.sink.topic)).map(({ value }) => idOf(value));
    expect(new Set(ids.filter((id) => id >= 500)).size).toBe(2_000);
  });
});

describe('the source', () => {
  test('that is deleted and made anew is read from its first record, and the account goes on [fault 92]', async () => {
    const goal = await job({ partitions: 2 });
    const worker = await rig.start(goal);
    await rig.produce(goal.source.topic, events(0, 500));
    await rig.accounted(goal, 500);
    await rig.admin.deleteTopics({ topics: [goal.source.topic] });
    await rig.heartbeatWith(goal, worker.name, ({ errors }) => errors.some(({ code }) => code === 'source-missing'));
    await rig.topic(goal.source.topic, 2);
    const producer = rig.kafka.producer();
    await producer.connect();
    await producer.send({ topic: goal.source.topic, messages: events(500, 100) });
    await producer.disconnect();
    // The test's own producer may have repeated itself while the topic came up.
    const anew = await rig.count(goal.source.topic);
    const accounting = await rig.accounted(goal, 500 + anew);
    expect(accounting).toMatchObject({ in: 500 + anew, out: 500 + anew });
    expect(await distinct(goal)).toEqual({ distinct: 600, duplicates: anew - 100 });
    await rig.heartbeatWith(goal, worker.name, ({ errors }) => errors.some(({ code }) => code === 'source-recreated'));
    const positions = (await rig.records(goal)).map(({ position }) => Number(position));
    expect(positions.reduce((sum, position) => sum + position, 0)).toBe(anew);
  });

  test('whose records were deleted before they were read is read on from what is left, and what is lost is counted [fault 91]', async () => {
    const goal = await job({ partitions: 1 });
    await rig.produce(goal.source.topic, events(0, 100));
    const first = await rig.start(goal, 1);
    await rig.accounted(goal, 100);
    first.child.kill('SIGTERM');
    await first.exited;
    await rig.produce(goal.source.topic, events(100, 400));
    // The admin client deletes only from topics whose leaders it has looked up before.
    await rig.admin.fetchTopicOffsets(goal.source.topic);
    await rig.admin.deleteTopicRecords({ topic: goal.source.topic, partitions: [{ partition: 0, offset: '300' }] });
    const second = await rig.start(goal, 2);
    const accounting = await rig.accounted(goal, 500);
    expect(accounting).toEqual({ in: 500, out: 300, filtered: 0, deadLettered: 0, dropped: { retention: 200 } });
    await rig.heartbeatWith(goal, second.name, ({ errors }) => errors.some(({ code }) => code === 'source-data-lost'));
  });

  test('that ends before the position is not read again by itself: the worker says so and waits [fault 90]', async () => {
    const goal = await job({ partitions: 1 });
    await rig.produce(goal.source.topic, events(0, 10));
    const first = await rig.start(goal, 1);
    await rig.accounted(goal, 10);
    first.child.kill('SIGTERM');
    await first.exited;
    const [record] = await rig.records(goal);
    await rig.splits.clear(goal.id);
    await rig.splits.create(goal.id, { ...record!, position: '1000' });
    const second = await rig.start(goal, 2);
    const heartbeat = await rig.heartbeatWith(goal, second.name, ({ state }) => state === 'stuck');
    expect(heartbeat.errors.map(({ code }) => code)).toContain('source-truncated');
    expect((await rig.records(goal))[0]?.position).toBe('1000');
  });
});

/** Forbids one operation on a topic, to everybody, while `during` lasts. */
async function forbidden(topic: string, operation: 'READ' | 'WRITE', during: () => Promise<void>): Promise<void> {
  const place = {
    ...{ resourceType: AclResourceTypes.TOPIC, resourceName: topic, resourcePatternType: ResourcePatternTypes.LITERAL },
    ...{ principal: 'User:ANONYMOUS', host: '*' },
  };
  // With a rule for a topic, what no rule allows is forbidden.
  const acl: AclEntry[] = [
    { ...place, operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW },
    { ...place, operation: AclOperationTypes[operation], permissionType: AclPermissionTypes.DENY },
  ];
  await rig.admin.createAcls({ acl });
  try {
    await during();
  } finally {
    await rig.admin.deleteAcls({ filters: acl });
  }
}

describe('permission', () => {
  test('to write or to read that is withdrawn stops the flow, is told by its name, and loses nothing [fault 95]', async () => {
    const goal = await job();
    const worker = await rig.start(goal);
    await rig.produce(goal.source.topic, events(0, 100));
    await rig.accounted(goal, 100);
    const told = async (code: string): Promise<void> =>
      void (await rig.heartbeatWith(goal, worker.name, ({ errors }) => errors.some((error) => error.code === code)));
    await forbidden(goal.sink.topic, 'WRITE', async () => {
      await rig.produce(goal.source.topic, events(100, 200));
      await told('sink-unauthorized');
      expect(await rig.accounting(goal)).toMatchObject({ in: 100, out: 100, deadLettered: 0 });
    });
    await rig.accounted(goal, 300);
    await forbidden(goal.source.topic, 'READ', async () => {
      await rig.produce(goal.source.topic, events(300, 100));
      await told('source-unauthorized');
    });
    expect(await rig.accounted(goal, 400)).toMatchObject({ in: 400, out: 400, deadLettered: 0 });
    expect(await distinct(goal)).toEqual({ distinct: 400, duplicates: 0 });
  });
});

describe('the broker', () => {
  test('that stands still for seconds and wakes up is waited for: nothing is lost or doubled, in either mode [fault 85]', async () => {
    const exactly = { delivery: { ...aDelivery, guarantee: 'exactly-once' as const } };
    const goals = [await job(), await job({ goal: exactly })];
    const workers = await Promise.all(goals.map((goal) => rig.start(goal)));
    for (const goal of goals) await rig.produce(goal.source.topic, events(0, 10_000));
    for (const goal of goals) await rig.accounted(goal, 1_000);
    kafka.pause();
    await sleep(4_000);
    kafka.resume();
    for (const goal of goals) {
      expect(await rig.accounted(goal, 10_000)).toMatchObject({ in: 10_000, out: 10_000 });
      const ids = await until(async () => {
        const records = await readCommitted(kafka.address, goal.sink.topic);
        return records.length >= 10_000 ? records.map(({ value }) => idOf(Buffer.from(value!))) : null;
      }, 'all events at the sink');
      expect([ids.length, new Set(ids).size]).toEqual([10_000, 10_000]);
    }
    for (const { child } of workers) expect(child.exitCode).toBeNull();
  });

  test('that is killed and started again is written to within five seconds of being back, and nothing is lost or doubled', async () => {
    const goal = await job();
    await rig.start(goal);
    await rig.produce(goal.source.topic, events(0, 20_000));
    await rig.accounted(goal, 5_000);
    await kafka.kill();
    await sleep(1_500);
    await kafka.start();
    const backMs = performance.now();
    const before = await rig.count(goal.sink.topic);
    await rig.produce(goal.source.topic, events(20_000, 5_000));
    await until(
      async () => ((await rig.count(goal.sink.topic)) > before ? true : null),
      'output after the broker is back',
    );
    const outputMs = performance.now() - backMs;
    const accounting = await rig.accounted(goal, 25_000);
    expect(accounting).toMatchObject({ in: 25_000, out: 25_000 });
    expect(await distinct(goal)).toEqual({ distinct: 25_000, duplicates: 0 });
    process.stderr.write(`broker kill -9: output ${Math.round(outputMs)} ms after it was back\n`);
  });
});

describe('the table of leases', () => {
  test('that is away for less than a lease holds nothing up; for more, the worker stops by itself [fault 117]', async () => {
    const goal = await job({ settings: { leaseMs: 12_000 } });
    const worker = await rig.start(goal);
    await rig.produce(goal.source.topic, events(0, 100));
    await rig.accounted(goal, 100);
    dynamodb.pause();
    await rig.produce(goal.source.topic, events(100, 100));
    await until(async () => ((await rig.count(goal.sink.topic)) >= 200 ? true : null), 'output without the table');
    dynamodb.resume();
    expect(await rig.accounted(goal, 200)).toMatchObject({ in: 200, out: 200 });
    expect(worker.child.exitCode).toBeNull();
    await dynamodb.kill();
    expect(await worker.exited).toBe(exitCodes.fenced);
    await dynamodb.start();
    const next = await rig.start(goal, 2);
    await rig.produce(goal.source.topic, events(200, 100));
    const accounting = await rig.accounted(goal, 300);
    expect(isBalanced(accounting)).toBe(true);
    expect(await distinct(goal)).toMatchObject({ distinct: 300 });
    next.child.kill('SIGTERM');
    expect(await next.exited).toBe(exitCodes.ended);
  });
});
