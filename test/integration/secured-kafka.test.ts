// A broker that lets in who bears a token, and grants a job what its role does on AWS: tokens are renewed, a worker lives on just that, no job reaches another's.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrokerAdmin } from '#adapters/kafka/broker-admin.ts';
import { createRecordLog } from '#adapters/kafka/record-log.ts';
import {
  type BearerToken,
  bearerSecurity,
  type KafkaLogin,
  scramSecurity,
  type TokenSource,
} from '#adapters/kafka/security.ts';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { environment, objectKeys, transactionalId, workerName } from '#core/names.ts';
import { aDelivery } from '#test/support/builders.ts';
import { grantRights } from '#test/support/kafka-rights.ts';
import { openUsers } from '#test/support/kafka-users.ts';
import { ownSecuredKafka, type SecuredKafka } from '#test/support/own-parts.ts';
import { until } from '#test/support/until.ts';
import { compose } from '#workers/compose.ts';
import { Cluster, parseBrokers } from '#workers/kafka/cluster.ts';
import { Lease } from '#workers/lease.ts';
import { openHere } from '#workers/path-host.ts';
import { Worker } from '#workers/worker.ts';
import { readCommitted } from '../workers/read-committed.ts';
import { addressesFromEnvironment, type StreamJobGoal, WorkerRig } from '../workers/worker-rig.ts';

/** A session at the broker is over after this: who stays has to show a token again. */
const sessionMs = 2_000;
let kafka: SecuredKafka;
let rig: WorkerRig;
beforeAll(async () => {
  kafka = await ownSecuredKafka(sessionMs);
  rig = await WorkerRig.open({ ...addressesFromEnvironment(), kafka: kafka.address });
}, 120_000);
afterAll(async () => {
  await rig?.close();
  await kafka?.[Symbol.asyncDispose]();
});

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const seconds = (ms: number): number => Math.floor(ms / 1_000);

/** Unsigned, as a broker of a test takes it; who bears it is `sub`. */
function tokenOf(principal: string, livesMs: number): BearerToken {
  const now = Date.now();
  const claims = { sub: principal, iat: seconds(Math.min(now, now + livesMs) - 1_000), exp: seconds(now + livesMs) };
  return { token: `${part({ alg: 'none' })}.${part(claims)}.`, expiresAt: claims.exp * 1_000 };
}

const fresh =
  (principal: string): TokenSource =>
  async () =>
    tokenOf(principal, 3_600_000);
const security = (source: TokenSource) => bearerSecurity(source, { tls: false });
const records = (source: TokenSource, callMs = 5_000) =>
  createRecordLog({ brokers: [kafka.tokens], clientId: 'test', callMs, security: security(source) });
const aRecord = [{ key: null, value: Buffer.from('{"id":1}') }];

describe('tokens', () => {
  const opened: { close(): Promise<void> }[] = [];
  const open = (...given: Parameters<typeof records>) => {
    const log = records(...given);
    opened.push(log);
    return log;
  };
  afterEach(async () => {
    for (const log of opened.splice(0)) await log.close();
  });

  test('without a token, and with one that has expired, nobody gets in; with a new one the same client does', async () => {
    const goal = await rig.job({ partitions: 1 });
    await grantRights(rig.admin, goal);
    await expect(
      createRecordLog({ brokers: [kafka.tokens], clientId: 'bare', callMs: 1_500 }).append(goal.sink.topic, aRecord),
    ).rejects.toThrow();
    let isExpired = true;
    const log = open(async () => tokenOf(goal.id, isExpired ? -60_000 : 3_600_000), 1_500);
    await expect(log.append(goal.sink.topic, aRecord)).rejects.toThrow();
    isExpired = false;
    await log.append(goal.sink.topic, aRecord);
    expect(await rig.count(goal.sink.topic)).toBe(1);
  });

  test('a session that the broker ends goes on with another token, and no write is lost by it', async () => {
    const goal = await rig.job({ partitions: 1, sinkPartitions: 1 });
    await grantRights(rig.admin, goal);
    let asked = 0;
    // Of those that are used for new connections only in their last minute each is the last one: the next is another.
    const log = open(async () => {
      asked++;
      return tokenOf(goal.id, 60_000);
    });
    let written = 0;
    await until(async () => {
      await log.append(goal.sink.topic, aRecord);
      written++;
      return asked >= 3 ? true : null;
    }, 'the broker to end two sessions');
    expect(await rig.count(goal.sink.topic)).toBe(written);
  });

  test('who may not see a topic is told that, and not that there is none; of a topic that is not there, that', async () => {
    const goal = await rig.job({ partitions: 1, sinkPartitions: 1 });
    await grantRights(rig.admin, goal);
    const other = open(fresh('default/nobody@0000000000000000'));
    await expect(other.append(goal.sink.topic, aRecord)).rejects.toMatchObject({
      code: 'kafka-refused',
      message: expect.stringMatching(/TOPIC_AUTHORIZATION_FAILED/),
    });
    const everything = createRecordLog({ brokers: [kafka.address], clientId: 'test', callMs: 5_000 });
    opened.push(everything);
    await expect(everything.append('no-such-topic', aRecord)).rejects.toMatchObject({ code: 'topic-missing' });
  });
});

