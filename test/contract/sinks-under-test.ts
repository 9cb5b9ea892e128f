// The kinds of sinks with their other ends, for the contract suite: a real Kafka, a real OpenSearch, an HTTP receiver.
import { randomUUID } from 'node:crypto';
import type { HttpSinkGoal, OpenSearchSinkGoal } from '#core/job/sink-goal.ts';
import { limits } from '#core/limits.ts';
import { documentsIn } from '#test/support/opensearch-part.ts';
import { startReceiver } from '#test/support/receiver.ts';
import { testSigner } from '#test/support/signature-verifier.ts';
import type { SinkRig } from '#test/workers/sinks/sink-rig.ts';
import { addressesFromEnvironment, WorkerRig } from '#test/workers/worker-rig.ts';
import { Cluster, parseBrokers } from '#workers/kafka/cluster.ts';
import { Producer } from '#workers/kafka/producer.ts';
import { httpSink } from '#workers/sinks/http-sink.ts';
import { KafkaSink } from '#workers/sinks/kafka-sink.ts';
import { openSearchSink } from '#workers/sinks/opensearch-sink.ts';
import type { RemoteParts } from '#workers/sinks/remote/remote-sink.ts';
import { systemResolve } from '#workers/sinks/remote/system-resolve.ts';
import type { Sink } from '#workers/sinks/sink.ts';
import type { SinkKindUnderTest, SinkUnderTest } from './sink.contract.ts';

const nothing = async (): Promise<void> => {};
const topicResource = 2;

/** The stream's sink and the worker's producer together, as the data path puts them. */
export function streamUnderTest(): SinkKindUnderTest {
  let kafka: WorkerRig;
  return {
    start: async () => {
      kafka = await WorkerRig.open(addressesFromEnvironment());
    },
    end: () => kafka.close(),
    bad: (n) => ({ n, pad: 'x'.repeat(2_000_000) }),
    forgetsNone: 'splits share the batches of a producer, which are sealed in the order of their sequence',
    pendingBytesMax: limits.producePendingBytesMax,
    open: async (rig, { lingers }) => await openStream(kafka, rig, lingers ? 60_000 : 5),
  };
}

async function openStream(kafka: WorkerRig, rig: SinkRig, lingerMs: number): Promise<SinkUnderTest> {
  const topic = `sink-${randomUUID().slice(0, 8)}`;
  await kafka.topic(topic, 2, { 'max.message.bytes': '1200000' });
  const cluster = new Cluster(parseBrokers(kafka.addresses.kafka), [topic], 'contract');
  await cluster.refresh();
  const producer = new Producer(cluster, {
    ...{ compression: 'none', lingerMs, pendingBytesMax: limits.producePendingBytesMax },
    ...rig.hooks,
  });
  const inner = new KafkaSink({ kind: 'stream', stream: topic, topic, keyed: true }, 'per-key', cluster, producer);
  await inner.open();
  const sink: Sink = {
    open: () => inner.open(),
    take: (record, unit) => inner.take(record, unit),
    get hasRoom() {
      return producer.hasRoom && inner.hasRoom;
    },
    room: () => producer.room() ?? inner.room(),
    nudge: () => producer.nudge(),
    flush: () => producer.flush(),
    startOver: () => {
      void producer.startOver();
      return null;
    },
    close: async () => producer.close(),
    get isRefused() {
      return producer.isRefused;
    },
  };
  const refuseOlderThan = async (ms: string | null): Promise<void> => {
    const configEntries = ms === null ? [] : [{ name: 'message.timestamp.before.max.ms', value: ms }];
    await kafka.admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: topicResource, name: topic, configEntries }],
    });
  };
  return {
    sink,
    delivered: async () => (await kafka.read(topic)).map(({ value }) => numberOf(String(value))),
    // To a producer that is an error code that says: not now.
    stop: () => refuseOlderThan('1'),
    resume: () => refuseOlderThan(null),
    close: async () => {
      producer.close();
      await cluster.close();
    },
  };
}

const numberOf = (json: string): number => (JSON.parse(json) as { n: number }).n;

export const partsOf = (rig: SinkRig, secrets: Readonly<Record<string, string>> = {}): RemoteParts => ({
  ...{ jobName: 'plays.out', uid: '0123456789abcdef', tenant: 'default', hooks: rig.hooks },
  ordering: 'per-key',
  ...{ resolve: systemResolve, now: () => Date.now() },
  secrets: { read: async (_tenant, name) => secrets[name] ?? null },
  signer: testSigner,
});

const batchThat = (lingers: boolean): { maxRecords: number; maxBytes: number; maxWaitMs: number } => ({
  ...{ maxRecords: 100, maxBytes: 1024 * 1024, maxWaitMs: lingers ? 60_000 : 10 },
});

export function httpUnderTest(): SinkKindUnderTest {
  return {
    start: nothing,
    end: nothing,
    bad: (n) => ({ n, bad: true }),
    pendingBytesMax: limits.sinkPendingBytesMax,
    open: async (rig, { lingers }) => {
      const receiver = await startReceiver();
      const taken: number[] = [];
      let isStopped = false;
      receiver.behave(({ body }) => {
        if (isStopped) return { status: 503 };
        const events = JSON.parse(body) as { n: number; bad?: boolean }[];
        if (events.some(({ bad }) => bad)) return { status: 422, body: 'one of them is bad' };
        taken.push(...events.map(({ n }) => n));
        return { status: 204 };
      });
      const goal: HttpSinkGoal = {
        ...{ kind: 'http', keyed: false, url: receiver.url, networks: ['loopback'], method: 'POST' },
        ...{ format: 'array', envelope: false, headers: {}, timeoutMs: 5_000, auth: null, batch: batchThat(lingers) },
      };
      const sink = httpSink(goal, partsOf(rig));
      await sink.open();
      return {
        sink,
        delivered: async () => taken,
        stop: async () => {
          isStopped = true;
        },
        resume: async () => {
          isStopped = false;
        },
        close: async () => {
          await sink.close();
          await receiver.close();
        },
      };
    },
  };
}

/** `node`: the URL of a running OpenSearch, once it runs. */
export function openSearchUnderTest(node: () => string): SinkKindUnderTest {
  return {
    start: nothing,
    end: nothing,
    bad: (n) => ({ n, text: { not: 'a text' } }),
    pendingBytesMax: limits.sinkPendingBytesMax,
    open: async (rig, { lingers }) => {
      const proxy = await startReceiver({ before: node() });
      const index = `contract-${randomUUID().slice(0, 8)}`;
      const goal = openSearchGoal(proxy.url, { index, batch: batchThat(lingers) });
      const sink = openSearchSink(goal, partsOf(rig));
      await sink.open();
      return {
        sink,
        delivered: async () =>
          [...(await documentsIn(node(), index)).values()].map(({ source }) => (source as { n: number }).n),
        stop: async () => proxy.behave({ status: 429 }),
        resume: async () => proxy.behave('forward'),
        close: async () => {
          await sink.close();
          await proxy.close();
        },
      };
    },
  };
}

export const openSearchGoal = (url: string, more: Partial<OpenSearchSinkGoal> = {}): OpenSearchSinkGoal => ({
  ...{ kind: 'opensearch', keyed: false, url, networks: ['loopback'], index: 'plays', indexTime: null },
  ...{ batch: batchThat(false), auth: null, ...more },
});
