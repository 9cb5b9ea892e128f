// What an error of PostgreSQL's client means: that the database cannot be reached now, or that it refuses what it was asked.
import { expect, test } from '@jest/globals';
import { platformError, sqlState } from '#adapters/postgres/database.ts';

const withCode = (code: string): Error => Object.assign(new Error(`write ${code}`), { code, syscall: 'write' });

test.each([
  'EPIPE',
  'ECONNRESET',
  'ECONNREFUSED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])('a connection that breaks by %s is the database being unavailable, and worth another try', (code) => {
  expect(platformError(withCode(code))).toMatchObject({
    ...{ code: 'postgres-unavailable', fault: 'external', retry: 'retry' },
  });
});

test.each(['40001', '40P01', '53300', '57P01', '57014', '55P03', '08006'])(
  'SQLSTATE %s is the database being unavailable',
  (state) => {
    expect(platformError(withCode(state))).toMatchObject({ code: 'postgres-unavailable', retry: 'retry' });
  },
);

test.each(['23505', '42P01', 'P0001', 'XX000', '0A000'])('SQLSTATE %s is a statement that is refused', (state) => {
  const refused = platformError(withCode(state));
  expect(refused).toMatchObject({ code: 'postgres-refused', fault: 'internal', retry: 'no-retry' });
  expect(sqlState(refused)).toBe(state);
});

test('a code of Node has no SQLSTATE, however many letters it has', () => {
  expect(['EPIPE', 'EPERM', 'ECONNRESET'].map((code) => sqlState({ code }))).toEqual(['', '', '']);
});
