// The stores' contracts over DynamoDB and over the doubles that simulations use.
import { afterAll, beforeAll, describe } from '@jest/globals';
import { createDynamo, type Dynamo } from '#adapters/dynamodb/client.ts';
import { createControlStore } from '#adapters/dynamodb/control-store.ts';
import { createSplitStore } from '#adapters/dynamodb/split-store.ts';
import { createTables } from '#adapters/dynamodb/tables.ts';
import { createWorkerStore } from '#adapters/dynamodb/worker-store.ts';
import { controlStoreContract } from '#test/contract/control-store.contract.ts';
import { splitStoreContract } from '#test/contract/split-store.contract.ts';
import { workerStoreContract } from '#test/contract/worker-store.contract.ts';
import { createMemoryControlStore } from '#test/support/memory-control-store.ts';
import { createMemorySplitStore } from '#test/support/memory-split-store.ts';
import { createMemoryWorkerStore } from '#test/support/memory-worker-store.ts';
import { testAccessKey } from '#test/support/own-parts.ts';
import { testEnvironment } from '#test/support/start-parts.ts';

describe('on DynamoDB', () => {
  let dynamo: Dynamo;
  beforeAll(async () => {
    const endpoint = process.env[testEnvironment.dynamodb] ?? '';
    dynamo = createDynamo({ region: 'us-east-1', endpoint, credentials: testAccessKey });
    await Promise.all([createTables(dynamo), createTables(dynamo)]);
  });
  afterAll(() => dynamo.close());

  describe('the split store', () => splitStoreContract(() => createSplitStore(dynamo)));
  describe('the worker store', () => workerStoreContract(() => createWorkerStore(dynamo)));
  describe('the control store', () => controlStoreContract(() => createControlStore(dynamo)));
});

describe('in memory', () => {
  const splits = createMemorySplitStore();
  const workers = createMemoryWorkerStore();
  const control = createMemoryControlStore();

  describe('the split store', () => splitStoreContract(() => splits));
  describe('the worker store', () => workerStoreContract(() => workers));
  describe('the control store', () => controlStoreContract(() => control));
});
