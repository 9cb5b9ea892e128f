// What stands beside a bundle is all that it finds where it runs: every package that it leaves outside must load from there.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { packagesBeside } from '#adapters/local/bundle-program.ts';
import { copyPackages, workerImageFolder } from '#infra/programs.ts';

test('the packages beside a bundle load in a place where there are no others', () => {
  const place = mkdtempSync(join(tmpdir(), 'millrace-beside-'));
  copyPackages(place, packagesBeside);
  const imports = packagesBeside.map((name) => `await import('${name}');`);
  const asks = "const { parse } = await import('libpg-query'); console.log((await parse('SELECT 1')).stmts.length);";
  writeFileSync(join(place, 'index.mjs'), [...imports, asks].join('\n'));
  expect(execFileSync(process.execPath, [join(place, 'index.mjs')], { encoding: 'utf8' }).trim()).toBe('1');
  rmSync(place, { recursive: true, force: true });
});

test('the worker’s image starts it as nobody, and without the one key by which an object reaches what all objects share', () => {
  const dockerfile = readFileSync(join(workerImageFolder, 'Dockerfile'), 'utf8');
  expect(dockerfile).toMatch(/^USER 65534:65534$/m);
  const [, entry] = /^ENTRYPOINT (.*)$/m.exec(dockerfile)!;
  const [command, ...rest] = JSON.parse(entry!) as string[];
  expect(command).toBe('node');
  const shows = 'console.log(({}).__proto__ === undefined, JSON.parse(\'{"__proto__": 1}\').__proto__)';
  const flags = rest.filter((word) => word.startsWith('--'));
  expect(execFileSync(process.execPath, [...flags, '-e', shows], { encoding: 'utf8' }).trim()).toBe('true 1');
});
