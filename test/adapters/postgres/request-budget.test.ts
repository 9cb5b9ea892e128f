// Requests that tenants have left, in a real PostgreSQL: racing instances take no more than there is.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Database, openDatabase } from '#adapters/postgres/database.ts';
import { migrate } from '#adapters/postgres/migrations.ts';
import { createRequestBudget } from '#adapters/postgres/request-budget.ts';
import { createDatabase } from '#test/support/api-rig.ts';
import { testEnvironment } from '#test/support/start-parts.ts';

let database: Database;
beforeAll(async () => {
  const url = await createDatabase(process.env[testEnvironment.postgresUrl]!);
  database = openDatabase({ url, applicationName: 'test' });
  await migrate(database);
});
afterAll(async () => await database.close());

/** One more comes within ten days. */
const hardlyEver = 1e-6;

test('of twenty that race, as many are taken as the bucket holds, and another tenant’s bucket is its own', async () => {
  const budget = createRequestBudget(database, { perSecond: hardlyEver, burst: 3 });
  const asked = await Promise.all(Array.from({ length: 20 }, () => budget.take('blue')));
  expect(asked.filter((answer) => answer === 'taken')).toHaveLength(3);
  expect(await budget.take('blue')).toBe('spent');
  expect(await budget.take('green')).toBe('taken');
});

test('what comes with time fills the bucket, and no further than it holds', async () => {
  const empty = createRequestBudget(database, { perSecond: hardlyEver, burst: 2 });
  expect([await empty.take('red'), await empty.take('red'), await empty.take('red')]).toEqual([
    ...['taken', 'taken', 'spent'],
  ]);
  expect(await createRequestBudget(database, { perSecond: 1e9, burst: 2 }).take('red')).toBe('taken');
  const [{ tokens } = { tokens: 0 }] = await database.query<{ tokens: number }>(
    "SELECT tokens FROM request_budgets WHERE tenant = 'red'",
  );
  expect(tokens).toBe(1);
});
