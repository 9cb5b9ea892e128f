// A worker's goal is taken only when it is whole and of a format that this worker understands.
import { describe, expect, test } from '@jest/globals';
import { parseJobGoal } from '#core/job/parse-goal.ts';
import { aJobGoal } from '#test/support/builders.ts';

const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

describe('a goal', () => {
  test('is read as it was compiled', () =>
    expect(parseJobGoal(bytes(aJobGoal()))).toEqual({ ok: true, value: aJobGoal() }));
  test.each([
    ['of a newer format', { ...aJobGoal(), formatVersion: 4 }, /formats 1, 2 and 3/],
    ['without a source', { ...aJobGoal(), source: undefined }, /source/],
    ['with a lease of zero', { ...aJobGoal(), settings: { ...aJobGoal().settings, leaseMs: 0 } }, /settings.leaseMs/],
    ['that is cut short', '{"formatVersion":1,', /not JSON/],
  ])('%s is refused in words', (_what, value, words) => {
    const parsed = parseJobGoal(bytes(value));
    expect(parsed.ok ? '' : parsed.problem).toMatch(words);
  });
});
