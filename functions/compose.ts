// The API's composition: which adapters fill its ports, from the environment, read once.
import { readFileSync } from 'node:fs';
import { systemClock } from '#adapters/clock/system-clock.ts';
import { createDynamo } from '#adapters/dynamodb/client.ts';
import { createControlStore } from '#adapters/dynamodb/control-store.ts';
import { createSplitStore } from '#adapters/dynamodb/split-store.ts';
import { createTables } from '#adapters/dynamodb/tables.ts';
import { createWorkerStore } from '#adapters/dynamodb/worker-store.ts';
import { createBrokerAdmin } from '#adapters/kafka/broker-admin.ts';
import { createRecordLog } from '#adapters/kafka/record-log.ts';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { openDatabase } from '#adapters/postgres/database.ts';
import { createGoalStore } from '#adapters/postgres/goal-store.ts';
import { migrate } from '#adapters/postgres/migrations.ts';
import { createRequestLedger } from '#adapters/postgres/request-keys.ts';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { memoizePlanner } from '#core/graph/memoize-planner.ts';
import { localSettings, withSinkSettings } from '#core/graph/platform-settings.ts';
import { environment } from '#core/names.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { WorldCache } from '#functions/api/world-cache.ts';

export interface ComposedApi {
  readonly parts: ApiParts;
  readonly close: () => Promise<void>;
}

/** In MiB of heap about a fifth as many hundreds; a platform of that many routes keeps all of its plans. */
const plansKept = 20_000;
/** People wait for these answers: a broker that is down is told of sooner than a worker would give up. */
const kafkaCallMs = 4_000;

export async function composeLocal(env: Readonly<Record<string, string | undefined>>): Promise<ComposedApi> {
  const required = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`${name} is not set: the local platform sets it (millrace up)`);
    return value;
  };
  const logger = createLogger({ level: logLevel(env), fields: { program: 'api' } });
  const database = openDatabase({ url: required(environment.postgresUrl), applicationName: 'millrace-api' });
  const aws = {
    region: required(environment.region),
    credentials: {
      accessKeyId: required(environment.accessKeyId),
      secretAccessKey: required(environment.secretAccessKey),
    },
  };
  const dynamo = createDynamo({ ...aws, endpoint: required(environment.dynamodbEndpoint) });
  const objects = createObjectStore({
    ...aws,
    endpoint: required(environment.s3Endpoint),
    bucket: required(environment.bucket),
  });
  const kafka = { brokers: required(environment.kafkaBrokers).split(','), callMs: kafkaCallMs };
  const broker = createBrokerAdmin({ ...kafka, clientId: 'millrace-api' });
  const records = createRecordLog({ ...kafka, clientId: 'millrace-api' });
  await Promise.all([migrate(database), createTables(dynamo), loadParser()]);
  const plan = memoizePlanner(planRoute, plansKept);
  const goals = createGoalStore(database);
  const controls = createControlStore(dynamo);
  return {
    parts: {
      ...{
        goals,
        records,
        broker,
        controls,
        logger,
        clock: systemClock,
        settings: withSinkSettings(localSettings, env),
        planRoute: plan,
      },
      worlds: new WorldCache(goals, plan),
      ledger: createRequestLedger(database),
      splits: createSplitStore(dynamo),
      workers: createWorkerStore(dynamo),
      objects,
      probes: [
        { name: 'postgres', probe: async () => void (await database.query('SELECT 1')) },
        { name: 'kafka', probe: async () => void (await broker.describe(['__consumer_offsets'], [])) },
        { name: 'dynamodb', probe: async () => void (await controls.read('health')) },
      ],
      version: platformVersion(),
      identity: 'header',
    },
    close: async () => {
      await Promise.allSettled([records.close(), broker.close(), database.close()]);
      objects.close();
      dynamo.close();
    },
  };
}

/** Bundled for Lambda, the file is not beside the code any more; there the deployment gives the version. */
function platformVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}

function logLevel(env: Readonly<Record<string, string | undefined>>): 'debug' | 'info' | 'warn' | 'error' {
  const level = env[environment.logLevel];
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}
