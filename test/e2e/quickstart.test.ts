// The quickstart as a newcomer meets it: one command, from nothing to events and back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runCli } from '#test/support/test-platform.ts';

describe('the quickstart', () => {
  test('starts the platform, shows events arriving filtered and projected, says what to try next, and stops all', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-quickstart-'));
    const result = await runCli(['quickstart', '--exit', '--data', dataDir], { withinMs: 240_000 });
    const shown = result.stdout + result.stderr;
    expect([result.code, shown]).toEqual([0, expect.stringMatching(/"cc":"BR","os":"ipados"/)]);
    expect(shown).toMatch(/http:\/\/127\.0\.0\.1:\d+/);
    expect(shown).toMatch(/millrace (tail|get|describe|why)/);
    expect((await runCli(['status', '--data', dataDir])).code).toBe(1);
    rmSync(dataDir, { recursive: true, force: true });
  }, 300_000);
});
