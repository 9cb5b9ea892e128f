// What stands beside a bundle is all that it finds where it runs: every package that it leaves outside must load from there.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { packagesBeside } from '#adapters/local/bundle-program.ts';
import { copyPackages } from '#infra/programs.ts';

test('the packages beside a bundle load in a place where there are no others', () => {
  const place = mkdtempSync(join(tmpdir(), 'millrace-beside-'));
  copyPackages(place, packagesBeside);
  const imports = packagesBeside.map((name) => `await import('${name}');`);
  const asks = "const { parse } = await import('libpg-query'); console.log((await parse('SELECT 1')).stmts.length);";
  writeFileSync(join(place, 'index.mjs'), [...imports, asks].join('\n'));
  expect(execFileSync(process.execPath, [join(place, 'index.mjs')], { encoding: 'utf8' }).trim()).toBe('1');
  rmSync(place, { recursive: true, force: true });
});
