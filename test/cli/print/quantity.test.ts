// Numbers as people read them.
import { describe, expect, test } from '@jest/globals';
import { plural, showAge, showBytes, showCount, showDuration, showRate } from '#cli/print/quantity.ts';

describe('quantities are shown in two figures that fit their size', () => {
  test.each([
    [0, '0 ms'],
    [850, '850 ms'],
    [999.4, '999 ms'],
    [12_340, '12.3 s'],
    [59_999, '59.9 s'],
    [250_000, '4m10s'],
    [3 * 3_600_000 + 5 * 60_000, '3h05m'],
    [2 * 86_400_000 + 4 * 3_600_000, '2d04h'],
    [-1_500, '-1.5 s'],
    [Number.POSITIVE_INFINITY, 'never'],
  ])('%d ms is %s', (ms, text) => expect(showDuration(ms)).toBe(text));

  test('an age is one number and one letter', () => {
    const now = 1_000_000_000;
    expect([12, 119, 240, 7_200, 200_000].map((seconds) => showAge(now - seconds * 1_000, now))).toEqual([
      '12s',
      '119s',
      '4m',
      '2h',
      '2d',
    ]);
  });

  test('counts, bytes and rates', () => {
    expect(showCount(1_234_567)).toBe('1,234,567');
    expect(showCount(null)).toBe('-');
    expect(showBytes(512)).toBe('512 B');
    expect(showBytes(1_536)).toBe('1.5 KiB');
    expect(showRate(3.21)).toBe('3.2');
    expect(showRate(1_250.4)).toBe('1,250');
    expect([plural(1, 'event'), plural(2_000, 'event')]).toEqual(['1 event', '2,000 events']);
  });
});
