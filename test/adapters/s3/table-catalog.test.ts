// The catalog of tables as objects, under its contract on the S3 server.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import { createTableCatalog } from '#adapters/s3/table-catalog.ts';
import { tableKeys } from '#core/names.ts';
import { aFolder, aTable, tableCatalogContract } from '#test/contract/table-catalog.contract.ts';
import { testAccessKey } from '#test/support/own-parts.ts';
import { testEnvironment } from '#test/support/start-parts.ts';

const endpoint = process.env[testEnvironment.s3] ?? '';
const bucket = `catalog-${process.pid}-${Date.now()}`;
const store = createObjectStore({ bucket, region: 'us-east-1', endpoint, credentials: testAccessKey });

beforeAll(async () => await store.ensureBucket());
afterAll(() => store.close());

tableCatalogContract(() => createTableCatalog(store));

test('folders that an earlier version registered, under their own names, are there, once', async () => {
  const table = aTable();
  const catalog = createTableCatalog(store);
  await catalog.ensureTable(table);
  const folders = ['IT', 'US'].map((country) => aFolder('2026-01-31', country));
  for (const folder of folders) {
    const key = `${tableKeys.catalog(table.tenant, table.table)}partitions/${encodeURIComponent(folder)}.json`;
    await store.put(key, Buffer.from(JSON.stringify({ folder })));
  }
  await catalog.addPartitions(table, folders.slice(1));
  expect((await catalog.read(table.tenant, table.table))?.partitions).toEqual(folders);
});
