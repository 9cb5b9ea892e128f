// The reconciler's composition: which adapters fill its ports, from the environment, read once.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '#adapters/clock/system-clock.ts';
import { emfMeasures } from '#adapters/cloudwatch/job-measures.ts';
import { parseSizes } from '#adapters/ecs/worker-size.ts';
import type { MessageAuthenticator } from '#adapters/kms/message-authenticator.ts';
import { watchFiles } from '#adapters/local/job-watches.ts';
import { localTaskRunner } from '#adapters/local/task-runner.ts';
import { ackOutbox, listenOutbox, type OutboxListener, takeOutbox } from '#adapters/postgres/outbox.ts';
import { type Environment, readAwsAccess, readEndpoint } from '#core/environment.ts';
import { planRoute } from '#core/expression/index.ts';
import { memoizePlanner } from '#core/graph/memoize-planner.ts';
import { createPlatformCompiler } from '#core/graph/platform-compiler.ts';
import { awsSettings } from '#core/graph/platform-settings.ts';
import { claimsText, encodeIdentity } from '#core/job/task-identity.ts';
import { environment } from '#core/names.ts';
import type { JobWatches } from '#core/ports/job-watches.ts';
import type { Logger } from '#core/ports/logger.ts';
import type { TaskRequest, TaskRunner } from '#core/ports/task-runner.ts';
import { type CallRates, ecsRates, localRates } from '#functions/reconcile/call-rates.ts';
import { createPacer, type Pacer } from '#functions/reconcile/pacer.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';
import { isLocal, openStores, required } from '#functions/stores.ts';
import { whenAsked } from '#functions/when-asked.ts';

export interface Reconciler {
  readonly parts: ReconcileParts;
  /** Forgets the changes that a pass which began after this call will have seen. */
  takeChanges(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export interface LocalReconciler extends Reconciler {
  readonly port: number;
  /** Calls back after each change of the goal store, as soon as it is committed. */
  listen(onChange: () => void): OutboxListener;
}

const plansKept = 20_000;
const outboxRowsMax = 1_000;
const outboxLeaseMs = 10_000;
const lambdaConnectionsMax = 4;

export async function composeLocal(env: Environment, logger: Logger): Promise<LocalReconciler> {
  return {
    ...(await composeReconciler(env, logger)),
    port: Number(required(env, environment.reconcilerPort)),
    listen: (onChange) => listenOutbox(required(env, environment.postgresUrl), onChange),
  };
}

export async function composeReconciler(env: Environment, logger: Logger): Promise<Reconciler> {
  const runtime = isLocal(env) ? localRuntime(env) : ecsRuntime(env);
  const stores = await openStores(env, { program: 'reconciler', lambdaConnectionsMax, tenants: 'whole' });
  const { goals, broker, objects, workers, splits, controls, settings, database } = stores;
  return {
    parts: {
      ...{ goals, broker, objects, workers, splits, controls, settings },
      ...{ logger, tasks: runtime.tasks, clock: systemClock, pacer: pacerOf(runtime.rates) },
      compile: createPlatformCompiler(settings, memoizePlanner(planRoute, plansKept)),
      ...(isLocal(env) ? localWatches(env) : cloudWatches(env)),
    },
    takeChanges: async () => {
      const rows = await takeOutbox(database, outboxRowsMax, outboxLeaseMs);
      const sequences = rows.map((row) => row.sequence);
      return () => ackOutbox(database, sequences);
    },
    close: async () => {
      await Promise.all([stores.close(), runtime.close()]);
    },
  };
}

type Watched = Pick<ReconcileParts, 'watches' | 'measures'>;

function localWatches(env: Environment): Watched {
  const folder = env[environment.dataDir];
  return folder === undefined ? {} : { watches: watchFiles(join(folder, 'watches')) };
}

/** Without a topic nobody could be told: so it is where a counterpart stands in for CloudWatch. */
function cloudWatches(env: Environment): Watched {
  const topicArn = env[environment.alarmTopic];
  if (topicArn === undefined || topicArn === '') return {};
  const shards = Number(env[environment.metricShards] ?? 1);
  const options = { ...readAwsAccess(env), ...readEndpoint(env, environment.cloudwatchEndpoint), topicArn, shards };
  const watches = whenAsked<JobWatches>(async () =>
    (await import('#adapters/cloudwatch/job-watches.ts')).createJobWatches(options),
  );
  const measures = emfMeasures((line) => process.stdout.write(`${line}\n`), shards);
  return { watches, measures };
}

interface Runtime {
  readonly tasks: TaskRunner;
  readonly rates: CallRates;
  readonly close: () => Promise<void>;
}

const pacerOf = (rates: CallRates): Pacer =>
  createPacer({ rates, monotonicMs: () => systemClock.monotonicMs(), sleep: (delayMs) => sleep(delayMs) });

const localRuntime = (env: Environment): Runtime => ({
  tasks: localTaskRunner(required(env, environment.supervisorUrl)),
  rates: localRates(availableParallelism()),
  close: async () => {},
});

/** Without a key to sign with there is no identity to give: so it is where a counterpart stands in for ECS. */
function ecsRuntime(env: Environment): Runtime {
  const aws = readAwsAccess(env);
  const options = { ...aws, ...readEndpoint(env, environment.ecsEndpoint) };
  const list = (name: string): readonly string[] => required(env, name).split(',');
  const keyId = env[environment.identityKey];
  const authenticator = keyId ? signWhenAsked({ region: aws.region, keyId }) : null;
  const identify = async ({ environment: given }: TaskRequest): Promise<Record<string, string>> => {
    if (authenticator === null) return {};
    const claims = {
      job: given[environment.job] ?? '',
      worker: given[environment.worker] ?? '',
      goal: given[environment.goal] ?? '',
    };
    return { [environment.identity]: encodeIdentity(claims, await authenticator.sign(claimsText(claims))) };
  };
  const platform = {
    platform: awsSettings.platform,
    clusterArns: list(environment.clusters),
    sizes: parseSizes(required(env, environment.taskDefinitions)),
    subnetIds: list(environment.subnets),
    securityGroupIds: list(environment.securityGroups),
    logGroup: required(env, environment.workerLogGroup),
  };
  const tasks = whenAsked<TaskRunner & { close(): Promise<void> }>(async () => {
    const { Ecs } = await import('#adapters/ecs/client.ts');
    const { createEcsTaskRunner } = await import('#adapters/ecs/task-runner.ts');
    const ecs = new Ecs(options);
    return { ...createEcsTaskRunner(ecs, platform, identify), close: async () => ecs.close() };
  });
  return { tasks, rates: ecsRates, close: tasks.close };
}

/** Most passes start no task, and so sign nothing. */
const signWhenAsked = (options: { region: string; keyId: string }): MessageAuthenticator =>
  whenAsked(async () => (await import('#adapters/kms/message-authenticator.ts')).createMessageAuthenticator(options));
