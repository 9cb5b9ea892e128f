// The worker as one file: a worker's start is what a killed one is waited for, and reading hundreds of modules is most of it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { lastBundle, noteBundle, notePathOf, writeWhole } from './bundle-note.ts';
import { type Bundle, type BundleOptions, bundlePrograms } from './bundle-program.ts';
import { bundleFolder, compileCacheOf } from './compile-cache.ts';

/** Of all programs together. */
const bundlesKept = 12;

export const bundleWorker = (): Promise<string> => bundleToFile('workers/main.ts');

/** The API and the reconciler: from their sources, finding and reading modules was half of the processor time of a start. */
export const bundleHere = (entries: readonly string[]): Promise<readonly string[]> =>
  bundleToFiles(entries, { isHere: true });

/** What the next start of the `millrace` command, the host and the supervisor takes where it finds it: 0.2 instead of 0.5 s of processor time. */
export const nextStartEntries = ['cli/main.ts', 'adapters/local/host-main.ts', 'adapters/local/supervisor-main.ts'];

export async function bundleToFile(entry: string, options: BundleOptions = {}): Promise<string> {
  const [path] = await bundleToFiles([entry], options);
  return path!;
}

/**
 * Bundles programs and gives the paths of the files, which are named by their content: an older one may still be running.
 * Packages that load files of their own stay outside them. Where no file that one is made of has changed, the last one is taken:
 * to make it again costs some seconds of processor time.
 */
async function bundleToFiles(entries: readonly string[], options: BundleOptions): Promise<readonly string[]> {
  const last = entries.map((entry) => lastBundle(notePathOf(entry, options)));
  const missing = entries.filter((_entry, index) => last[index] === null);
  if (missing.length === 0) return last.flatMap((path) => path ?? []);
  const began = Date.now();
  const bundles = await bundlePrograms(missing, options);
  const made = missing.map((entry, index) => keepBundle(notePathOf(entry, options), bundles[index]!, began)).values();
  return last.map((path) => path ?? made.next().value!);
}

function keepBundle(notePath: string, { text, inputs }: Bundle, began: number): string {
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
