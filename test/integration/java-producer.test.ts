// What a producer in Java wrote, packed by each of Kafka's codecs: read by a worker, each record once and as it was.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fetchJars, jarsDir } from '#adapters/local/jars.ts';
import { javaCommand, plainEnv } from '#adapters/local/java.ts';
import { addressesFromEnvironment, WorkerRig } from '#test/workers/worker-rig.ts';

const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const;
const eventsOfEach = 2_000;
const patienceMs = 120_000;

let rig: WorkerRig;
beforeAll(async () => {
  await fetchJars(['kafka-tools']);
  rig = await WorkerRig.open(addressesFromEnvironment());
}, 300_000);
afterAll(async () => await rig?.close());

const eventOf = (codec: string, id: number): string =>
  JSON.stringify({
    codec,
    id,
    text: `event ${id} of many that are alike, so that packing pays; ü€😀 ${'x'.repeat(id % 300)}`,
  });

/** Kafka's own console producer: the Java client, with large batches. */
async function produceInJava(topic: string, codec: string): Promise<void> {
  const producer = spawn(
    javaCommand(),
    [
      ...['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dfile.encoding=UTF-8'],
      ...['-cp', ['kafka-tools', 'kafka'].map((set) => join(jarsDir(set as 'kafka'), '*')).join(':')],
      ...['org.apache.kafka.tools.ConsoleProducer', '--bootstrap-server', rig.addresses.kafka, '--topic', topic],
      ...['--compression-codec', codec, '--reader-property', 'parse.key=true'],
    ],
    { env: plainEnv(), stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const said: Buffer[] = [];
  for (const stream of [producer.stdout, producer.stderr]) stream.on('data', (bytes: Buffer) => said.push(bytes));
  const ended = new Promise<number | null>((resolve) => producer.once('close', resolve));
  for (let id = 0; id < eventsOfEach; id++) producer.stdin.write(`${codec}-${id % 7}\t${eventOf(codec, id)}\n`);
  producer.stdin.end();
  const code = await ended;
  if (code !== 0) throw new Error(`the producer ended with ${code}: ${Buffer.concat(said).toString()}`);
}

test('gzip, snappy, lz4 and zstd from a Java producer', async () => {
  const goal = await rig.job();
  await Promise.all(codecs.map((codec) => produceInJava(goal.source.topic, codec)));
  await rig.start(goal);
  const count = codecs.length * eventsOfEach;
  const accounting = await rig.accounted(goal, count, patienceMs);
  expect(accounting).toEqual({ in: count, out: count, filtered: 0, deadLettered: 0, dropped: {} });
  const records = await rig.read(goal.sink.topic);
  const texts = records.map(({ key, value }) => `${key} ${value}`).sort();
  const sent = codecs.flatMap((codec) =>
    Array.from({ length: eventsOfEach }, (_, id) => `${codec}-${id % 7} ${eventOf(codec, id)}`),
  );
  expect(texts).toEqual(sent.sort());
});
