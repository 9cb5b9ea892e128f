// Brokers that hold a worker to a quota, go silent or answer nonsense: the source and the producer wait, and go on.
import { createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { noRecords } from '#core/job/accounting.ts';
import { until } from '#test/support/until.ts';
import type { FetchedPartition, FetchResponse, ProduceResponse } from '#workers/kafka/apis.ts';
import type { Cluster } from '#workers/kafka/cluster.ts';
import { Link } from '#workers/kafka/link.ts';
import { noHeaders } from '#workers/kafka/output-batch.ts';
import { Producer } from '#workers/kafka/producer.ts';
import { Source } from '#workers/kafka/source.ts';
import { allWorked } from '#workers/pipeline.ts';
import { Split } from '#workers/split.ts';
import { clock, none, origin, partitionOf, records, topicId, value } from './fetched.ts';

/** One broker that leads one partition and gives these answers in turn, then none; it notes when it was asked. */
function scripted<Answer>(answers: readonly Answer[]) {
  const askedMs: number[] = [];
  const request = async (): Promise<Answer> => {
    const answer = answers[askedMs.length];
    askedMs.push(performance.now());
    return answer ?? (await new Promise<never>(() => {}));
  };
  const cluster = {
    clusterId: 'c',
    topic: (topic: string) => ({ topic, topicId, leaders: [1] }),
    link: () => ({ request }),
    refresh: async () => {},
    messageBytesMax: async () => 1_000_000,
    initProducerId: async () => ({ producerId: 1n, producerEpoch: 0 }),
  } as unknown as Cluster;
  return { askedMs, cluster };
}

const fetched = (bytes: Buffer, end: number, throttleMs = 0): FetchResponse => ({
  ...{ throttleMs, errorCode: 0, partitions: [partitionOf(0, bytes, end)] },
});

describe('the source', () => {
  let source: Source | null = null;
  afterEach(async () => await source?.close());

  function start(cluster: Cluster, splitClock = clock) {
    const worked: FetchedPartition[] = [];
    const unreadable: number[] = [];
    const troubles: string[] = [];
    const place = { split: 't/0', owner: 'w', epoch: 1, position: '0', topicId, accounting: noRecords };
    const split = new Split(place, splitClock);
    source = new Source(
      cluster,
      { topic: 't', fetchWaitMs: 50, fetchBytesMax: 1_000_000 },
      {
        room: () => null,
        work: (_split, partition) => {
          worked.push(partition);
          return allWorked;
        },
        worked: () => {},
        unreadable: async (_split, code) => void unreadable.push(code),
        onTrouble: (code, message) => void troubles.push(code, message),
        mayRead: () => true,
      },
    );
    source.add(split);
    return { split, worked, unreadable, troubles };
  }

  test('works on what a throttled answer brought, and asks again only after the pause', async () => {
    const { askedMs, cluster } = scripted([fetched(records(2), 2, 300)]);
    const { worked, troubles } = start(cluster);
    await until(() => (askedMs.length === 2 ? true : null), 'the second request');
    // Timers may be early by a fraction of a millisecond.
    expect(askedMs[1]! - askedMs[0]!).toBeGreaterThanOrEqual(299);
    expect([worked.length, troubles[0]]).toEqual([1, 'source-throttled']);
  });

  test('says that a transaction nobody ends keeps records back, once it has stood there for a minute [fault 88]', async () => {
    const held = (bytes: Buffer): FetchResponse => {
      const answer = fetched(bytes, 2);
      return { ...answer, partitions: [{ ...answer.partitions[0]!, highWatermark: 9 }] };
    };
    const still = Array.from({ length: 6 }, () => held(Buffer.alloc(0)));
    const { askedMs, cluster } = scripted([held(records(2)), ...still]);
    // The time passes between one answer and the next.
    const passing = { ...clock, monotonicMs: () => askedMs.length * 40_000 };
    const { worked, troubles } = start(cluster, passing);
    await until(() => (troubles.length > 0 ? true : null), 'a word about it');
    expect(worked.length).toBe(1);
    expect(troubles[0]).toBe('source-held');
    expect(troubles[1]).toMatch(/t\/0: 7 offsets from 2 on wait behind a transaction that has been open for \d+ s/);
  });

  test('asks again for an answer whose batches cannot be told apart, and dies of nothing', async () => {
    const broken = records(3);
    broken.writeInt32BE(7, 8);
    const { cluster } = scripted([fetched(broken, 3), fetched(records(3), 3)]);
    const { split, worked, unreadable } = start(cluster);
    await until(() => (worked.length === 1 ? true : null), 'the good answer to be worked on');
    expect([split.fetchOffset, unreadable]).toEqual([3, [2]]);
  });

  test('asks again for an answer that ends behind the end of its partition: its offsets are damaged', async () => {
    const broken = records(3);
    broken.writeBigInt64BE(1n << 40n, 0);
    const { cluster } = scripted([fetched(broken, 3), fetched(records(3), 3)]);
    const { split, worked, unreadable } = start(cluster);
    await until(() => (worked.length === 1 ? true : null), 'the good answer to be worked on');
    expect([split.fetchOffset, unreadable]).toEqual([3, [2]]);
  });
});

describe('the producer', () => {
  test('sends a broker nothing for as long as its quota asks', async () => {
    const partitions = [{ topic: 'out', partition: 0, errorCode: 0, baseOffset: 0, errorMessage: null }];
    const { askedMs, cluster } = scripted<ProduceResponse>([
      { throttleMs: 300, partitions },
      { throttleMs: 0, partitions },
    ]);
    const troubles: string[] = [];
    const producer = new Producer(cluster, {
      compression: 'none',
      lingerMs: 1,
      pendingBytesMax: 1_000_000,
      monotonicMs: clock.monotonicMs,
      maySend: () => true,
      onTrouble: (code) => void troubles.push(code),
      onReplay: () => {},
    });
    const writer = await producer.prepare('out');
    const append = (): boolean => producer.append(writer, 0, 1, none, value, noHeaders, origin);
    append();
    producer.flush();
    await until(() => (producer.pendingBytes === 0 ? true : null), 'the first batch to be acknowledged');
    append();
    producer.flush();
    await until(() => (producer.pendingBytes === 0 ? true : null), 'the second batch to be acknowledged');
    expect(askedMs[1]! - askedMs[0]!).toBeGreaterThanOrEqual(299);
    expect(troubles).toEqual(['sink-throttled']);
    producer.close();
  });
});

describe('[fault 118] a connection that is open at one end only', () => {
  test('is given up after the bound of a request, and the next request makes another', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => void sockets.push(socket.on('error', () => {}).resume()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const link = new Link({ host: '127.0.0.1', port }, 'test', { requestTimeout: 200 });
    const ask = (): Promise<unknown> => link.request({ key: 1, version: 13 }, [Buffer.alloc(4)], () => 'answer');
    await expect(ask()).rejects.toMatchObject({ fault: 'external' });
    await expect(ask()).rejects.toMatchObject({ fault: 'external' });
    expect(sockets.length).toBe(2);
    await until(() => (sockets[0]!.destroyed ? true : null), 'the first connection to be closed');
    await link.close();
    for (const socket of sockets) socket.destroy();
    await wait(0);
    server.close();
  });
});
