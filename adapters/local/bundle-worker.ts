// The worker as one file: a worker's start is what a killed one is waited for, and reading hundreds of modules is most of it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bundleProgram } from './bundle-program.ts';

const repository = resolve(import.meta.dirname, '../..');
/** Inside node_modules, so that packages which stay outside the bundle are found from it. */
const folder = join(repository, 'node_modules/.cache/millrace-worker');
const bundlesKept = 4;

/**
 * Bundles `workers/main.ts` and gives the path of the file, which is named by its content: an older one may still be
 * running. Packages that load files of their own stay outside it.
 */
export async function bundleWorker(): Promise<string> {
  const text = await bundleProgram('workers/main.ts');
  const name = `${createHash('sha256').update(text).digest('hex').slice(0, 16)}.mjs`;
  const path = join(folder, name);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  for (const old of bundles().slice(0, -bundlesKept)) rmSync(old, { force: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
  return path;
}

/** Oldest first. */
const bundles = (): readonly string[] =>
  readdirSync(folder)
    .map((name) => join(folder, name))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
