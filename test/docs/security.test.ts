// The table of threats names tests that are there, a row each.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/security.md'), 'utf8');
const rows = [...page.matchAll(/^\| (\d+[a-z]?) \| (.*) \|$/gm)].map(([, row, cells]) => ({
  row: row!,
  shownBy: cells!.split(' | ').at(-1)!,
}));

test('each threat is in the table once', () => {
  expect(rows.length).toBeGreaterThan(20);
  expect(new Set(rows.map(({ row }) => row)).size).toBe(rows.length);
});

test('each threat has a test, and what it names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const isThere = (named: string): boolean =>
    named.startsWith('npm run ') ? named.slice('npm run '.length) in scripts : existsSync(join(root, named));
  const wrong = rows.flatMap(({ row, shownBy }) => {
    const named = [...shownBy.matchAll(/`(test\/[^`]+|npm run [^`]+)`/g)].map(([, name]) => name!);
    return named.length === 0
      ? [`${row}: no test`]
      : named.filter((name) => !isThere(name)).map((name) => `${row}: ${name}`);
  });
  expect(wrong).toEqual([]);
});
