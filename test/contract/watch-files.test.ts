// Watches as files on one machine, under the port's contract.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { watchFiles } from '#adapters/local/job-watches.ts';
import { jobWatchesContract } from './job-watches.contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-watches-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

jobWatchesContract(() => watchFiles(folder));

test('half of a file is a watch to be put anew, and what is no watch is left where it is', async () => {
  writeFileSync(join(folder, 'default torn.out.json'), '{"tenant":"def');
  writeFileSync(join(folder, 'README'), 'mine');
  const listed = await watchFiles(folder).list();
  expect(listed).toContainEqual({ tenant: 'default', job: 'torn.out', hash: null });
  expect(listed.map(({ job }) => job)).not.toContain('README');
});
