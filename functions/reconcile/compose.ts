// The reconciler's composition: which adapters fill its ports, from the environment, read once.
import { systemClock } from '#adapters/clock/system-clock.ts';
import { createDynamo } from '#adapters/dynamodb/client.ts';
import { createControlStore } from '#adapters/dynamodb/control-store.ts';
import { createSplitStore } from '#adapters/dynamodb/split-store.ts';
import { createTables } from '#adapters/dynamodb/tables.ts';
import { createWorkerStore } from '#adapters/dynamodb/worker-store.ts';
import { Ecs } from '#adapters/ecs/client.ts';
import { createEcsTaskRunner } from '#adapters/ecs/task-runner.ts';
import { parseSizes } from '#adapters/ecs/worker-size.ts';
import { createBrokerAdmin } from '#adapters/kafka/broker-admin.ts';
import { mskTokens } from '#adapters/kafka/msk-token.ts';
import { bearerSecurity, noSecurity } from '#adapters/kafka/security.ts';
import { createMessageAuthenticator } from '#adapters/kms/message-authenticator.ts';
import { localTaskRunner } from '#adapters/local/task-runner.ts';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { openDatabase } from '#adapters/postgres/database.ts';
import { createGoalStore } from '#adapters/postgres/goal-store.ts';
import { iamPassword } from '#adapters/postgres/iam-password.ts';
import { migrate } from '#adapters/postgres/migrations.ts';
import { ackOutbox, listenOutbox, type OutboxListener, takeOutbox } from '#adapters/postgres/outbox.ts';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import {
  type Environment,
  readAwsAccess,
  readEndpoint,
  readKafkaAuth,
  readLogLevel,
  readSetting,
} from '#core/environment.ts';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { memoizePlanner } from '#core/graph/memoize-planner.ts';
import { awsSettings, localSettings, withSinkSettings } from '#core/graph/platform-settings.ts';
import { claimsText, encodeIdentity } from '#core/job/task-identity.ts';
import { environment } from '#core/names.ts';
import type { TaskRequest, TaskRunner } from '#core/ports/task-runner.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';

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

const required = (env: Environment, name: string): string =>
  readSetting(env, name, 'the local platform sets it (millrace up), on AWS the deployment');

export async function composeLocal(env: Environment = process.env): Promise<LocalReconciler> {
  return {
    ...(await composeReconciler(env)),
    port: Number(required(env, environment.reconcilerPort)),
    listen: (onChange) => listenOutbox(required(env, environment.postgresUrl), onChange),
  };
}

/** On a laptop the programs make their own tables and bucket; on AWS the deployment has made them, and nobody here may. */
export async function composeReconciler(env: Environment): Promise<Reconciler> {
  const isLocal = env[environment.stage] === 'local';
  const logger = createLogger({ level: readLogLevel(env), fields: { program: 'reconciler' } });
  const aws = readAwsAccess(env);
  const url = required(env, environment.postgresUrl);
  const database = openDatabase({
    ...{ url, applicationName: 'millrace-reconciler' },
    ...(env[environment.postgresAuth] === 'iam' ? { password: iamPassword(url, aws.region) } : {}),
    ...(isLocal ? {} : { connectionsMax: lambdaConnectionsMax }),
  });
  const dynamo = createDynamo({ ...aws, ...readEndpoint(env, environment.dynamodbEndpoint) });
  const bucket = required(env, environment.bucket);
  const objects = createObjectStore({ ...aws, ...readEndpoint(env, environment.s3Endpoint), bucket });
  const security = readKafkaAuth(env) === 'iam' ? bearerSecurity(mskTokens(aws.region)) : noSecurity;
  const broker = createBrokerAdmin({ brokers: required(env, environment.kafkaBrokers).split(','), security });
  const runtime = isLocal ? localRuntime(env) : ecsRuntime(env);
  const make = isLocal ? [migrate(database), createTables(dynamo), objects.ensureBucket()] : [];
  await Promise.all([...make, loadParser()]);
  return {
    parts: {
      ...{ broker, objects, logger, tasks: runtime.tasks, clock: systemClock },
      goals: createGoalStore(database),
      workers: createWorkerStore(dynamo),
      splits: createSplitStore(dynamo),
      controls: createControlStore(dynamo),
      settings: withSinkSettings(isLocal ? localSettings : awsSettings, env),
      planRoute: memoizePlanner(planRoute, plansKept),
    },
    takeChanges: async () => {
      const rows = await takeOutbox(database, outboxRowsMax, outboxLeaseMs);
      const sequences = rows.map((row) => row.sequence);
      return () => ackOutbox(database, sequences);
    },
    close: async () => {
      await Promise.allSettled([broker.close(), database.close()]);
      objects.close();
      dynamo.client.destroy();
      runtime.close();
    },
  };
}

interface Runtime {
  readonly tasks: TaskRunner;
  readonly close: () => void;
}

const localRuntime = (env: Environment): Runtime => ({
  tasks: localTaskRunner(required(env, environment.supervisorUrl)),
  close: () => {},
});

/** Without a key to sign with there is no identity to give: so it is where a counterpart stands in for ECS. */
function ecsRuntime(env: Environment): Runtime {
  const aws = readAwsAccess(env);
  const ecs = new Ecs({ ...aws, ...readEndpoint(env, environment.ecsEndpoint) });
  const list = (name: string): readonly string[] => required(env, name).split(',');
  const keyId = env[environment.identityKey];
  const authenticator = keyId ? createMessageAuthenticator({ region: aws.region, keyId }) : null;
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
  return { tasks: createEcsTaskRunner(ecs, platform, identify), close: () => ecs.close() };
}
