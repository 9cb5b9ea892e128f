// The control flow of a declared route as it runs on AWS: the functions composed for AWS, against counterparts over HTTP.
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import pg from 'pg';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { grantAccess } from '#adapters/postgres/access.ts';
import { openDatabase } from '#adapters/postgres/database.ts';
import { migrate } from '#adapters/postgres/migrations.ts';
import { environment, goalDatabase, taskTags } from '#core/names.ts';
import type { ObservedTask } from '#core/ports/task-runner.ts';
import { createLocalMachine } from '#functions/reconcile/local-machine.ts';
import type { EcsServer } from '#test/support/ecs-server.ts';
import { until } from '#test/support/until.ts';
import { deployedParts } from './deployed-parts.ts';

type Deployed = Awaited<ReturnType<typeof deployedParts>>;
type Api = Awaited<ReturnType<Deployed['composeApi']>>;
type Reconciler = Awaited<ReturnType<Deployed['composeReconciler']>>;

export interface Counterparts {
  /** Of the owner of an empty database. */
  readonly postgresUrl: string;
  readonly kafka: string;
  readonly dynamodb: string;
  readonly s3: string;
  readonly bucket: string;
  readonly ecs: EcsServer;
  readonly clusterArns: readonly string[];
  readonly taskDefinitionArn: string;
  /** Runs a task for real, given what RunTask was given; absent: the task only exists. */
  readonly work?: (environment: Readonly<Record<string, string>>) => Work;
}

export interface Work {
  readonly output: () => string;
  readonly stop: () => Promise<number | null>;
}

export interface ControlFlow {
  /** What held, in order. */
  readonly steps: readonly string[];
  readonly started: ObservedTask;
  readonly replacement: ObservedTask;
}

const rolePassword = 'of-a-test';
const region = 'us-east-1';

/** On AWS these users log in by token; a server on this machine knows passwords only. */
async function prepareDatabase(ownerUrl: string): Promise<(user: string) => string> {
  const database = openDatabase({ url: ownerUrl, applicationName: 'millrace-migrate', connectionsMax: 1 });
  await migrate(database);
  await grantAccess(database);
  await database.close();
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  for (const role of [goalDatabase.api, goalDatabase.reconciler])
    await client.query(`ALTER ROLE ${role} PASSWORD '${rolePassword}'`);
  await client.end();
  return (user) => {
    const url = new URL(ownerUrl);
    url.username = user;
    url.password = rolePassword;
    return url.href;
  };
}

/** As API Gateway's HTTP API sends it, payload format 2.0, with the claims of its JWT authorizer. */
function gatewayEvent(method: string, path: string, body: unknown): APIGatewayProxyEventV2 {
  const claims = { sub: 'user-1', email: 'ana@example.com', aud: 'millrace' };
  const http = { method, path, protocol: 'HTTP/1.1', sourceIp: '203.0.113.7', userAgent: 'deploy-check' };
  return {
    ...{ version: '2.0', routeKey: `ANY /v1/{proxy+}`, rawPath: path, rawQueryString: '', isBase64Encoded: false },
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    requestContext: {
      ...{ accountId: '111122223333', apiId: 'api', domainName: 'api.example.com', domainPrefix: 'api', http },
      ...{ requestId: 'request-1', routeKey: 'ANY /v1/{proxy+}', stage: '$default', time: '', timeEpoch: 0 },
      authorizer: { jwt: { claims, scopes: null } },
    },
  } as unknown as APIGatewayProxyEventV2;
}

export async function runControlFlow(
  parts: Counterparts,
  names: { stream: string; route: string },
): Promise<ControlFlow> {
  const urlOf = await prepareDatabase(parts.postgresUrl);
  const common = {
    ...process.env,
    [environment.stage]: 'dev',
    [environment.version]: '0.0.0',
    [environment.region]: region,
    [environment.kafkaBrokers]: parts.kafka,
    [environment.dynamodbEndpoint]: parts.dynamodb,
    [environment.s3Endpoint]: parts.s3,
    [environment.bucket]: parts.bucket,
  };
  const logger = createLogger({ level: 'error' });
  await using deployed = await deployedParts();
  const { composeApi, composeReconciler } = deployed;
  const api = await composeApi({ ...common, [environment.postgresUrl]: urlOf(goalDatabase.api) }, logger);
  const reconciler = await composeReconciler(
    {
      ...common,
      [environment.postgresUrl]: urlOf(goalDatabase.reconciler),
      [environment.ecsEndpoint]: parts.ecs.url,
      [environment.clusters]: parts.clusterArns.join(','),
      [environment.taskDefinitions]: `0.25/512=${parts.taskDefinitionArn}`,
      [environment.subnets]: 'subnet-1',
      [environment.securityGroups]: 'sg-1',
      [environment.workerLogGroup]: '/millrace/workers',
    },
    logger,
  );
  try {
    return await walk(deployed, api, reconciler, parts, names);
  } finally {
    await api.close();
    await reconciler.close();
  }
}

