// What a test of a worker stands on: real parts, topics and goals of its own, and workers as real processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createDynamo } from '#adapters/dynamodb/client.ts';
import { createSplitStore } from '#adapters/dynamodb/split-store.ts';
import { createTables } from '#adapters/dynamodb/tables.ts';
import { createWorkerStore } from '#adapters/dynamodb/worker-store.ts';
import { type Admin, type IHeaders, Kafka, logLevel, type Message, type Producer } from '#adapters/kafka/kafkajs.ts';
import { compileCacheOf } from '#adapters/local/compile-cache.ts';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import { loadParser, planRoute, type RouteExpressions, type RouteProgram } from '#core/expression/index.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { type Accounting, addAccounting, noRecords } from '#core/job/accounting.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import type { JobGoal, WorkerSettings } from '#core/job/job-goal.ts';
import type { StreamSinkGoal } from '#core/job/sink-goal.ts';
import { defaultBucket, environment, jobId, objectKeys, workerName } from '#core/names.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { aDelivery, anErrorPolicy } from '#test/support/builders.ts';
import { testEnvironment } from '#test/support/start-parts.ts';
import { until } from '#test/support/until.ts';

const root = join(import.meta.dirname, '../..');

export interface RigAddresses {
  readonly kafka: string;
  readonly dynamodb: string;
  readonly s3: string;
}

export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
}

export interface RunningWorker {
  readonly child: ChildProcess;
  readonly name: string;
  readonly log: Record<string, unknown>[];
  readonly exited: Promise<number | null>;
  /** Waits for a log line with this message. */
  said(message: string, withinMs?: number): Promise<Record<string, unknown>>;
}

export interface ProcessBounds {
  /** File descriptors, sockets included; a process that has just begun has 23. */
  readonly descriptorsMax?: number;
}

export interface GoalWishes extends RouteExpressions {
  readonly partitions?: number;
  readonly sinkPartitions?: number;
  readonly sinkConfig?: Readonly<Record<string, string>>;
  readonly settings?: Partial<WorkerSettings>;
  readonly goal?: Partial<Omit<JobGoal, 'sink'>>;
}

/** A job whose sink is a stream. */
export type StreamJobGoal = JobGoal & { readonly sink: StreamSinkGoal };

const heapMiB = 128;
/** Lines of each worker's log that a failure shows. */
const lastWordsMax = 12;
/** One file, where the suite has made it: from its many modules a worker's start takes five times the processor time. */
const workerProgram = process.env[testEnvironment.worker] ?? join(root, 'workers/main.ts');

/** One thread for all, or two data threads beside the main one (workers/threads.ts). */
export const shapes = [
  { shape: 'one thread', resources: { workers: 1, cpu: 0.25, memoryMiB: 256 } },
  { shape: 'two data threads', resources: { workers: 1, cpu: 2, memoryMiB: 512 } },
] as const;

/** Short intervals, so that tests need not wait. */
const quick: Partial<WorkerSettings> = {
  heartbeatMs: 800,
  // Longer than a busy machine stands still: nobody starts a worker again that lost it. Tests of what a lapse does set their own.
  leaseMs: 10_000,
  commitMs: 300,
  checkpointMs: 1_000,
  fetchWaitMs: 400,
};

export function addressesFromEnvironment(): RigAddresses {
  const read = (name: string): string => process.env[name] ?? '';
  return { kafka: read('MILLRACE_TEST_KAFKA'), dynamodb: read('MILLRACE_TEST_DYNAMODB'), s3: read('MILLRACE_TEST_S3') };
}

export class WorkerRig {
  readonly addresses: RigAddresses;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly #dynamo;
  readonly splits;
  readonly workers;
  readonly objects;
  readonly #started: RunningWorker[] = [];

