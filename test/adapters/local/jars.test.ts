// Jars are fetched by the real Maven into a cache that is whole or not there.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { fetchJars, jarsDir, jarsHere } from '#adapters/local/jars.ts';

test('a second cache on one machine is as full as the first, and nothing is left beside the poms', async () => {
  const before = readdirSync(jarsHere);
  const cache = process.env['MILLRACE_CACHE'];
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cache-'));
  try {
    for (const name of ['first', 'second']) {
      process.env['MILLRACE_CACHE'] = join(folder, name);
      await fetchJars(['registry']);
      expect(readdirSync(jarsDir('registry'))).toContainEqual(expect.stringMatching(/runner\.jar$/));
      expect(readdirSync(join(folder, name, 'jars'))).toHaveLength(1);
    }
    expect(readdirSync(jarsHere)).toEqual(before);
  } finally {
    if (cache === undefined) delete process.env['MILLRACE_CACHE'];
    else process.env['MILLRACE_CACHE'] = cache;
    rmSync(folder, { recursive: true, force: true });
  }
});
