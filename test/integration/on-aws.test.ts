// The programs composed as on AWS, with real parts and an ECS over HTTP: from a request at the gateway to tasks.
import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createDynamo } from '#adapters/dynamodb/client.ts';
import { createTables } from '#adapters/dynamodb/tables.ts';
import { openDatabase } from '#adapters/postgres/database.ts';
import { createGoalStore } from '#adapters/postgres/goal-store.ts';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import { goalDatabase } from '#core/names.ts';
import { runControlFlow } from '#test/deploy/control-flow.ts';
import { createDatabase } from '#test/support/api-rig.ts';
import { startEcsServer } from '#test/support/ecs-server.ts';
import { testAccessKey } from '#test/support/own-parts.ts';
import { testEnvironment } from '#test/support/start-parts.ts';

const given = (name: string): string => process.env[name] ?? '';

test('a declaration through the gateway becomes topics, a goal, a task and its replacement, under the rights that the deployment grants', async () => {
  const suffix = randomBytes(4).toString('hex');
  const aws = { region: 'us-east-1', credentials: testAccessKey };
  const dynamodb = given(testEnvironment.dynamodb);
  const s3 = given(testEnvironment.s3);
  const bucket = `millrace-${suffix}`;
  const dynamo = createDynamo({ ...aws, endpoint: dynamodb });
  const objects = createObjectStore({ ...aws, endpoint: s3, bucket });
  await Promise.all([createTables(dynamo), objects.ensureBucket()]);
  const clusterArns = ['arn:aws:ecs:us-east-1:111122223333:cluster/millrace-cell-1'];
  const taskDefinitionArn = 'arn:aws:ecs:us-east-1:111122223333:task-definition/millrace-worker-256x512:1';
  const postgresUrl = await createDatabase(given(testEnvironment.postgresUrl));
  await using ecs = await startEcsServer({
    ...{ clusters: clusterArns, taskDefinitions: [taskDefinitionArn], tasksMax: 10, stopTimeoutMs: 100 },
  });
  const { steps } = await runControlFlow(
    { postgresUrl, kafka: given(testEnvironment.kafka), dynamodb, s3, bucket, ecs, clusterArns, taskDefinitionArn },
    { stream: `events-${suffix}`, route: `plays-${suffix}` },
  );
  expect(steps).toHaveLength(8);

  const url = new URL(postgresUrl);
  url.username = goalDatabase.api;
  url.password = 'of-a-test';
  const database = openDatabase({ url: url.href, applicationName: 'test' });
  for (const statement of [
    'UPDATE revisions SET author = $1',
    'UPDATE audit SET author = $1',
    'DELETE FROM audit WHERE author = $1',
  ])
    await expect(database.query(statement, ['somebody'])).rejects.toThrow(/permission denied/);
  await expect(database.query('DROP TABLE audit')).rejects.toThrow(/must be owner/);

  // A table that is added with a tenant has to be held to it as well (adapters/postgres/access.ts).
  const open = await database.query<{ table_name: string }>(
    `SELECT table_name FROM information_schema.columns JOIN pg_class ON relname = table_name
     WHERE table_schema = 'public' AND column_name = 'tenant' AND NOT relrowsecurity`,
  );
  expect(open.map(({ table_name }) => table_name)).toEqual([]);

  // Row-level security: a query that names no tenant, or another, finds nothing, and writes for nobody else.
  const count = (on: Pick<typeof database, 'query'>) =>
    on.query<{ count: string }>('SELECT count(*) FROM heads').then(([row]) => Number(row?.count));
  expect([await count(database), await count(database.as('acme')), await count(database.as('default'))]).toEqual([
    0, 0, 2,
  ]);
  // One history over all tenants: whoever knows a place in it is told whether it still stands there.
  const goals = createGoalStore(database, 'tenant');
  const { sequence, hash } = await goals.changedSince('acme', 0);
  expect(await goals.changedSince('acme', sequence)).toEqual({ sequence, hash, hashThere: hash, revisions: [] });
  expect(hash).not.toBe('');
  const theft = "UPDATE heads SET tenant = 'acme' WHERE tenant = 'default'";
  await expect(database.as('default').query(theft)).rejects.toThrow(/row-level security/);
  await database.as('acme').query("DELETE FROM heads WHERE tenant = 'default'");
  expect(await count(database.as('default'))).toBe(2);
  await expect(
    database.as('acme').query("INSERT INTO outbox (sequence, tenant, subject, at_ms) VALUES (999, 'default', 's', 1)"),
  ).rejects.toThrow(/row-level security/);
  await database.close();
  objects.close();
  dynamo.client.destroy();
});