  constructor(addresses: RigAddresses) {
    this.addresses = addresses;
    const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 60 };
    this.kafka = new Kafka({ clientId: 'test', brokers: [addresses.kafka], logLevel: logLevel.NOTHING, retry });
    this.admin = this.kafka.admin();
    this.producer = this.kafka.producer({ allowAutoTopicCreation: false });
    this.#dynamo = createDynamo({ region: 'us-east-1', endpoint: addresses.dynamodb });
    this.splits = createSplitStore(this.#dynamo);
    this.workers = createWorkerStore(this.#dynamo);
    this.objects = createObjectStore({ bucket: defaultBucket, region: 'us-east-1', endpoint: addresses.s3 });
  }

  static async open(addresses: RigAddresses): Promise<WorkerRig> {
    const rig = new WorkerRig(addresses);
    await Promise.all([
      rig.admin.connect(),
      rig.producer.connect(),
      createTables(rig.#dynamo),
      rig.objects.ensureBucket(),
      loadParser(),
    ]);
    return rig;
  }

  /** Of a test that is over: its workers would only take processor time from the next one. */
  async endWorkers(): Promise<void> {
    const started = this.#started.splice(0);
    for (const { child } of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await Promise.all(started.map(({ exited }) => exited));
  }

  async close(): Promise<void> {
    await this.endWorkers();
    await Promise.all([this.admin.disconnect(), this.producer.disconnect()]);
    this.#dynamo.close();
    this.objects.close();
  }

  /** Makes source, sink and dead-letter topics of a new job, and its goal. */
  async job(wishes: GoalWishes = {}): Promise<StreamJobGoal> {
    const name = `t${randomUUID().slice(0, 8)}`;
    const uid = randomUUID().slice(0, 8);
    const id = jobId('default', `${name}.out`, uid);
    const goal: StreamJobGoal = {
      formatVersion: 1,
      id,
      tenant: 'default',
      name: `${name}.out`,
      route: name,
      uid,
      revision: 1,
      owner: 'test',
      source: { stream: `${name}-in`, topic: `${name}-in`, start: { kind: 'earliest' } },
      program: programOf(wishes),
      eventTime: null,
      sink: { kind: 'stream', stream: `${name}-out`, topic: `${name}-out`, keyed: wishes.key !== undefined },
      deadLetterTopic: `__dlq.${name}.out`,
      delivery: aDelivery,
      errors: anErrorPolicy,
      throttle: null,
      resources: shapes[0].resources,
      stalledAfterMs: 90_000,
      settings: { ...localSettings.worker, ...quick, ...wishes.settings },
      ...wishes.goal,
    };
    const large = { 'max.message.bytes': String(5 * 1024 * 1024) };
    await this.topic(goal.source.topic, wishes.partitions ?? 4, large);
    await this.topic(goal.sink.topic, wishes.sinkPartitions ?? 4, wishes.sinkConfig ?? large);
    await this.topic(goal.deadLetterTopic, 1, { 'max.message.bytes': String(6 * 1024 * 1024) });
    return goal;
  }

  async topic(topic: string, partitions: number, config: Readonly<Record<string, string>> = {}): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const wish = { topic, numPartitions: partitions, configEntries };
    await this.admin.createTopics({ waitForLeaders: false, topics: [wish] });
    await until(async () => {
      const metadata = await this.admin.fetchTopicMetadata({ topics: [topic] }).catch(() => null);
      const ready = metadata?.topics[0]?.partitions.filter(({ leader }) => leader >= 0).length === partitions;
      return ready ? true : null;
    }, `topic ${topic} to have its leaders`);
  }

  async produce(topic: string, messages: readonly Message[]): Promise<void> {
    for (let at = 0; at < messages.length; at += 5_000)
      await this.producer.send({ topic, acks: -1, messages: messages.slice(at, at + 5_000) });
  }

  /** Everything that is in a topic now, in each partition's order. */
  async read(topic: string): Promise<ReadRecord[]> {
    const ends = await this.admin.fetchTopicOffsets(topic);
    const left = new Map(
      ends
        .filter(({ high, low }) => Number(high) > Number(low))
        .map(({ partition, high }) => [partition, Number(high)]),
    );
    const records: ReadRecord[] = [];
    if (left.size === 0) return records;
    const consumer = this.kafka.consumer({ groupId: `read-${randomUUID()}`, maxWaitTimeInMs: 100 });
    const done = Promise.withResolvers<void>();
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachBatch: async ({ batch }) => {
        for (const { offset, timestamp, key, value, headers } of batch.messages)
          records.push({
            partition: batch.partition,
            offset: Number(offset),
            timestamp: Number(timestamp),
            key,
            value,
            headers: headers ?? {},
          });
        if (Number(batch.lastOffset()) + 1 >= (left.get(batch.partition) ?? 0)) left.delete(batch.partition);
        if (left.size === 0) done.resolve();
      },
    });
    await done.promise;
    await consumer.disconnect();
    return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  }

  async count(topic: string): Promise<number> {
    const offsets = await this.admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  }

