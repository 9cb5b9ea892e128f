// The API's description: fresh, complete, and made from what the router routes by.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { describeApi } from '#functions/api/openapi.ts';
import { endpoints } from '#functions/api/routes.ts';

const described = JSON.parse(JSON.stringify(describeApi(endpoints))) as {
  openapi: string;
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
};

describe('OpenAPI', () => {
  test('the committed description is fresh (else: node functions/api/write-openapi.ts)', () => {
    const path = join(import.meta.dirname, '../../../docs/reference/openapi.json');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(described);
  });

  test('every endpoint is in it once, under a name of its own', () => {
    const operations = Object.values(described.paths).flatMap((methods) => Object.values(methods));
    expect(operations).toHaveLength(endpoints.length);
    expect(new Set(operations.map((operation) => operation.operationId)).size).toBe(endpoints.length);
    for (const { method, path } of endpoints) expect(described.paths[path]?.[method.toLowerCase()]).toBeDefined();
    expect(described.openapi).toBe('3.1.0');
  });
});
