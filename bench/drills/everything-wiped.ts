// All is lost but the goal store and the bucket: topics, leases, control records, tasks. Every job has to run again.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners } from '#adapters/kafka/kafkajs.ts';
import { placesIn } from '#adapters/local/platform-file.ts';
import type { JobView, PageView } from '#core/api/wire.ts';
import { environment } from '#core/names.ts';
import { aDeclaration } from '#test/support/documents.ts';
import type { PartName, TestPlatform } from '#test/support/test-platform.ts';
import { until } from '#test/support/until.ts';
import type { Drill, DrillResult, DrillScene } from './drill.ts';
import { allOver, hostPid } from './host-control.ts';

/** What we hold ourselves to for 100 jobs, from the first command on. */
const limitMs = 300_000;
/** With the 5 s of a laptop, 100 workers that wait for one of two cores are taken for dead, and replaced by more of them. */
const leaseMs = 60_000;
const routesPerStream = 10;
const eventsEach = 20;
/** Not part of what is measured. */
const firstStartMs = 900_000;
const flowWithinMs = 300_000;
const lookEveryMs = 3_000;
const tellEveryMs = 15_000;

export const everythingWiped: Drill = { besidesMs: 3_000_000, run };

const parts: readonly PartName[] = ['supervisor', 'reconciler', 'api', 'kafka', 'postgres', 'dynamodb', 's3'];

async function run(scene: DrillScene): Promise<DrillResult> {
  const { platform, flags, signal, tell } = scene;
  // The programs of a local platform take it from the environment of whoever starts it.
  process.env[environment.tasksMax] = String(flags.jobs + 16);
  process.env[environment.leaseMs] = String(leaseMs);
  await platform.up();
  const world = worldOf(flags.jobs);
  const input = world.documents.map((document) => JSON.stringify(document)).join('\n---\n');
  await platform.run(['apply', '-f', '-', '--yes'], { input, withinMs: firstStartMs });
  await allWork(scene, firstStartMs);
  await letThrough(scene, world);
  tell(`${flags.jobs} jobs let events through; all but goal store and bucket goes`);
  await wipe(platform);
  const began = performance.now();
  const since = (): number => Math.round(performance.now() - began);
  await platform.up();
  const upAfterMs = since();
  tell(`the platform is up after ${upAfterMs} ms; waiting for ${flags.jobs} jobs`);
  const workers = await allWork(scene, 2 * limitMs);
  const workAfterMs = since();
  const workersMiB = Math.round(sum(workers.map(residentMiB)));
  tell(`all have a worker that runs after ${workAfterMs} ms`);
  await letThrough(scene, world);
  const flowAfterMs = since();
  signal.throwIfAborted();
  return {
    ok: flowAfterMs <= limitMs,
    jobs: flags.jobs,
    leaseMs,
    limitMs,
    upAfterMs,
    workAfterMs,
    flowAfterMs,
    workersMiB,
  };
}

interface WipedWorld {
  readonly documents: readonly object[];
  readonly sources: readonly string[];
  readonly sinks: readonly string[];
}

function worldOf(jobs: number): WipedWorld {
  const sources = Array.from({ length: Math.ceil(jobs / routesPerStream) }, (_, index) => `in-${index}`);
  const routes = Array.from({ length: jobs }, (_, index) => ({
    ...{ name: `route-${index}`, from: sources[Math.floor(index / routesPerStream)]!, sink: `out-${index}` },
  }));
  return {
    sources,
    sinks: routes.map(({ sink }) => sink),
    documents: [
      ...[...sources, ...routes.map(({ sink }) => sink)].map((name) => aDeclaration('Stream', name, { partitions: 1 })),
      ...routes.map(({ name, from, sink }) =>
        aDeclaration('Route', name, {
          ...{ from, to: [{ name: 'out', stream: sink }] },
          resources: { workers: 1, memory: '256MiB' },
        }),
      ),
    ],
  };
}

/** The pid of each job's worker, once every job has one that runs. */
async function allWork({ platform, flags, signal, tell }: DrillScene, withinMs: number): Promise<readonly number[]> {
  let toldMs = performance.now();
  return await until(
    async () => {
      signal.throwIfAborted();
      // What is asked of 100 jobs costs the machine that they start on: not more often than is of use.
      await sleep(lookEveryMs, undefined, { signal });
      const pids = (await jobsOf(platform)).flatMap(({ status }) =>
        status.workers.flatMap(({ pid, state }) => (pid !== null && state === 'running' ? [pid] : [])),
      );
      if (performance.now() - toldMs > tellEveryMs) {
        tell(`${pids.length} of ${flags.jobs} jobs have a worker that runs`);
        toldMs = performance.now();
      }
      return pids.length >= flags.jobs ? pids : null;
    },
    `workers of ${flags.jobs} jobs`,
    withinMs,
  );
}

async function jobsOf(platform: TestPlatform): Promise<readonly JobView[]> {
  const found: JobView[] = [];
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const after = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await platform.get<PageView<JobView>>(`/v1/jobs?limit=200${after}`).catch(() => null);
    if (page === null) return [];
    found.push(...page.items);
    cursor = page.cursor;
  }
  return found;
}

/** New events into every source; they must come out of every job. */
async function letThrough({ platform, signal }: DrillScene, { sources, sinks }: WipedWorld): Promise<void> {
  const kafka = new Kafka({ clientId: 'drill', brokers: [platform.kafka], logLevel: logLevel.NOTHING });
  const [producer, admin] = [kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner }), kafka.admin()];
  await Promise.all([producer.connect(), admin.connect()]);
  const endsOf = async (topics: readonly string[]): Promise<readonly number[]> =>
    await Promise.all(
      topics.map(async (topic) => sum((await admin.fetchTopicOffsets(topic)).map(({ high }) => Number(high)))),
    );
  try {
    const before = await endsOf(sinks);
    const messages = Array.from({ length: eventsEach }, (_, n) => ({ key: `k${n}`, value: JSON.stringify({ n }) }));
    for (const topic of sources) await producer.send({ topic, acks: -1, messages });
    await until(
      async () => {
        signal.throwIfAborted();
        const ends = await endsOf(sinks);
        return ends.every((end, index) => end >= before[index]! + eventsEach) ? true : null;
      },
      'events out of every job',
      flowWithinMs,
    );
  } finally {
    await Promise.all([producer.disconnect(), admin.disconnect()]);
  }
}

/** Everything ends at once, the host first: nothing is started again and nothing drains. */
async function wipe(platform: TestPlatform): Promise<void> {
  const workers = (await jobsOf(platform)).flatMap(({ status }) =>
    status.workers.flatMap(({ pid }) => (pid === null ? [] : [pid])),
  );
  const pids = [hostPid(platform), ...parts.map((part) => platform.pid(part)), ...workers];
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await allOver(pids);
  const { parts: data, tasks } = placesIn(platform.dataDir);
  for (const folder of [join(data, 'kafka'), join(data, 'dynamodb'), tasks])
    rmSync(folder, { recursive: true, force: true });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Resident memory of a process. */
function residentMiB(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) / 1_024;
}
