// The API's composition: which adapters fill its ports, from the environment, read once.
import { readFileSync } from 'node:fs';
import { systemClock } from '#adapters/clock/system-clock.ts';
import { createDynamo } from '#adapters/dynamodb/client.ts';
import { createControlStore } from '#adapters/dynamodb/control-store.ts';
import { createSplitStore } from '#adapters/dynamodb/split-store.ts';
import { createTables } from '#adapters/dynamodb/tables.ts';
import { createWorkerStore } from '#adapters/dynamodb/worker-store.ts';
import { createBrokerAdmin } from '#adapters/kafka/broker-admin.ts';
import { mskTokens } from '#adapters/kafka/msk-token.ts';
import { createRecordLog } from '#adapters/kafka/record-log.ts';
import { bearerSecurity, noSecurity } from '#adapters/kafka/security.ts';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { openDatabase } from '#adapters/postgres/database.ts';
import { createGoalStore } from '#adapters/postgres/goal-store.ts';
import { iamPassword } from '#adapters/postgres/iam-password.ts';
import { migrate } from '#adapters/postgres/migrations.ts';
import { createRequestLedger } from '#adapters/postgres/request-keys.ts';
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
/** A Lambda instance serves one request at a time; the database counts the connections of all of them. */
const lambdaConnectionsMax = 2;

/** On a laptop the programs make their own tables; on AWS the deployment has made them, and nobody here may. */
export async function composeApi(env: Environment): Promise<ComposedApi> {
  const isLocal = env[environment.stage] === 'local';
  const required = (name: string): string =>
    readSetting(env, name, 'the local platform sets it (millrace up), on AWS the deployment');
  const logger = createLogger({ level: readLogLevel(env), fields: { program: 'api' } });
  const aws = readAwsAccess(env);
  const url = required(environment.postgresUrl);
  const database = openDatabase({
    ...{ url, applicationName: 'millrace-api' },
    ...(env[environment.postgresAuth] === 'iam' ? { password: iamPassword(url, aws.region) } : {}),
    ...(isLocal ? {} : { connectionsMax: lambdaConnectionsMax }),
  });
  const dynamo = createDynamo({ ...aws, ...readEndpoint(env, environment.dynamodbEndpoint) });
  const bucket = required(environment.bucket);
  const objects = createObjectStore({ ...aws, ...readEndpoint(env, environment.s3Endpoint), bucket });
  const security = readKafkaAuth(env) === 'iam' ? bearerSecurity(mskTokens(aws.region)) : noSecurity;
  const kafka = { brokers: required(environment.kafkaBrokers).split(','), callMs: kafkaCallMs, security };
  const broker = createBrokerAdmin({ ...kafka, clientId: 'millrace-api' });
  const records = createRecordLog({ ...kafka, clientId: 'millrace-api' });
  await Promise.all([...(isLocal ? [migrate(database), createTables(dynamo)] : []), loadParser()]);
  const plan = memoizePlanner(planRoute, plansKept);
  const goals = createGoalStore(database);
  const controls = createControlStore(dynamo);
  return {
    parts: {
      ...{ goals, records, broker, controls, logger, clock: systemClock, planRoute: plan },
      settings: withSinkSettings(isLocal ? localSettings : awsSettings, env),
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
      version: env[environment.version] ?? platformVersion(),
      identity: isLocal ? 'header' : 'authorizer',
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
