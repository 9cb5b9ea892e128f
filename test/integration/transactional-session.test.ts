// Transactions on the real broker where they go wrong: one that times out, and an end of one that arrives in the next.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { KafkaConnections } from '#adapters/kafka/connections.ts';
import { latestOffset, listOffsets } from '#adapters/kafka/offsets.ts';
import { until } from '#test/support/until.ts';
import { Cluster, parseBrokers } from '#workers/kafka/cluster.ts';
import { errorCodes } from '#workers/kafka/error-codes.ts';
import { noHeaders, type ProducerIdentity, type Slice } from '#workers/kafka/output-batch.ts';
import { Producer } from '#workers/kafka/producer.ts';
import { encodeEndTxn, endTxnApi, parseEndTxn } from '#workers/kafka/transaction-apis.ts';
import { type CommittedOffset, TransactionalSession } from '#workers/kafka/transactional-session.ts';
import { readCommitted } from '../workers/read-committed.ts';
import { addressesFromEnvironment, WorkerRig } from '../workers/worker-rig.ts';

jest.setTimeout(120_000);

let rig: WorkerRig;
let connections: KafkaConnections;
const { kafka } = addressesFromEnvironment();
beforeAll(async () => {
  rig = await WorkerRig.open(addressesFromEnvironment());
  connections = new KafkaConnections({ brokers: [kafka] });
});
afterAll(async () => {
  await connections.close();
  await rig.close();
});

/** Long enough that no transaction ends by itself. */
const patientMs = 60_000;
const none: Slice = { bytes: Buffer.alloc(0), start: 0, end: -1 };
const origin = { attach: (): void => {}, acknowledge: (): void => {} };
const opened: (() => Promise<void>)[] = [];

/** An owner of the transactional id that is named as the topic; it aborts what an earlier one left open. */
async function ownerOf(topic: string, timeoutMs: number) {
  const cluster = new Cluster(parseBrokers(kafka), [topic], 'test');
  await cluster.refresh();
  const resumed: (CommittedOffset | null)[] = [];
  const replays: string[] = [];
  const sessions: TransactionalSession[] = [];
  const retry = { minMs: 20, maxMs: 200 };
  const producer = new Producer(cluster, {
    ...{ compression: 'none', lingerMs: 1, pendingBytesMax: 1_000_000, monotonicMs: () => performance.now() },
    ...{ maySend: () => true, onTrouble: () => {}, onReplay: (reason: string) => void replays.push(reason) },
    session: (hooks) => {
      const place = { transactionalId: topic, group: `g-${topic}`, topic, partition: 0 };
      const resume = async (committed: CommittedOffset | null): Promise<'ours'> => {
        resumed.push(committed);
        return 'ours';
      };
      sessions.push(new TransactionalSession(cluster, { ...place, timeoutMs, retry, resume }, hooks));
      return sessions[0]!;
    },
  });
  const writer = await producer.prepare(topic);
  opened.push(async () => {
    producer.close();
    await cluster.close();
  });
  const write = async (text: string): Promise<void> => {
    const bytes = Buffer.from(text);
    producer.append(writer, 0, Date.now(), none, { bytes, start: 0, end: bytes.length }, noHeaders, origin);
    producer.flush();
    await until(() => (producer.isIdle ? true : null), `${text} to be acknowledged`);
  };
  return { cluster, session: sessions[0]!, resumed, replays, write };
}

afterAll(async () => {
  for (const close of opened) await close();
});

async function newTopic(): Promise<string> {
  const topic = `txn-${randomUUID().slice(0, 8)}`;
  await rig.topic(topic, 1);
  return topic;
}

const committedIn = async (topic: string): Promise<string[]> =>
  (await readCommitted(kafka, topic)).map(({ value }) => String(Buffer.from(value!)));

/** A transaction's marker is written a moment after its end was decided. */
const committedAre = async (topic: string, values: readonly string[]): Promise<true> =>
  await until(async () => ((await committedIn(topic)).join() === values.join() ? true : null), `just ${values.join()}`);

async function isAnythingOpen(topic: string): Promise<boolean> {
  const [found] = await connections.metadata([topic]);
  const [committed, all] = await Promise.all(
    (['committed', 'uncommitted'] as const).map((level) => listOffsets(connections, found!, latestOffset, level)),
  );
  return committed!.get(0) !== all!.get(0);
}

test('a transaction that its coordinator gave up cannot be committed; the way on is from the last committed offset [fault 86]', async () => {
  const topic = await newTopic();
  const first = await ownerOf(topic, patientMs);
  await first.write('a');
  expect(await first.session.commit(1, 'note 1')).toBe(true);
  const slow = await ownerOf(topic, 200);
  await slow.write('lost');
  await until(async () => ((await isAnythingOpen(topic)) ? null : true), 'the coordinator to give it up');
  expect(await slow.session.commit(2, 'note 2')).toBe(false);
  expect(slow.session.current()).toBeNull();
  const next = await ownerOf(topic, patientMs);
  expect(next.resumed).toEqual([{ offset: 1, metadata: 'note 1' }]);
  await next.write('b');
  expect(await next.session.commit(2, 'note 2')).toBe(true);
  await committedAre(topic, ['a', 'b']);
});

test.each(['commit', 'abort'] as const)(
  'a late request for the %s of one transaction does not end the next one [fault 87]',
  async (outcome) => {
    const topic = await newTopic();
    const { cluster, session, write } = await ownerOf(topic, patientMs);
    await write('a');
    const identity: ProducerIdentity = session.current()!;
    expect(await session.commit(1, 'note 1')).toBe(true);
    await committedAre(topic, ['a']);
    await write('b');
    const coordinator = await cluster.coordinator('transaction', topic);
    const late = await coordinator.request(endTxnApi, encodeEndTxn(topic, identity, outcome), parseEndTxn);
    // A repeated commit is told again what it was told before; one that contradicts is refused.
    if (outcome === 'abort') expect(late.errorCode).not.toBe(errorCodes.none);
    expect(await committedIn(topic)).toEqual(['a']);
    expect(await isAnythingOpen(topic)).toBe(true);
    expect(await session.commit(2, 'note 2')).toBe(true);
    await committedAre(topic, ['a', 'b']);
  },
);
