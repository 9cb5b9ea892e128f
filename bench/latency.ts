// How long people and events wait: declare → first event, kill → output again, broker back → output again, second start.
// Usage: npm run bench:latency [-- --runs N]. Prints medians as one line of JSON on standard output, progress on standard error.

import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners } from '#adapters/kafka/kafkajs.ts';
import { aDeclaration } from '#test/support/documents.ts';
import { anEvent, produceValues, startLoad } from '#test/support/oracle-load.ts';
import { TestPlatform } from '#test/support/test-platform.ts';
import { toolArguments } from '#test/support/tool-arguments.ts';
import { until } from '#test/support/until.ts';

const { values } = toolArguments(import.meta.filename, { options: { runs: { type: 'string', default: '5' } } });
const runs = Number(values.runs);

const tell = (line: string): void => console.error(line);
const median = (figures: readonly number[]): number => {
  const sorted = [...figures].sort((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN);
};

/** Watches a topic's end from outside, with a client that is not ours. */
async function watchEnd(broker: string, topic: string) {
  const kafka = new Kafka({
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    requestTimeout: 1_000,
    retry: { retries: 0 },
  });
  let admin = kafka.admin();
  await admin.connect();
  const end = async (): Promise<number | null> => {
    try {
      const offsets = await admin.fetchTopicOffsets(topic);
      return offsets.reduce((sum, { high }) => sum + Number(high), 0);
    } catch {
      await admin.disconnect().catch(() => {});
      admin = kafka.admin();
      await admin.connect().catch(() => {});
      return null;
    }
  };
  return { end, close: () => admin.disconnect().catch(() => {}) };
}

const route = (name: string, from: string): object =>
  aDeclaration('Route', name, {
    from,
    where: "parity = 'even'",
    select: 'n, text',
    to: [{ name: 'out', stream: `${name}-out` }],
  });

async function declareToFirstEvent(platform: TestPlatform, run: number): Promise<number> {
  const source = `declare-${run}-in`;
  await platform.apply([aDeclaration('Stream', source, { partitions: 4 })], []);
  await until(
    async () =>
      (await platform.get<{ status: { phase: string } }>(`/v1/streams/${source}`)).status.phase === 'Ready'
        ? true
        : null,
    'the source',
  );
  await produceValues(
    platform.kafka,
    source,
    Array.from({ length: 100 }, (_, n) => anEvent(n)),
  );
  const name = `declare-${run}`;
  const watch = await watchEnd(platform.kafka, `${name}-out`);
  const startedAt = performance.now();
  await platform.apply([route(name, source)], []);
  await until(async () => (((await watch.end()) ?? 0) > 0 ? true : null), 'the first event');
  const ms = performance.now() - startedAt;
  await watch.close();
  await platform.run(['delete', 'route', name, '--yes']);
  return ms;
}

async function killWorkerToOutput(platform: TestPlatform, job: string, sink: string): Promise<number> {
  const watch = await watchEnd(platform.kafka, sink);
  const pid = await platform.workerPid(job);
  process.kill(pid, 'SIGKILL');
  const killedAt = performance.now();
  // What was on its way when it died may still arrive.
  await sleep(30);
  const before = (await watch.end()) ?? 0;
  await until(async () => (((await watch.end()) ?? 0) > before ? true : null), 'output again');
  const ms = performance.now() - killedAt;
  await watch.close();
  return ms;
}

async function brokerBackToOutput(platform: TestPlatform, sink: string): Promise<number> {
  const watch = await watchEnd(platform.kafka, sink);
  const before = (await watch.end()) ?? 0;
  const pid = platform.pid('kafka');
  platform.kill('kafka');
  await sleep(50);
  await until(async () => ((await watch.end()) === null ? null : true), 'the broker to be back', 60_000);
  const backAt = performance.now();
  await until(async () => (((await watch.end()) ?? 0) > before ? true : null), 'output again', 60_000);
  const ms = performance.now() - backAt;
  await platform.restarted('kafka', pid);
  await watch.close();
  return ms;
}

async function secondStart(platform: TestPlatform): Promise<number> {
  await platform.run(['down', '--data', platform.dataDir], { withinMs: 90_000 });
  const startedAt = performance.now();
  await platform.up();
  return performance.now() - startedAt;
}

async function repeat(name: string, once: (run: number) => Promise<number>): Promise<readonly number[]> {
  const figures: number[] = [];
  for (let run = 0; run < runs; run++) {
    figures.push(await once(run));
    tell(`${name}: ${Math.round(figures.at(-1)!)} ms`);
    await sleep(1_500);
  }
  return figures;
}

/** A backlog that keeps the worker busy over a broker's restart, so that no producer's recovery is measured. */
async function fill(broker: string, topic: string, events: number): Promise<void> {
  const producer = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  for (let n = 0; n < events; n += 5_000)
    await producer.send({
      topic,
      acks: -1,
      messages: Array.from({ length: 5_000 }, (_, index) => ({ value: anEvent(n + index) })),
    });
  await producer.disconnect();
}

tell('starting a platform');
const platform = await TestPlatform.start();
try {
  const declare = await repeat('declare → first event', (run) => declareToFirstEvent(platform, run));
  await platform.apply([aDeclaration('Stream', 'steady-in', { partitions: 4 }), route('steady', 'steady-in')]);
  const load = startLoad(platform.kafka, 'steady-in', 1_000);
  await load.more(1_000);
  const kill = await repeat('kill -9 of the worker → output', () =>
    killWorkerToOutput(platform, 'steady.out', 'steady-out'),
  );
  await load.stop();
  const broker = await repeat('broker back → output', async (run) => {
    await platform.run(['pause', 'steady.out', '--wait']);
    await fill(platform.kafka, 'steady-in', 1_000_000);
    await platform.run(['resume', 'steady.out']);
    const watch = await watchEnd(platform.kafka, 'steady-out');
    const before = (await watch.end()) ?? 0;
    await until(
      async () => (((await watch.end()) ?? 0) > before ? true : null),
      `the backlog of run ${run} to be worked on`,
    );
    await watch.close();
    return await brokerBackToOutput(platform, 'steady-out');
  });
  const second = await repeat('second start', () => secondStart(platform));
  const figures = {
    ok: true,
    runs,
    declareToFirstEventMs: median(declare),
    killWorkerToOutputMs: median(kill),
    brokerBackToOutputMs: median(broker),
    secondStartMs: median(second),
  };
  console.log(JSON.stringify(figures));
} finally {
  await platform.stop();
}
