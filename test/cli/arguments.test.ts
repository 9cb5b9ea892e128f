// Times as people type them.
import { describe, expect, test } from '@jest/globals';
import { readPosition, readTime } from '#cli/arguments.ts';

describe('a time', () => {
  test.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00.000Z'],
    ['2026-01-31T23:00:00-05:00', '2026-02-01T04:00:00.000Z'],
  ])('%s is %s', (typed, time) => expect([readTime(typed), readPosition(typed)]).toEqual([time, time]));

  test.each(['2026-02-30', '2026-02-29T12:00:00Z', '2026-04-31', '2026-13-01', '2026-01-31T25:00:00Z', '31.1.2026'])(
    '%s is none: no day is moved to another',
    (typed) => {
      expect(() => readTime(typed)).toThrow('Expected a time such as');
      expect(() => readPosition(typed)).toThrow('Expected earliest, latest, a time such as');
    },
  );

  test('a span back that is longer than time itself begins at its beginning', () => {
    expect(readPosition('99999999d')).toBe('1970-01-01T00:00:00.000Z');
  });

  test('earliest and latest are places in a stream, and no times', () => {
    expect([readPosition('earliest'), readPosition('latest')]).toEqual(['earliest', 'latest']);
    expect(() => readTime('latest')).toThrow('Expected a time such as');
  });
});
