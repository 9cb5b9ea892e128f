// The reference of declarations is what the schemas say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { declarationReference, declarationSchema } from '../../docs/generate-declarations.ts';

const reference = join(import.meta.dirname, '../../docs/reference');

test('docs/reference/declarations.md is what docs/generate-declarations.ts makes', () => {
  expect(readFileSync(join(reference, 'declarations.md'), 'utf8')).toBe(declarationReference());
});

test('docs/reference/declaration.schema.json is what docs/generate-declarations.ts makes', () => {
  expect(readFileSync(join(reference, 'declaration.schema.json'), 'utf8')).toBe(declarationSchema());
});
