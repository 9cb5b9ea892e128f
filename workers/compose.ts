// Which adapters a worker runs on: the only place that knows the environment, and AWS from a laptop.
import { systemClock } from '#adapters/clock/system-clock.ts';
import { createDynamo } from '#adapters/dynamodb/client.ts';
import { createSplitStore } from '#adapters/dynamodb/split-store.ts';
import { createWorkerStore } from '#adapters/dynamodb/worker-store.ts';
import { environmentSecrets } from '#adapters/environment/secret-store.ts';
import { createTableCatalog as createGlueCatalog } from '#adapters/glue/table-catalog.ts';
import { kafkaSecurityOf, type SecurityNeeds } from '#adapters/kafka/security-of.ts';
import { jobCredentials } from '#adapters/lambda/job-credentials.ts';
import { secretFiles } from '#adapters/local/secret-files.ts';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { openRegistryWith } from '#adapters/registry/schema-registry.ts';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import { createTableCatalog } from '#adapters/s3/table-catalog.ts';
import { createSecretStore } from '#adapters/secretsmanager/secret-store.ts';
import { createRequestSigner } from '#adapters/sigv4/request-signer.ts';
import { type Environment, readAwsAccess, readEndpoint, readLogLevel, readTableCatalog } from '#core/environment.ts';
import { messageOf, PlatformError } from '#core/errors.ts';
import { createProcessor } from '#core/expression/index.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { parseJobGoal } from '#core/job/parse-goal.ts';
import { defaultBucket, environment } from '#core/names.ts';
import type { Logger } from '#core/ports/logger.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { SecretStore } from '#core/ports/secret-store.ts';
import type { TableCatalog } from '#core/ports/table-catalog.ts';
import { Cluster, parseBrokers } from './kafka/cluster.ts';
import type { WorkerIdentity, WorkerParts } from './parts.ts';

const standardOutput = 1;

/** A request may take a quarter of the lease at most, so that one that is lost does not cost the lease. */
const requestShareOfLease = 0.25;
const requestMsMax = 3_000;
/** A file of a table, at a megabyte a second and more. */
const fileRequestMs = 120_000;

export function composeLogger(from: Environment): Logger {
  const fields = { job: from[environment.job], worker: from[environment.worker], pid: process.pid };
  return createLogger({ level: readLogLevel(from), to: standardOutput, fields });
}

/**
 * Throws a PlatformError of code `bad-goal` where a setting or the goal is missing or not understood. A data thread is given
 * the goal that its worker has read, so that all go by the same.
 */
export async function compose(from: Environment, log: Logger, given?: JobGoal): Promise<WorkerParts> {
  const identity: WorkerIdentity = {
    job: required(from, environment.job),
    worker: required(from, environment.worker),
    incarnation: requiredNumber(from, environment.incarnation),
    slot: requiredNumber(from, environment.slot),
    render: from[environment.render] ?? '',
    pid: process.pid,
  };
  const brokers = parseBrokers(required(from, environment.kafkaBrokers));
  const aws = awsOptions(from, log);
  const bucket = {
    ...aws,
    bucket: from[environment.bucket] ?? defaultBucket,
    ...readEndpoint(from, environment.s3Endpoint),
  };
  const objects = createObjectStore(bucket);
  const goal = given ?? (await readGoal(objects, required(from, environment.goal), identity.job));
  const dynamo = createDynamo({
    ...aws,
    ...readEndpoint(from, environment.dynamodbEndpoint),
    requestMs: Math.min(requestMsMax, Math.round(goal.settings.leaseMs * requestShareOfLease)),
    attempts: 2,
  });
  const secrets = composeSecrets(from, aws);
  const security = kafkaSecurityOf(from, { ...aws, readLogin }).connection;
  const written = goal.sink.kind === 'stream' ? [goal.sink.topic] : [];
  const topics = [...new Set([goal.source.topic, ...written, goal.deadLetterTopic])];
  return {
    identity,
    goal,
    ...compilePrograms(goal),
    cluster: new Cluster(brokers, topics, identity.worker, security),
    splits: createSplitStore(dynamo),
    workers: createWorkerStore(dynamo),
    objects,
    secrets,
    registries: openRegistryWith(secrets),
    signer: createRequestSigner({ region: aws.region, credentials: aws.credentials, now: systemClock.now }),
    warehouse: {
      files: createObjectStore({ ...bucket, requestMs: fileRequestMs }),
      catalog: composeCatalog(from, bucket, objects),
    },
    clock: systemClock,
    log,
  };
}

