// The goal store's contract, over PostgreSQL and over the double that simulations use.
import { afterAll, beforeAll, describe } from '@jest/globals';
import { type Database, openDatabase } from '#adapters/postgres/database.ts';
import { createGoalStore } from '#adapters/postgres/goal-store.ts';
import { migrate } from '#adapters/postgres/migrations.ts';
import { createDatabase } from '#test/support/api-rig.ts';
import { createMemoryGoalStore } from '#test/support/memory-goal-store.ts';
import { testEnvironment } from '#test/support/start-parts.ts';
import { goalStoreContract } from './goal-store.contract.ts';
import { changeContract, freezeContract, historyContract, stateAtContract } from './goal-store-changes.contract.ts';
import { conditionsContract } from './goal-store-conditions.contract.ts';
import { configContract } from './goal-store-config.contract.ts';

describe('on PostgreSQL', () => {
  let database: Database;
  beforeAll(async () => {
    database = openDatabase({
      url: await createDatabase(process.env[testEnvironment.postgresUrl] ?? ''),
      applicationName: 'goal-store-test',
    });
    await migrate(database);
  });
  afterAll(() => database.close());
  goalStoreContract(() => createGoalStore(database));
  changeContract(() => createGoalStore(database));
  freezeContract(() => createGoalStore(database));
  stateAtContract(() => createGoalStore(database));
  historyContract(() => createGoalStore(database));
  configContract(() => createGoalStore(database));
  conditionsContract(() => createGoalStore(database));
});

describe('in memory', () => {
  const store = createMemoryGoalStore({ now: () => Date.now() });
  goalStoreContract(() => store);
  changeContract(() => store);
  freezeContract(() => store);
  stateAtContract(() => store);
  historyContract(() => store);
  configContract(() => store);
  conditionsContract(() => store);
});
