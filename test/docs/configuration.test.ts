// The reference of configuration is what the list of parameters makes of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { configurationReference } from '../../docs/generate-configuration.ts';

test('docs/reference/configuration.md is fresh (node docs/generate-configuration.ts)', () => {
  const page = join(import.meta.dirname, '../../docs/reference/configuration.md');
  expect(readFileSync(page, 'utf8')).toBe(configurationReference());
});
