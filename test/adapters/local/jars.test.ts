// Jars are fetched by the real Maven into a cache that is whole or not there.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { fetchJars, jarsDir, jarsHere } from '#adapters/local/jars.ts';

test('a cache is as full on a machine that has filled another before, and nothing is left beside the poms', async () => {
  const before = readdirSync(jarsHere);
  const cache = process.env['MILLRACE_CACHE'];
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cache-'));
  process.env['MILLRACE_CACHE'] = folder;
  try {
    await fetchJars(['registry']);
    expect(readdirSync(jarsDir('registry'))).toContainEqual(expect.stringMatching(/runner\.jar$/));
    expect(readdirSync(join(folder, 'jars'))).toHaveLength(1);
    expect(readdirSync(jarsHere)).toEqual(before);
  } finally {
    if (cache === undefined) delete process.env['MILLRACE_CACHE'];
    else process.env['MILLRACE_CACHE'] = cache;
    rmSync(folder, { recursive: true, force: true });
  }
});
