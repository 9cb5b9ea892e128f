// `millrace secret`: kept in a file that nobody else can read, listed by name only, replaced whole, forgotten.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { secretFiles } from '#adapters/local/secret-files.ts';
import { type Ran, runCli } from './run-cli.ts';

const data = mkdtempSync(join(tmpdir(), 'millrace-secrets-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));

const secret = (args: readonly string[], input = ''): Promise<Ran> =>
  runCli(['secret', ...args, '--data', data], { input });

test('a secret is set from stdin, and set anew', async () => {
  for (const text of ['old\n', 'ann:correct horse\n']) {
    const ran = await secret(['set', 'search-login'], text);
    expect([ran.code, ran.stdout]).toEqual([0, '']);
    expect(ran.stderr).not.toContain('horse');
  }
  const folder = join(data, 'secrets/default');
  expect(readdirSync(folder)).toEqual(['search-login']);
  expect(readFileSync(join(folder, 'search-login'), 'utf8')).toBe('ann:correct horse');
  expect(statSync(join(folder, 'search-login')).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(await secretFiles(join(data, 'secrets')).read('default', 'search-login')).toBe('ann:correct horse');
});

test('is listed by name, and forgotten', async () => {
  expect(await secret(['ls'])).toMatchObject({ code: 0, stdout: 'search-login\n' });
  expect(await secret(['rm', 'search-login'])).toMatchObject({ code: 0 });
  expect(await secret(['rm', 'search-login'])).toMatchObject({ code: 1 });
  expect(await secretFiles(join(data, 'secrets')).read('default', 'search-login')).toBeNull();
});

test('of no text, or under a name that is a path, is refused', async () => {
  expect(await secret(['set', 'empty'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('got nothing on stdin'),
  });
  expect(await secret(['set', '../escape'], 'x')).toMatchObject({ code: 2 });
  await expect(secretFiles(data).read('default', '../credentials.json')).rejects.toThrow('cannot be a secret');
  await expect(secretFiles(data).read('..', 'x')).rejects.toThrow('cannot be a secret');
});
