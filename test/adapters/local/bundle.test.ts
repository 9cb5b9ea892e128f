// A program's bundle is made when something that it is made of has changed, and not otherwise.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { markUsed, notePathOf } from '#adapters/local/bundle-note.ts';
import { bundleProgram, bundlePrograms } from '#adapters/local/bundle-program.ts';
import { bundleToFile } from '#adapters/local/bundle-worker.ts';
import { bundleFolder } from '#adapters/local/compile-cache.ts';

const entry = 'adapters/local/ports.ts';
const note = notePathOf(entry);

test('the last bundle is taken while every file it is made of is as it was, and made again where one is not', async () => {
  rmSync(note, { force: true });
  const path = await bundleToFile(entry);
  const made = statSync(note).mtimeMs;
  const text = readFileSync(note, 'utf8');
  expect(Object.keys((JSON.parse(text) as { states: object }).states)).toContainEqual(
    expect.stringMatching(/adapters\/local\/ports\.ts$/),
  );
  expect(await bundleToFile(entry)).toBe(path);
  expect(statSync(note).mtimeMs).toBe(made);

  for (const damage of [
    () => writeFileSync(note, text.replace(/(ports\.ts":")\d+/, '$11')),
    () => writeFileSync(note, text.slice(0, 40)),
    () => rmSync(path),
  ]) {
    damage();
    expect(await bundleToFile(entry)).toBe(path);
    expect(readFileSync(note, 'utf8')).toBe(text);
    expect(readFileSync(path, 'utf8')).toContain('loopback');
  }
});

test('the command lies in parts, of which the first imports the others when they are asked for', async () => {
  const path = await bundleToFile('cli/main.ts', { isHere: true });
  expect(path).toMatch(/[0-9a-f]{16}.index\.mjs$/);
  const parts = readdirSync(dirname(path)).filter((name) => name.startsWith('part-'));
  expect(parts.length).toBeGreaterThan(20);
  expect(readFileSync(path, 'utf8')).toContain('import("./part-');
  rmSync(path);
  expect(await bundleToFile('cli/main.ts', { isHere: true })).toBe(path);
  const help = spawnSync(process.execPath, [path, 'version', '--help'], { encoding: 'utf8' });
  expect([help.status, help.stdout]).toEqual([0, expect.stringContaining('Usage: millrace version')]);
});

test('a program that is bundled in two ways gives each its own, whichever was made last', async () => {
  const path = await bundleToFile(entry);
  const small = await bundleToFile(entry, { small: true });
  expect(small).not.toBe(path);
  expect([await bundleToFile(entry), await bundleToFile(entry, { small: true })]).toEqual([path, small]);
});

test('programs that are bundled together are those that they are one by one, each of its own files', async () => {
  const entries = [entry, 'adapters/local/log-file.ts'];
  const together = await bundlePrograms(entries);
  expect(together).toEqual([await bundleProgram(entries[0]!), await bundleProgram(entries[1]!)]);
  const own = together.map(({ inputs }) => entries.filter((name) => inputs.some((path) => path.endsWith(name))));
  expect(own).toEqual(entries.map((name) => [name]));
});

test('a bundler that is itself bundled makes the same of the same sources', async () => {
  const bundled = await bundleToFile('adapters/local/bundle-program.ts', { isHere: true });
  const again = (await import(bundled)) as { bundleProgram: typeof bundleProgram };
  const program = ['cli/commands/version.ts', { isHere: true }] as const;
  expect((await again.bundleProgram(...program)).text).toBe((await bundleProgram(...program)).text);
});

test('bundles that are used are kept, however many there are; of the others those that were used last', async () => {
  const fakes = Array.from({ length: 16 }, (_, index) =>
    join(bundleFolder, `${index}`.padStart(16, 'f').concat('.mjs')),
  );
  const hourAgo = new Date(Date.now() - 60 * 60_000);
  try {
    for (const path of fakes) {
      writeFileSync(path, '');
      utimesSync(path, hourAgo, hourAgo);
    }
    const [first, ...used] = fakes;
    for (const path of used) markUsed(path);
    rmSync(await bundleToFile(entry));
    await bundleToFile(entry);
    expect(used.filter((path) => !existsSync(path))).toEqual([]);
    expect(existsSync(first!)).toBe(false);
  } finally {
    for (const path of fakes) rmSync(path, { force: true });
  }
});
