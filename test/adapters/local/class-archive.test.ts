// A part on Java leaves its classes laid out where it ends in order, and starts with whatever lies there.
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { archivePath, classArchive } from '#adapters/local/class-archive.ts';
import { cacheDir } from '#adapters/local/jars.ts';
import { ownS3 } from '#test/support/own-parts.ts';

const cache = process.env['MILLRACE_CACHE'];
const folder = mkdtempSync(join(tmpdir(), 'millrace-classes-'));
beforeAll(() => {
  symlinkSync(join(cacheDir(), 'jars'), join(folder, 'jars'));
  process.env['MILLRACE_CACHE'] = folder;
});
afterAll(() => {
  if (cache === undefined) delete process.env['MILLRACE_CACHE'];
  else process.env['MILLRACE_CACHE'] = cache;
  rmSync(folder, { recursive: true, force: true });
});

test('one that was killed leaves no archive, one that was ended leaves one whole, and a damaged one is no hindrance', async () => {
  const archive = classArchive('s3', folder);
  {
    await using killed = await ownS3();
    await killed.kill();
  }
  expect(archivePath(archive)).toBeNull();
  {
    await using _ended = await ownS3();
  }
  const path = archivePath(archive)!;
  expect(readdirSync(dirname(path))).toEqual([basename(path)]);
  const { size } = statSync(path);
  truncateSync(path, 4096);
  expect(archivePath(archive)).toBeNull();
  truncateSync(path, size);
  expect(archivePath(archive)).toBe(path);
  await using _part = await ownS3();
});
