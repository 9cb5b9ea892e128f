// The catalog of tables as objects, under its contract on the S3 server.
import { afterAll, beforeAll } from '@jest/globals';
import { createObjectStore } from '#adapters/s3/object-store.ts';
import { createTableCatalog } from '#adapters/s3/table-catalog.ts';
import { tableCatalogContract } from '#test/contract/table-catalog.contract.ts';
import { testAccessKey } from '#test/support/own-parts.ts';
import { testEnvironment } from '#test/support/start-parts.ts';

const endpoint = process.env[testEnvironment.s3] ?? '';
const bucket = `catalog-${process.pid}-${Date.now()}`;
const store = createObjectStore({ bucket, region: 'us-east-1', endpoint, credentials: testAccessKey });

beforeAll(async () => await store.ensureBucket());
afterAll(() => store.close());

tableCatalogContract(() => createTableCatalog(store));