async function walk(
  { createLambda, createReconcileHandler, runPass }: Deployed,
  api: Api,
  reconciler: Reconciler,
  parts: Counterparts,
  { stream, route }: { stream: string; route: string },
): Promise<ControlFlow> {
  const steps: string[] = [];
  const lambda = createLambda(api.parts);
  const context = { getRemainingTimeInMillis: () => 20_000 } as Context;
  const put = async (path: string, document: unknown): Promise<void> => {
    const { statusCode, body } = await lambda(gatewayEvent('PUT', path, document), context);
    const text = Buffer.from(body ?? '', 'base64').toString();
    if (statusCode !== 201) throw new Error(`PUT ${path} answered ${statusCode}: ${text}`);
    steps.push(`PUT ${path} → 201`);
  };
  const metadata = (name: string) => ({ name, owner: 'deploy-check' });
  await put(`/v1/streams/${stream}`, {
    ...{ apiVersion: 'millrace/v1', kind: 'Stream', metadata: metadata(stream) },
    spec: { partitions: 1, retention: '1h', schema: { fields: { id: 'text', type: 'text' } }, key: 'id' },
  });
  await put(`/v1/routes/${route}`, {
    ...{ apiVersion: 'millrace/v1', kind: 'Route', metadata: metadata(route) },
    spec: { from: stream, where: "type = 'play'", to: [{ name: 'out', stream: `${route}-out` }] },
  });
  const [revision] = (await api.parts.goals.snapshot('default')).revisions.filter(({ name }) => name === route);
  if (revision?.author !== 'ana@example.com') throw new Error(`the author is ${revision?.author}; expected the caller`);
  steps.push('the revision bears the name that the authorizer gave');

  const machine = createLocalMachine(
    createReconcileHandler(
      async () => {
        const forget = await reconciler.takeChanges();
        const report = await runPass(reconciler.parts, new Map());
        await forget();
        return { ...report, settled: true };
      },
      Date.now,
      reconciler.parts.logger,
      55_000,
    ),
  );
  await machine.start('deploy-check').done;
  const topics = await reconciler.parts.broker.describe([stream, `${route}-out`], []);
  if (topics.length !== 2) throw new Error(`${topics.length} topics were made; expected 2`);
  steps.push('the topics are there');
  const started = await onlyTask(reconciler.parts.tasks, (task) => task.state !== 'stopped');
  if (started.tags[taskTags.uid] !== revision.uid) throw new Error('the task is not tagged with the route’s uid');
  steps.push('one task was asked for, tagged with its job');
  const goals = await reconciler.parts.objects.list(`goals/${started.job}/`);
  // What a running worker takes over is stored as well.
  if (goals.length === 0) throw new Error('no goal is in the bucket');
  steps.push('its goal is in the bucket');
  const control = await reconciler.parts.controls.read(started.job);
  if (control === null) throw new Error('no control record was written');
  steps.push('what was decided is in the control table');
  if (parts.work) steps.push(...(await workOn(parts, parts.work, api, reconciler, { stream, route }, started)));

  parts.ecs.api.kill(started.taskId);
  // The event by which a pass is started comes with the state, not with the death.
  await onlyTask(reconciler.parts.tasks, ({ taskId, state }) => taskId === started.taskId && state === 'stopped');
  await machine.start('a task stopped').done;
  const replacement = await onlyTask(reconciler.parts.tasks, (task) => task.state !== 'stopped');
  const number = (task: ObservedTask): number => Number(task.tags[taskTags.incarnation]);
  if (number(replacement) <= number(started)) throw new Error('the replacement is no later incarnation');
  steps.push('the task was killed, and a later incarnation took its place');
  return { steps, started, replacement };
}

async function firstRecords(api: Api, topic: string, count: number): Promise<readonly string[]> {
  const arrived: string[] = [];
  const signal = AbortSignal.timeout(60_000);
  for await (const { value } of api.parts.records.read({ topic, from: 'earliest', follow: true, signal })) {
    arrived.push(Buffer.from(value ?? []).toString());
    if (arrived.length === count) break;
  }
  return arrived;
}

/** A counterpart with one broker can have no two replicas in sync. */
const oneBroker = { 'min.insync.replicas': '1' };

async function workOn(
  parts: Counterparts,
  run: NonNullable<Counterparts['work']>,
  api: Api,
  reconciler: Reconciler,
  { stream, route }: { stream: string; route: string },
  task: ObservedTask,
): Promise<readonly string[]> {
  const sink = `${route}-out`;
  for (const topic of [stream, sink]) await reconciler.parts.broker.configure(topic, oneBroker);
  const events = ['play', 'browse', 'play'].map((type, n) => JSON.stringify({ id: `e${n}`, type }));
  await api.parts.records.append(
    stream,
    events.map((event, n) => ({ key: Buffer.from(`e${n}`), value: Buffer.from(event) })),
  );
  const working = run({
    [environment.kafkaBrokers]: parts.kafka,
    [environment.dynamodbEndpoint]: parts.dynamodb,
    [environment.s3Endpoint]: parts.s3,
    [environment.bucket]: parts.bucket,
    ...parts.ecs.api.environmentOf(task.taskId),
  });
  const arrived = await firstRecords(api, sink, 2).finally(() => working.stop());
  if (arrived.join() !== [events[0], events[2]].join())
    throw new Error(
      `at the sink is ${arrived.join(' ') || 'nothing'}; the worker says ${working.output().slice(-2_000)}`,
    );
  const code = await working.stop();
  if (code !== 0) throw new Error(`the worker ended with ${code}: ${working.output().slice(-2_000)}`);
  return ['its worker ran from the image and filtered three events to two', 'on SIGTERM it drained and ended with 0'];
}

async function onlyTask(
  tasks: { list(): Promise<readonly ObservedTask[]> },
  fits: (task: ObservedTask) => boolean,
): Promise<ObservedTask> {
  return await until(async () => {
    const found = (await tasks.list()).filter(fits);
    return found.length === 1 ? found[0]! : null;
  }, 'exactly one task');
}
