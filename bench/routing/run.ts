// Routing throughput beside peers: one seeded input, one processor for the program, the broker on the other; medians.
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ownDynamodb, ownKafka, ownS3 } from '#test/support/own-parts.ts';
import { type Figures, measure, medianFigures } from './measure.ts';
import { prepareOurs } from './ours.ts';
import { prepareKafkaStreams } from './peers/kafka-streams.ts';
import { prepareKafkajs } from './peers/kafkajs.ts';
import { createTopics, deleteTopics, fill } from './topics.ts';

const { values: flags } = parseArgs({
  options: {
    events: { type: 'string', default: '500000' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string', default: 'ours,kafkaStreams,kafkajs' },
    seed: { type: 'string', default: '1' },
    'node-flags': { type: 'string', default: '' },
  },
});
const events = Number(flags.events);
const runs = Number(flags.runs);
const seed = Number(flags.seed);
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

/** This process and all it starts stay off the measured processor, where the system can do that. */
function pinned(): readonly string[] {
  try {
    execFileSync('taskset', ['-cp', '1', String(process.pid)], { stdio: 'ignore' });
    return ['taskset', '-c', '0'];
  } catch {
    tell('taskset is not there: programs and broker share the processors, so figures are less steady');
    return [];
  }
}

async function main(): Promise<boolean> {
  const pin = pinned();
  const [kafka, dynamodb, s3] = await Promise.all([ownKafka(), ownDynamodb(), ownS3()]);
  const places = { kafka: kafka.address, dynamodb: dynamodb.address, s3: s3.address };
  try {
    await createTopics(places.kafka, ['bench-in', 'bench-dead']);
    tell(`filling bench-in with ${events} events`);
    const passing = await fill(places.kafka, 'bench-in', events, seed);
    const nodeFlags = flags['node-flags'].split(' ').filter((flag) => flag !== '');
    const prepare = {
      ours: (sink: string) =>
        prepareOurs(places, { source: 'bench-in', sink, deadLetters: 'bench-dead' }, pin, nodeFlags),
      kafkaStreams: (sink: string) => prepareKafkaStreams(places.kafka, 'bench-in', sink, pin),
      kafkajs: (sink: string) => prepareKafkajs(places.kafka, 'bench-in', sink, pin),
    };
    const measured: Record<string, Figures[]> = {};
    const names = flags.only.split(',') as (keyof typeof prepare)[];
    // Turn by turn, so that a noisy minute hits all of them.
    for (let turn = 1; turn <= runs; turn++)
      for (const name of names) {
        const sink = `bench-${name.toLowerCase()}-${turn}`;
        await createTopics(places.kafka, [sink]);
        const figures = await measure(await prepare[name](sink), { broker: places.kafka, sink, passing });
        await deleteTopics(places.kafka, [sink]);
        tell(`${name} ${turn}: ${JSON.stringify(figures)}`);
        measured[name] = [...(measured[name] ?? []), figures];
      }
    report(measured);
    return true;
  } finally {
    await Promise.all([kafka, dynamodb, s3].map((part) => part[Symbol.asyncDispose]()));
  }
}

function report(measured: Readonly<Record<string, Figures[]>>): void {
  const { ours, ...peers } = Object.fromEntries(
    Object.entries(measured).map(([name, each]) => [name, medianFigures(each)]),
  );
  const ratio = (figure: 'cpuSecondsPerMillion' | 'cpuSecondsPerMillionSteady') =>
    Object.fromEntries(
      Object.entries(peers).map(([name, peer]) => [
        name,
        ours === undefined ? null : Number((peer[figure] / ours[figure]).toFixed(2)),
      ]),
    );
  const line = {
    ours,
    peers,
    ratioCpu: ratio('cpuSecondsPerMillion'),
    ratioCpuSteady: ratio('cpuSecondsPerMillionSteady'),
    runs,
    events,
    seed,
    ok: true,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.stdout.write(`${JSON.stringify({ ok: false, runs, events, seed })}\n`);
    process.exit(1);
  },
);
