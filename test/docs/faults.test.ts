// The table of faults is generated from the tests' names, and up to date.
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { faultCatalogue, untestedBecause } from '../../docs/fault-catalogue.ts';
import { faultReference, guideWithCoverage, testsByFault } from '../../docs/generate-faults.ts';

test('the faults are numbered without a gap, and no test names one that is not there', () => {
  let next = 1;
  for (const { first, faults } of faultCatalogue) {
    expect(first).toBe(next);
    next += faults.length;
  }
  expect([...testsByFault().keys()].filter((number) => number < 1 || number >= next)).toEqual([]);
});

test('each fault has a test, or a reason why it has none, and not both', () => {
  const tests = testsByFault();
  const wrong = faultCatalogue.flatMap(({ first, faults }) =>
    faults.flatMap((fault, index) =>
      (untestedBecause(fault) !== null) === tests.has(first + index) ? [first + index] : [],
    ),
  );
  expect(wrong).toEqual([]);
});

test('the table and its summary say what the tests say', () => {
  const read = (path: string): string => readFileSync(new URL(`../../docs/${path}`, import.meta.url), 'utf8');
  // When this fails: node docs/generate-faults.ts
  expect(read('reference/faults.md')).toBe(faultReference());
  expect(read('reliability.md')).toBe(guideWithCoverage());
});
