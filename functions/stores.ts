// The stores and the broker that the control plane stands on, opened from the environment: one place that knows which setting opens what.
import { readFileSync } from 'node:fs';
import type { Dynamo } from '#adapters/dynamodb/client.ts';
import { createControlStore } from '#adapters/dynamodb/control-store.ts';
import { createSplitStore } from '#adapters/dynamodb/split-store.ts';
import { createWorkerStore } from '#adapters/dynamodb/worker-store.ts';
import { kafkaSecurityOf, type SecurityNeeds } from '#adapters/kafka/security-of.ts';
import { type Database, openDatabase, type Scope } from '#adapters/postgres/database.ts';
import { createGoalStore } from '#adapters/postgres/goal-store.ts';
import { iamPassword } from '#adapters/postgres/iam-password.ts';
import { migrate } from '#adapters/postgres/migrations.ts';
import type { S3ObjectStore } from '#adapters/s3/object-store.ts';
import type { ConfigSource } from '#core/config/layers.ts';
import { readConfigSource } from '#core/config/read-source.ts';
import { type Environment, readAwsAccess, readEndpoint, readSetting } from '#core/environment.ts';
import { loadParser } from '#core/expression/index.ts';
import { awsSettings, localSettings, type PlatformSettings, withEnvironment } from '#core/graph/platform-settings.ts';
import { environment } from '#core/names.ts';
import type { BrokerAdmin } from '#core/ports/broker-admin.ts';
import { whenAsked } from '#functions/when-asked.ts';

export interface StoreNeeds {
  /** What the database and the broker see as the name of this program, behind `millrace-`. */
  readonly program: string;
  /** On AWS, for one instance: the database counts the connections of all of them. */
  readonly lambdaConnectionsMax: number;
  /** `tenant`: it acts for one tenant at a time, and the database holds it to that. */
  readonly tenants: Scope;
  /** How long a call to the broker may take; the client's own default where nobody waits for the answer. */
  readonly kafkaCallMs?: number;
}

/** Says whose work a setting is when it is missing. */
export const required = (env: Environment, name: string): string =>
  readSetting(env, name, 'the local platform sets it (millrace up), on AWS the deployment');

export const isLocal = (env: Environment): boolean => env[environment.stage] === 'local';

/**
 * Opens all of them. On a laptop the programs make their own tables and bucket; on AWS the deployment has made them, and
 * nobody here may.
 */
export async function openStores(env: Environment, needs: StoreNeeds) {
  const aws = readAwsAccess(env);
  const clientId = `millrace-${needs.program}`;
  const database = openControlDatabase(env, needs);
  const openDynamo = async (): Promise<Dynamo> =>
    (await import('#adapters/dynamodb/client.ts')).createDynamo({
      ...aws,
      ...readEndpoint(env, environment.dynamodbEndpoint),
    });
  // What people ask about declarations alone needs none of its tables.
  const dynamo = isLocal(env) ? await openDynamo() : whenAsked<Dynamo>(openDynamo);
  const bucket = required(env, environment.bucket);
  const stored = { ...aws, ...readEndpoint(env, environment.s3Endpoint), bucket };
  // Few requests of the API ask for an object.
  const objects = whenAsked<S3ObjectStore>(async () =>
    (await import('#adapters/s3/object-store.ts')).createObjectStore(stored),
  );
  const security = kafkaSecurityOf(env, { ...aws, readLogin });
  const callMs = needs.kafkaCallMs === undefined ? {} : { callMs: needs.kafkaCallMs };
  const kafka = { brokers: required(env, environment.kafkaBrokers).split(','), security, clientId, ...callMs };
  // What people ask about declarations and jobs needs no broker.
  const broker = whenAsked<BrokerAdmin>(async () =>
    (await import('#adapters/kafka/broker-admin.ts')).createBrokerAdmin(kafka),
  );
  const make = isLocal(env) ? [migrate(database), makeTables(dynamo), objects.ensureBucket()] : [];
  await Promise.all([...make, loadParser()]);
  return {
    ...{ database, kafka, broker, objects },
    goals: createGoalStore(database, needs.tenants),
    workers: createWorkerStore(dynamo),
    splits: createSplitStore(dynamo),
    controls: createControlStore(dynamo),
    settings: withConfig(withEnvironment(isLocal(env) ? localSettings : awsSettings, env), env),
    close: async () => {
      await Promise.allSettled([broker.close(), database.close()]);
      objects.close();
      dynamo.close();
    },
  };
}

/** What the installation says of all jobs: its file, and over the routes' own word its variable. What cannot be understood ends the program. */
function withConfig(settings: PlatformSettings, env: Environment): PlatformSettings {
  const read = (from: string, text: string): ConfigSource => {
    const source = readConfigSource(from, text);
    if (!source.ok) throw new Error(source.problem);
    return source.value;
  };
  // A function has no file beside it: the deployment puts the text itself there.
  const readFileLayer = (file: string): ConfigSource =>
    file.startsWith('{') ? read('the stage’s defaults', file) : read(file, readFileSync(file, 'utf8'));
  const file = env[environment.configFile];
  const variable = env[environment.config];
  return {
    ...settings,
    config: {
      files: file === undefined || file === '' ? [] : [readFileLayer(file)],
      environment: variable === undefined || variable === '' ? [] : [read(environment.config, variable)],
    },
  };
}

function openControlDatabase(env: Environment, { program, lambdaConnectionsMax }: StoreNeeds): Database {
  const url = required(env, environment.postgresUrl);
  return openDatabase({
    ...{ url, applicationName: `millrace-${program}` },
    ...(env[environment.postgresAuth] === 'iam' ? { password: iamPassword(url, readAwsAccess(env).region) } : {}),
    ...(isLocal(env) ? {} : { connectionsMax: lambdaConnectionsMax }),
  });
}

const makeTables = async (dynamo: Dynamo): Promise<void> =>
  await (await import('#adapters/dynamodb/tables.ts')).createTables(dynamo);

/** Most brokers want no login: its client is loaded where one does. */
const readLogin: SecurityNeeds['readLogin'] = async (address) =>
  await (await import('#adapters/secretsmanager/login-secret.ts')).readLogin(address);
