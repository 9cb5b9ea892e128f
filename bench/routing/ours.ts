// Our worker in the benchmark: the real process, given a goal as the reconciler would give it.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createDynamo } from '#adapters/dynamodb/client.ts';
import { createTables } from '#adapters/dynamodb/tables.ts';
import { bundleWorker } from '#adapters/local/bundle-worker.ts';
import { compileCacheOf } from '#adapters/local/compile-cache.ts';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { defaultBucket, environment, jobId, objectKeys, workerName } from '#core/names.ts';
import { endlessPatience } from '#core/spec/error-policy.ts';
import { testAccessKey } from '#test/support/own-parts.ts';
import { route, schema } from './events.ts';
import type { Flags } from './flags.ts';

const root = join(import.meta.dirname, '../..');
const heapMiB = 96;

export interface Places {
  readonly kafka: string;
  readonly dynamodb: string;
  readonly s3: string;
}

/** Prepares a job of its own and gives what starts its worker: from one bundled file, as the local platform does it. */
export async function prepareOurs(
  places: Places,
  topics: { readonly source: string; readonly sink: string; readonly deadLetters: string },
  pin: readonly string[],
  flags: Flags,
): Promise<() => ChildProcess> {
  const credentials = { region: 'us-east-1', credentials: testAccessKey };
  const dynamo = createDynamo({ ...credentials, endpoint: places.dynamodb });
  const objects = createObjectStore({ ...credentials, bucket: defaultBucket, endpoint: places.s3 });
  const [entry] = await Promise.all([bundleWorker(), createTables(dynamo), objects.ensureBucket(), loadParser()]);
  const goal = goalOf(topics, flags);
  const key = objectKeys.goal(goal.id, 'bench');
  await objects.put(key, Buffer.from(JSON.stringify(goal)));
  dynamo.close();
  objects.close();
  const env = {
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: compileCacheOf(entry),
    [environment.kafkaBrokers]: places.kafka,
    [environment.dynamodbEndpoint]: places.dynamodb,
    [environment.s3Endpoint]: places.s3,
    [environment.region]: 'us-east-1',
    [environment.accessKeyId]: testAccessKey.accessKeyId,
    [environment.secretAccessKey]: testAccessKey.secretAccessKey,
    [environment.job]: goal.id,
    [environment.worker]: workerName(goal.id, 1, 0),
    [environment.incarnation]: '1',
    [environment.slot]: '0',
    [environment.goal]: key,
    [environment.logLevel]: 'warn',
  };
  const command = [...pin, process.execPath, `--max-old-space-size=${heapMiB}`, ...flags.nodeFlags, entry];
  return () => spawn(command[0]!, command.slice(1), { cwd: root, env, stdio: ['ignore', 2, 2] });
}

function goalOf(
  { source, sink, deadLetters }: { source: string; sink: string; deadLetters: string },
  { compression, validate }: Flags,
): JobGoal {
  const planned = validate === 'schema' ? planRoute(route, schema, { validate: 'declared' }) : planRoute(route, null);
  if (!planned.ok) throw new Error(JSON.stringify(planned.problem));
  return {
    formatVersion: 1,
    id: jobId('bench', `${sink}.out`, 'u1'),
    tenant: 'bench',
    name: `${sink}.out`,
    route: sink,
    uid: 'u1',
    revision: 1,
    owner: 'bench',
    source: { stream: source, topic: source, start: { kind: 'earliest' } },
    program: planned.value,
    eventTime: null,
    sink: { kind: 'stream', stream: sink, topic: sink, keyed: false },
    deadLetterTopic: deadLetters,
    delivery: { guarantee: 'at-least-once', lossBudget: null, ordering: 'per-key' },
    errors: {
      ...{ poison: 'dead-letter', schema: 'dead-letter', auth: 'retry', deadLetterRateMax: null },
      ...{ retryable: endlessPatience, throttled: endlessPatience },
    },
    throttle: null,
    resources: { workers: 1, cpu: 1, memoryMiB: 256 },
    stalledAfterMs: 90_000,
    settings: { ...localSettings.worker, compression },
  };
}
