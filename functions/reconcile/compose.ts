// The reconciler's composition: which adapters fill its ports, from the environment, read once.
import { systemClock } from '#adapters/clock/system-clock.ts';
import { createDynamo } from '#adapters/dynamodb/client.ts';
import { createControlStore } from '#adapters/dynamodb/control-store.ts';
import { createSplitStore } from '#adapters/dynamodb/split-store.ts';
import { createTables } from '#adapters/dynamodb/tables.ts';
import { createWorkerStore } from '#adapters/dynamodb/worker-store.ts';
import { createBrokerAdmin } from '#adapters/kafka/broker-admin.ts';
import { localTaskRunner } from '#adapters/local/task-runner.ts';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { openDatabase } from '#adapters/postgres/database.ts';
import { createGoalStore } from '#adapters/postgres/goal-store.ts';
import { migrate } from '#adapters/postgres/migrations.ts';
import { ackOutbox, listenOutbox, type OutboxListener, takeOutbox } from '#adapters/postgres/outbox.ts';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { memoizePlanner } from '#core/graph/memoize-planner.ts';
import { localSettings, withSinkSettings } from '#core/graph/platform-settings.ts';
import { environment } from '#core/names.ts';
import type { ReconcileParts } from '#functions/reconcile/parts.ts';

export interface LocalReconciler {
  readonly parts: ReconcileParts;
  readonly port: number;
  /** Calls back after each change of the goal store, as soon as it is committed. */
  listen(onChange: () => void): OutboxListener;
  /** Forgets the changes that a pass which began after this call will have seen. */
  takeChanges(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

const plansKept = 20_000;
const outboxRowsMax = 1_000;
const outboxLeaseMs = 10_000;

const required = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the local platform sets it (millrace up)`);
  return value;
};

export async function composeLocal(): Promise<LocalReconciler> {
  const logger = createLogger({ level: logLevel(), fields: { program: 'reconciler' } });
  const aws = {
    region: required(environment.region),
    credentials: {
      accessKeyId: required(environment.accessKeyId),
      secretAccessKey: required(environment.secretAccessKey),
    },
  };
  const database = openDatabase({ url: required(environment.postgresUrl), applicationName: 'millrace-reconciler' });
  const dynamo = createDynamo({ ...aws, endpoint: required(environment.dynamodbEndpoint) });
  const objects = createObjectStore({
    ...aws,
    endpoint: required(environment.s3Endpoint),
    bucket: required(environment.bucket),
  });
  const broker = createBrokerAdmin({ brokers: required(environment.kafkaBrokers).split(',') });
  await Promise.all([migrate(database), createTables(dynamo), objects.ensureBucket(), loadParser()]);
  return {
    parts: {
      goals: createGoalStore(database),
      broker,
      tasks: localTaskRunner(required(environment.supervisorUrl)),
      workers: createWorkerStore(dynamo),
      splits: createSplitStore(dynamo),
      controls: createControlStore(dynamo),
      objects,
      clock: systemClock,
      logger,
      settings: withSinkSettings(localSettings, process.env),
      planRoute: memoizePlanner(planRoute, plansKept),
    },
    port: Number(required(environment.reconcilerPort)),
    listen: (onChange) => listenOutbox(required(environment.postgresUrl), onChange),
    takeChanges: async () => {
      const rows = await takeOutbox(database, outboxRowsMax, outboxLeaseMs);
      return () =>
        ackOutbox(
          database,
          rows.map((row) => row.sequence),
        );
    },
    close: async () => {
      await Promise.allSettled([broker.close(), database.close()]);
      objects.close();
      dynamo.client.destroy();
    },
  };
}

function logLevel(): 'debug' | 'info' | 'warn' | 'error' {
  const level = process.env[environment.logLevel];
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}
