// The list of planted faults is kept in step with the code: every one can still be planted.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { allMutants, mutate } from './all-mutants.ts';
import { simulated } from './mutant.ts';

const root = join(import.meta.dirname, '../..');

describe('the mutants', () => {
  test('are at least forty, each with a name of its own', () => {
    const names = allMutants.map(({ name }) => name);
    expect(names.length).toBeGreaterThanOrEqual(40);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(allMutants.map((mutant) => [mutant.name, mutant] as const))('%s can be planted', (_name, mutant) => {
    const text = readFileSync(join(root, mutant.file), 'utf8');
    expect(mutate(text, mutant)).not.toBe(text);
    for (const check of mutant.by.filter((each) => each !== simulated))
      expect(existsSync(join(root, check)) || check.startsWith('test/simulation/')).toBe(true);
  });
});