/** The task's environment first, then the files of a platform on one machine, or AWS's own store of secrets. */
function composeSecrets(from: Environment, aws: AwsOptions): SecretStore {
  const inEnvironment = environmentSecrets(from);
  const others = otherSecrets(from, aws);
  return {
    read: async (tenant, name) =>
      (await inEnvironment.read(tenant, name)) ?? (await others?.read(tenant, name)) ?? null,
  };
}

function otherSecrets(from: Environment, aws: AwsOptions): SecretStore | null {
  const folder = from[environment.secretsDir];
  if (folder !== undefined) return secretFiles(folder);
  const endpoint = readEndpoint(from, environment.secretsEndpoint);
  const isOnAws = (from[environment.credentialsFunction] ?? '') !== '' || endpoint.endpoint !== undefined;
  return isOnAws ? createSecretStore({ ...aws, ...endpoint }) : null;
}

function composeCatalog(
  from: Environment,
  { bucket, region, credentials }: BucketOptions,
  objects: ObjectStore,
): TableCatalog {
  switch (readTableCatalog(from)) {
    case 'bucket':
      return createTableCatalog(objects);
    case 'glue':
      return createGlueCatalog({
        ...{ region, bucket, now: systemClock.monotonicMs, ...readEndpoint(from, environment.glueEndpoint) },
        ...(credentials === undefined ? {} : { credentials }),
      });
  }
}

async function readGoal(objects: ObjectStore, key: string, job: string): Promise<JobGoal> {
  const bytes = await objects.get(key);
  if (bytes === null) throw badGoal(`there is no goal at ${key}; the reconciler stores it before it starts a worker`);
  const goal = parseJobGoal(bytes);
  if (!goal.ok) throw badGoal(`${goal.problem} (at ${key})`);
  if (goal.value.id !== job) throw badGoal(`the goal at ${key} is of job ${goal.value.id}; expected ${job}`);
  return goal.value;
}

function compilePrograms(goal: JobGoal): Pick<WorkerParts, 'processor' | 'eventTime'> {
  try {
    const eventTime = goal.eventTime === null ? null : createProcessor(goal.eventTime);
    return { processor: createProcessor(goal.program), eventTime };
  } catch (error) {
    throw badGoal(`the goal's program cannot be run: ${messageOf(error)}`);
  }
}

type AwsOptions = ReturnType<typeof awsOptions>;
type BucketOptions = AwsOptions & { readonly bucket: string };

/** On AWS a worker works with its job's credentials; its task's own role may ask for them, and for nothing else. */
function awsOptions(from: Environment, log: Logger) {
  const access = readAwsAccess(from);
  const functionName = from[environment.credentialsFunction];
  if (functionName === undefined || functionName === '') return access;
  const { region } = access;
  const identity = required(from, environment.identity);
  const onFailedRenewal = (error: unknown, goodUntil: Date): void =>
    log.warn('the job’s credentials could not be renewed yet; those that it has are good until then', {
      goodUntil: goodUntil.toISOString(),
      error: messageOf(error),
    });
  return { region, credentials: jobCredentials({ region, functionName, identity, onFailedRenewal }) };
}

/** Most brokers want no login: its client is loaded where one does. */
const readLogin: SecurityNeeds['readLogin'] = async (address) =>
  await (await import('#adapters/secretsmanager/login-secret.ts')).readLogin(address);

function required(from: Environment, name: string): string {
  const value = from[name];
  if (value === undefined || value === '')
    throw badGoal(`${name} is not set; a worker is started by the reconciler, which sets it`);
  return value;
}

function requiredNumber(from: Environment, name: string): number {
  const text = required(from, name);
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw badGoal(`${name} is "${text}"; expected a whole number`);
  return value;
}

const badGoal = (message: string): PlatformError =>
  new PlatformError('bad-goal', message, { fault: 'user', retry: 'no-retry' });
