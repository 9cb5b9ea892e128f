// The table of faults is generated from the tests' names, and up to date.
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { faultCatalogue } from '../../docs/fault-catalogue.ts';
import { faultReference, testsByFault } from '../../docs/generate-faults.ts';

test('the faults are numbered without a gap, and no test names one that is not there', () => {
  let next = 1;
  for (const { first, faults } of faultCatalogue) {
    expect(first).toBe(next);
    next += faults.length;
  }
  expect([...testsByFault().keys()].filter((number) => number < 1 || number >= next)).toEqual([]);
});

test('the table says what the tests say', () => {
  const file = new URL('../../docs/reference/faults.md', import.meta.url);
  // When this fails: node docs/generate-faults.ts
  expect(readFileSync(file, 'utf8')).toBe(faultReference());
});