  async start(
    goal: JobGoal,
    incarnation = 1,
    slot = 0,
    more: Readonly<Record<string, string>> = {},
    bounds: ProcessBounds = {},
  ): Promise<RunningWorker> {
    const key = objectKeys.goal(goal.id, 'test');
    await this.objects.put(key, Buffer.from(JSON.stringify(goal)));
    return this.spawn(
      {
        [environment.job]: goal.id,
        [environment.worker]: workerName(goal.id, incarnation, slot),
        [environment.incarnation]: String(incarnation),
        [environment.slot]: String(slot),
        [environment.render]: 'r1',
        [environment.goal]: key,
        ...more,
      },
      bounds,
    );
  }

  spawn(env: Readonly<Record<string, string>>, { descriptorsMax }: ProcessBounds = {}): RunningWorker {
    const program = [process.execPath, `--max-old-space-size=${heapMiB}`, workerProgram];
    const bounded =
      descriptorsMax === undefined ? program : ['sh', '-c', `ulimit -n ${descriptorsMax}; exec "$@"`, 'sh', ...program];
    const child = spawn(bounded[0]!, bounded.slice(1), {
      cwd: root,
      // Not this process's own stderr: jest takes what a worker says there of its heap for its own end.
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: compileCacheOf(workerProgram),
        [environment.kafkaBrokers]: this.addresses.kafka,
        [environment.dynamodbEndpoint]: this.addresses.dynamodb,
        [environment.s3Endpoint]: this.addresses.s3,
        [environment.region]: 'us-east-1',
        [environment.accessKeyId]: process.env['AWS_ACCESS_KEY_ID'],
        [environment.secretAccessKey]: process.env['AWS_SECRET_ACCESS_KEY'],
        ...env,
      },
    });
    const log: Record<string, unknown>[] = [];
    const lines = createInterface({ input: child.stdout! });
    lines.on('line', (line) => log.push(JSON.parse(line) as Record<string, unknown>));
    createInterface({ input: child.stderr! }).on('line', (message) => log.push({ level: 'stderr', message }));
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    const said = async (message: string, withinMs?: number): Promise<Record<string, unknown>> =>
      await until(
        () => log.find((line) => line['message'] === message) ?? null,
        `the worker to say "${message}"`,
        withinMs,
      );
    const worker = { child, name: env[environment.worker] ?? '', log, exited, said };
    this.#started.push(worker);
    return worker;
  }

  async records(goal: JobGoal): Promise<readonly SplitRecord[]> {
    return await this.splits.list(goal.id);
  }

  async accounting(goal: JobGoal): Promise<Accounting> {
    return (await this.records(goal)).reduce((sum, { accounting }) => addAccounting(sum, accounting), noRecords);
  }

  /** Waits until the job has accounted for this many records. */
  async accounted(goal: JobGoal, count: number, withinMs = 90_000): Promise<Accounting> {
    return await until(
      async () => {
        const accounting = await this.accounting(goal);
        return accounting.in >= count ? accounting : null;
      },
      `${count} records to be accounted for`,
      withinMs,
      async () => `: ${JSON.stringify(await this.records(goal))}\n${this.#lastWords()}`,
    );
  }

  /** What the workers that were started said last, and how those ended that are over. */
  #lastWords(): string {
    return this.#started
      .map(({ name, child, log }) => {
        const how = child.signalCode ?? child.exitCode ?? 'running';
        return [`${name} (${how})`, ...log.slice(-lastWordsMax).map((line) => JSON.stringify(line))].join('\n  ');
      })
      .join('\n');
  }

  async heartbeat(goal: JobGoal, worker: string): Promise<Heartbeat | null> {
    const view = await this.workers.view(goal.id);
    return view.heartbeats.find((heartbeat) => heartbeat.worker === worker) ?? null;
  }

  async heartbeatWith(
    goal: JobGoal,
    worker: string,
    holds: (heartbeat: Heartbeat) => boolean,
    withinMs?: number,
  ): Promise<Heartbeat> {
    return await until(
      async () => {
        const heartbeat = await this.heartbeat(goal, worker);
        return heartbeat !== null && holds(heartbeat) ? heartbeat : null;
      },
      `a heartbeat of ${worker} as wished`,
      withinMs,
      async () => `: ${JSON.stringify(await this.heartbeat(goal, worker))}\n${this.#lastWords()}`,
    );
  }
}

function programOf({ where, select, key }: GoalWishes): RouteProgram {
  const planned = planRoute(
    {
      ...(where === undefined ? {} : { where }),
      ...(select === undefined ? {} : { select }),
      ...(key === undefined ? {} : { key }),
    },
    null,
  );
  if (!planned.ok) throw new Error(JSON.stringify(planned.problem));
  return planned.value;
}
