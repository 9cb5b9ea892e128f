// Routing throughput beside peers: one seeded input, one processor for the program, the broker on the other; medians.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownDynamodb, ownKafka, ownS3 } from '#test/support/own-parts.ts';
import { type Contender, type Flags, readFlags } from './flags.ts';
import { prepareLimit } from './limit.ts';
import { type Figures, measure, medianFigures, spreadOf } from './measure.ts';
import { type Places, prepareOurs } from './ours.ts';
import { prepareKafkaStreams } from './peers/kafka-streams.ts';
import { prepareKafkajs } from './peers/kafkajs.ts';
import { createTopics, deleteTopics, type Filled, fill } from './topics.ts';

type Measured = Partial<Record<Contender, Figures[]>>;

const source = 'bench-in';
const deadLetters = 'bench-dead';
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

async function main(flags: Flags): Promise<void> {
  const pin = pinned();
  const [kafka, dynamodb, s3] = await Promise.all([ownKafka(), ownDynamodb(), ownS3()]);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  try {
    const places = { kafka: kafka.address, dynamodb: dynamodb.address, s3: s3.address };
    const readyOutput = join(folder, 'output');
    await createTopics(places.kafka, [source, deadLetters]);
    tell(`filling ${source} with ${flags.events} events, compression ${flags.compression}`);
    const filled = await fill(places.kafka, source, flags, readyOutput);
    const measured = await measureAll(flags, places, filled, starters(flags, places, readyOutput, pin));
    report(flags, filled, measured);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await Promise.all([kafka, dynamodb, s3].map((part) => part[Symbol.asyncDispose]()));
  }
}

type Starter = (sink: string) => ReturnType<typeof prepareOurs>;

function starters(
  flags: Flags,
  places: Places,
  readyOutput: string,
  pin: readonly string[],
): Readonly<Record<Contender, Starter>> {
  const { compression, nodeFlags } = flags;
  return {
    ours: (sink) => prepareOurs(places, { source, sink, deadLetters }, pin, flags),
    limit: (sink) => prepareLimit(places.kafka, source, sink, readyOutput, pin, nodeFlags),
    kafkaStreams: (sink) => prepareKafkaStreams(places.kafka, source, sink, compression, pin),
    kafkajs: (sink) => prepareKafkajs(places.kafka, source, sink, compression, pin),
  };
}

/** Turn by turn, so that a noisy minute hits all of them. */
async function measureAll(
  { runs, only, events }: Flags,
  { kafka }: Places,
  { expected }: Filled,
  prepare: Readonly<Record<Contender, Starter>>,
): Promise<Measured> {
  const measured: Measured = {};
  for (let turn = 1; turn <= runs; turn++)
    for (const name of only) {
      const sink = `bench-${name.toLowerCase()}-${turn}`;
      await createTopics(kafka, [sink]);
      const figures = await measure(await prepare[name](sink), { broker: kafka, sink, events, content: expected });
      await deleteTopics(kafka, [sink]);
      tell(`${name} ${turn}: ${JSON.stringify(figures)}`);
      measured[name] = [...(measured[name] ?? []), figures];
    }
  return measured;
}

function report(flags: Flags, { expected, bytes }: Filled, measured: Measured): void {
  const { ours, limit, ...peers } = mapped(measured, medianFigures);
  const ratio = (figure: 'cpuSecondsPerMillion' | 'cpuSecondsPerMillionSteady') =>
    mapped(peers, (peer) => (ours === undefined ? null : Number((peer[figure] / ours[figure]).toFixed(2))));
  const { only: _, ...settings } = flags;
  const line = {
    ours,
    limit,
    peers,
    ratioCpu: ratio('cpuSecondsPerMillion'),
    ratioCpuSteady: ratio('cpuSecondsPerMillionSteady'),
    // Of what we spend, the share that the limit spends too.
    limitShare:
      ours === undefined || limit === undefined
        ? undefined
        : Number((limit.cpuSecondsPerMillionSteady / ours.cpuSecondsPerMillionSteady).toFixed(2)),
    spread: mapped(measured, spreadOf),
    ...settings,
    eventBytes: Math.round(bytes / flags.events),
    output: { records: expected.count, bytes: expected.bytes, content: expected.hash },
    ok: true,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function mapped<Name extends string, From, To>(
  record: Partial<Record<Name, From>>,
  map: (value: From) => To,
): Partial<Record<Name, To>> {
  const entries = Object.entries(record) as [Name, From][];
  return Object.fromEntries(entries.map(([name, value]) => [name, map(value)])) as Partial<Record<Name, To>>;
}

async function run(): Promise<number> {
  try {
    await main(readFlags());
    return 0;
  } catch (error) {
    tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.stdout.write(`${JSON.stringify({ ok: false })}\n`);
    return 1;
  }
}

process.exit(await run());