describe('a user and a password', () => {
  test('whoever has them gets in, by both libraries; who has others does not, and does once they are right', async () => {
    const goal = await rig.job({ partitions: 1, sinkPartitions: 1 });
    await grantRights(rig.admin, goal);
    const users = await openUsers(kafka.address);
    await users.setPassword(goal.id, 'first, =secret');
    let login: KafkaLogin = { username: goal.id, password: 'wrong' };
    const by = { brokers: [kafka.logins], clientId: 'test', callMs: 1_500 };
    const security = scramSecurity(async () => login, { tls: false, keptMs: 0 });
    const log = createRecordLog({ ...by, security });
    const admin = createBrokerAdmin({ ...by, security });
    const appends = async (): Promise<boolean> =>
      (await log.append(goal.sink.topic, aRecord)).every(({ kind }) => kind === 'appended');
    try {
      await expect(appends()).rejects.toThrow();
      await expect(admin.list()).rejects.toThrow();
      login = { username: goal.id, password: 'first, =secret' };
      expect(await appends()).toBe(true);
      expect(await admin.list()).toContain(goal.sink.topic);
      expect(await admin.describe([goal.sink.topic], [])).toHaveLength(1);
    } finally {
      await Promise.all([log.close(), admin.close(), users.close()]);
    }
  });

  test('a login is read once for connections that are made at once, and again when it is old; one that cannot be read is not kept', async () => {
    let reads = 0;
    const { connection, kafkajs } = scramSecurity(
      async () => {
        if (++reads === 1) throw new Error('the secret cannot be read');
        return { username: 'u', password: `p${reads}` };
      },
      { keptMs: 60_000 },
    );
    const password = connection.sasl?.password as () => Promise<string>;
    await expect(password()).rejects.toMatchObject({ code: 'kafka-login', retry: 'retry' });
    expect(await Promise.all([password(), password()])).toEqual(['p2', 'p2']);
    expect((await kafkajs()).sasl).toEqual({ mechanism: 'scram-sha-512', username: 'u', password: 'p2' });
  });
});

describe('rights', () => {
  /** In this process, since only here tokens can be made without an issuer. */
  async function start(goal: JobGoal) {
    const key = objectKeys.goal(goal.id, 'secured');
    await rig.objects.put(key, Buffer.from(JSON.stringify(goal)));
    const worker = workerName(goal.id, 1, 0);
    const log = createLogger({ level: 'error', fields: {} });
    const env = {
      ...process.env,
      [environment.job]: goal.id,
      [environment.worker]: worker,
      [environment.incarnation]: '1',
      [environment.slot]: '0',
      [environment.goal]: key,
      [environment.kafkaBrokers]: kafka.tokens,
      [environment.dynamodbEndpoint]: rig.addresses.dynamodb,
      [environment.s3Endpoint]: rig.addresses.s3,
    };
    const topics = [goal.source.topic, (goal as StreamJobGoal).sink.topic, goal.deadLetterTopic];
    const { connection } = security(fresh(goal.id));
    const cluster = new Cluster(parseBrokers(kafka.tokens), topics, worker, connection);
    const parts = { ...(await compose(env, log)), cluster };
    const lease = new Lease(goal.settings.leaseMs, () => parts.clock.monotonicMs());
    const running = new Worker(parts, lease, [openHere(parts, lease)]);
    const ended = running.run();
    return { worker, ended, drain: () => running.drain() };
  }

  const guarantees = ['at-least-once', 'exactly-once'] as const;
  test.each(guarantees)(
    'a worker that may do what the job role grants, and nothing else, delivers %s',
    async (guarantee) => {
      const delivery = { ...aDelivery, guarantee };
      const goal = await rig.job({ where: 'id >= 0', partitions: 2, goal: { delivery } });
      await grantRights(rig.admin, goal);
      const events = Array.from({ length: 50 }, (_, id) => ({ value: JSON.stringify({ id }) }));
      // The last two are no JSON: its dead letters are written as well.
      await rig.produce(goal.source.topic, [...events, { value: 'not json' }, { value: '{' }]);
      const { drain, ended } = await start(goal);
      await rig.accounted(goal, 52, 60_000);
      await until(
        async () => ((await readCommitted(kafka.address, goal.sink.topic)).length === 50 ? true : null),
        '50 records',
      );
      await until(
        async () => ((await readCommitted(kafka.address, goal.deadLetterTopic)).length === 2 ? true : null),
        '2 dead letters',
      );
      await drain();
      expect(await ended).toBe('ended');
    },
  );

  test('no job writes to another’s sink, reads its source, moves its group or takes its transactions', async () => {
    const [own, other] = [await rig.job({ partitions: 1 }), await rig.job({ partitions: 1 })];
    for (const goal of [own, other]) await grantRights(rig.admin, goal);
    await rig.produce(other.source.topic, [{ value: '{"id":1}' }]);
    const log = records(fresh(own.id), 1_500);
    const appends = async (topic: string): Promise<boolean> =>
      (await log.append(topic, aRecord)).every(({ kind }) => kind === 'appended');
    expect(await appends(own.sink.topic)).toBe(true);
    await expect(appends(other.sink.topic)).rejects.toThrow();
    // What it may read it is told of, and refused to write.
    expect(await appends(own.source.topic)).toBe(false);
    const read = async (topic: string): Promise<number> => {
      let count = 0;
      const signal = AbortSignal.timeout(5_000);
      for await (const _ of log.read({ topic, from: 'earliest', follow: false, signal })) count++;
      return count;
    };
    await expect(read(other.source.topic)).rejects.toThrow();
    expect(await read(own.source.topic)).toBe(0);
    await log.close();
    const { connection } = security(fresh(own.id));
    const cluster = new Cluster(parseBrokers(kafka.tokens), [own.source.topic], 'intruder', connection);
    await cluster.refresh();
    await expect(cluster.coordinator('transaction', transactionalId(own.id, 'x/0'))).resolves.toBeDefined();
    await expect(cluster.coordinator('transaction', transactionalId(other.id, 'x/0'))).rejects.toThrow();
    await cluster.close();
  });
});
