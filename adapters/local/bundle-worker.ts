// The worker as one file: a worker's start is what a killed one is waited for, and reading hundreds of modules is most of it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleName, lastBundle, noteBundle, notePathOf, writeWhole } from './bundle-note.ts';
import {
  type Bundle,
  type BundleFile,
  type BundleOptions,
  bundleInParts,
  bundlePrograms,
  type PartedBundle,
} from './bundle-program.ts';
import { bundleFolder, compileCacheOf } from './compile-cache.ts';

/** Of all programs together. More are kept while they are used: platforms that run say of theirs that they are, every few seconds. */
const bundlesKept = 12;
const usedWithinMs = 30 * 60_000;

export const bundleWorker = (): Promise<string> => bundleToFile('workers/main.ts');

/** The API and the reconciler: from their sources, finding and reading modules was half of the processor time of a start. */
export const bundleHere = (entries: readonly string[]): Promise<readonly string[]> =>
  bundleToFiles(entries, { isHere: true });

/** Run many times a day, and each time little of it: it lies in parts, of which only those are read that are asked for. */
const cli = 'cli/main.ts';

/** What the next start of the `millrace` command, the host and the supervisor takes where it finds it: 0.2 instead of 0.5 s of processor time. */
export const nextStartEntries = [cli, 'adapters/local/host-main.ts', 'adapters/local/supervisor-main.ts'];

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
  const whole = missing.filter((entry) => entry !== cli);
  const bundles = whole.length === 0 ? [] : await bundlePrograms(whole, options);
  const made = new Map(
    whole.map((entry, index) => [entry, keep(notePathOf(entry, options), asFile(bundles[index]!), began)]),
  );
  if (missing.includes(cli))
    made.set(cli, keep(notePathOf(cli, options), asFolder(await bundleInParts(cli, options)), began));
  return entries.map((entry, index) => last[index] ?? made.get(entry)!);
}

const nameOf = (texts: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text);
  return hash.digest('hex').slice(0, 16);
};

const asFile = ({ text, inputs }: Bundle): PartedBundle => ({
  files: [{ name: `${nameOf([text])}.mjs`, text }],
  inputs,
});

/** In a folder of its own, by the name of all. What begins it is written last: where it is, the others are. */
function asFolder({ files, inputs }: PartedBundle): PartedBundle {
  const folder = nameOf(files.map(({ text }) => text));
  const isIndex = ({ name }: BundleFile): boolean => name === 'index.mjs';
  const inOrder = [...files.filter((file) => !isIndex(file)), ...files.filter(isIndex)];
  return { files: inOrder.map(({ name, text }) => ({ name: join(folder, name), text })), inputs };
}

/** Gives the path of the last of its files. */
function keep(notePath: string, { files, inputs }: PartedBundle, began: number): string {
  const path = join(bundleFolder, files.at(-1)!.name);
  if (!existsSync(path)) {
    makeRoom();
    mkdirSync(dirname(path), { recursive: true });
    for (const { name, text } of files) writeWhole(join(bundleFolder, name), text);
  }
  noteBundle(notePath, path, inputs, began);
  return path;
}

function makeRoom(): void {
  mkdirSync(bundleFolder, { recursive: true });
  const unusedSince = Date.now() - usedWithinMs;
  for (const old of bundles().slice(0, -bundlesKept)) {
    if (usedAt(old) > unusedSince) continue;
    rmSync(old, { recursive: true, force: true });
    rmSync(compileCacheOf(old), { recursive: true, force: true });
  }
}

/** The one that was used longest ago first. */
const bundles = (): readonly string[] =>
  readdirSync(bundleFolder)
    .filter((name) => bundleName.test(name))
    .map((name) => join(bundleFolder, name))
    .sort((a, b) => usedAt(a) - usedAt(b));

/** Another process may have deleted it meanwhile. */
const usedAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
