// Of which requests the reconciler is told: each one starts a pass over the whole fleet.
import { expect, test } from '@jest/globals';
import { changesGoals } from '#functions/api/changes-goals.ts';
import { endpoints } from '#functions/api/routes.ts';

const answered = (method: string, path: string, status = 200, query?: { readonly [name: string]: string }) =>
  changesGoals(
    { requestContext: { http: { method, path } }, ...(query ? { queryStringParameters: query } : {}) },
    status,
  );

test('the reconciler is told of what changes goals, and not of what only asks or brings records', () => {
  const silent = endpoints.filter(({ method, path }) => !answered(method, path.replace(/\{[^}]+\}/g, 'plays')));
  const ofThem = silent.filter(({ method }) => method !== 'GET').map(({ operationId }) => operationId);
  expect(ofThem.sort()).toEqual(['appendRecords', 'plan', 'sql', 'tryRoute']);
});

test('the reconciler is not told of a dry run, nor of what was refused', () => {
  expect(answered('PUT', '/v1/routes/plays', 201)).toBe(true);
  expect(answered('PUT', '/v1/routes/plays', 200, { dryRun: 'false' })).toBe(true);
  expect(answered('PUT', '/v1/routes/plays', 200, { dryRun: 'true' })).toBe(false);
  expect(answered('PUT', '/v1/routes/plays', 412)).toBe(false);
});
