// The worker as one file: a worker's start is what a killed one is waited for, and reading hundreds of modules is most of it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { lastBundle, noteBundle, notePathOf, writeWhole } from './bundle-note.ts';
import { type BundleOptions, bundleProgram } from './bundle-program.ts';
import { bundleFolder, compileCacheOf } from './compile-cache.ts';

/** Of all programs together. */
const bundlesKept = 12;

export const bundleWorker = (): Promise<string> => bundleToFile('workers/main.ts');

/** The API and the reconciler: from their sources, finding and reading modules was half of the processor time of a start. */
export const bundleHere = (entry: string): Promise<string> => bundleToFile(entry, { isHere: true });

/** What the next start of the `millrace` command, the host and the supervisor takes where it finds it: 0.2 instead of 0.5 s of processor time. */
export async function bundleForNextStart(): Promise<void> {
  for (const entry of ['cli/main.ts', 'adapters/local/host-main.ts', 'adapters/local/supervisor-main.ts'])
    await bundleHere(entry);
}

/**
 * Bundles a program and gives the path of the file, which is named by its content: an older one may still be running.
 * Packages that load files of their own stay outside it. Where no file that it is made of has changed, the last one is taken:
 * to make it again costs some seconds of processor time.
 */
export async function bundleToFile(entry: string, options: BundleOptions = {}): Promise<string> {
  const notePath = notePathOf(entry, options);
  const last = lastBundle(notePath);
  if (last !== null) return last;
  const began = Date.now();
  const { text, inputs } = await bundleProgram(entry, options);
  const name = `${createHash('sha256').update(text).digest('hex').slice(0, 16)}.mjs`;
  const path = join(bundleFolder, name);
  if (!existsSync(path)) keep(path, text);
  noteBundle(notePath, path, inputs, began);
  return path;
}

function keep(path: string, text: string): void {
  mkdirSync(bundleFolder, { recursive: true });
  for (const old of bundles().slice(0, -bundlesKept)) {
    rmSync(old, { force: true });
    rmSync(compileCacheOf(old), { recursive: true, force: true });
  }
  writeWhole(path, text);
}

/** Oldest first. */
const bundles = (): readonly string[] =>
  readdirSync(bundleFolder)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => join(bundleFolder, name))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
