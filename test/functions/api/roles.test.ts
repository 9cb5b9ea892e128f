// Which role each request of the API needs: the whole table, so that a new request is for admins until somebody says otherwise.
import { expect, test } from '@jest/globals';
import { type Role, requireRole, roleIn, roleNeeded } from '#functions/api/roles.ts';
import { endpoints } from '#functions/api/routes.ts';

const needing = (role: Role): string[] =>
  endpoints
    .filter(({ method }) => method !== 'GET')
    .filter((endpoint) => roleNeeded(endpoint) === role)
    .map(({ operationId }) => operationId)
    .sort();
const ana = (role: Role) => ({ author: 'ana', role });

test('of what is no GET, viewers may ask what changes nothing, and admins alone what reaches across teams', () => {
  expect(needing('viewer')).toEqual(['plan', 'sql', 'tryRoute']);
  expect(needing('admin')).toEqual(['approveHeld', 'freezeFleet', 'restoreTime', 'unfreezeFleet']);
  expect(needing('editor')).toHaveLength(18);
});

test('a request that nobody has listed is for admins', () => {
  expect(roleNeeded({ method: 'POST', operationId: 'dropEverything' })).toBe('admin');
});

test('a role may what the roles below it may, and nothing above', () => {
  const order: readonly Role[] = ['viewer', 'editor', 'admin'];
  for (const endpoint of endpoints)
    for (const role of order) {
      const isEnough = order.indexOf(role) >= order.indexOf(roleNeeded(endpoint));
      const asking = () => requireRole(endpoint, ana(role));
      if (isEnough) asking();
      else expect(asking).toThrow(`needs the role ${roleNeeded(endpoint)}; ana is ${role}`);
    }
});

test('a token without a role may all, one with a word that is no role may nothing', () => {
  expect([roleIn(undefined), roleIn(''), roleIn('viewer')]).toEqual(['admin', 'admin', 'viewer']);
  for (const claim of ['root', 'Admin', ' admin', ['admin'], 1, { role: 'admin' }])
    expect(() => roleIn(claim)).toThrow(/a role that is none/);
});
