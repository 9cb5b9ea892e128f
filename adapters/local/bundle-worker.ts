// The worker as one file: a worker's start is what a killed one is waited for, and reading hundreds of modules is most of it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleProgram } from './bundle-program.ts';
import { bundleFolder, compileCacheOf } from './compile-cache.ts';

const bundlesKept = 4;

export const bundleWorker = (): Promise<string> => bundleToFile('workers/main.ts');

/**
 * Bundles a program and gives the path of the file, which is named by its content: an older one may still be running.
 * Packages that load files of their own stay outside it.
 */
export async function bundleToFile(entry: string): Promise<string> {
  const text = await bundleProgram(entry);
  const name = `${createHash('sha256').update(text).digest('hex').slice(0, 16)}.mjs`;
  const path = join(bundleFolder, name);
  if (existsSync(path)) return path;
  mkdirSync(bundleFolder, { recursive: true });
  for (const old of bundles().slice(0, -bundlesKept)) {
    rmSync(old, { force: true });
    rmSync(compileCacheOf(old), { recursive: true, force: true });
  }
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
  return path;
}

/** Oldest first. */
const bundles = (): readonly string[] =>
  readdirSync(bundleFolder)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => join(bundleFolder, name))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
