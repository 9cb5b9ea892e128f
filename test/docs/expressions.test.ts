// The expression reference is generated, and up to date.
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { expressionReference } from '../../docs/generate-expressions.ts';

test('the expression reference says what the function table says', () => {
  const file = new URL('../../docs/reference/expressions.md', import.meta.url);
  // When this fails: node docs/generate-expressions.ts
  expect(readFileSync(file, 'utf8')).toBe(expressionReference());
});
