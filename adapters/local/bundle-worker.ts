// The worker as one file: a worker's start is what a killed one is waited for, and reading hundreds of modules is most of it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BundleOptions, bundleProgram } from './bundle-program.ts';
import { bundleFolder, compileCacheOf } from './compile-cache.ts';

/** Of all programs together. */
const bundlesKept = 12;

export const bundleWorker = (): Promise<string> => bundleToFile('workers/main.ts');

/** The API and the reconciler: from their sources, finding and reading modules was half of the processor time of a start. */
export const bundleHere = (entry: string): Promise<string> => bundleToFile(entry, { isHere: true });

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
  // A file that was changed while the bundle was made has a time after its beginning, and is told from what went in.
  const states = Object.fromEntries(inputs.map((input) => [input, stateOf(input, began)]));
  writeWhole(notePath, JSON.stringify({ path, states } satisfies Note));
  return path;
}

/** The same program bundled in two ways has two notes. */
export function notePathOf(entry: string, { isHere = false, small = false }: BundleOptions = {}): string {
  const ways = [isHere ? 'here' : '', small ? 'small' : ''].filter((way) => way !== '');
  return join(bundleFolder, `${[entry.replaceAll('/', '-'), ...ways].join('.')}.json`);
}

/** What a bundle was made of. A state is the size and the time of a file. */
interface Note {
  readonly path: string;
  readonly states: Readonly<Record<string, string>>;
}

function lastBundle(notePath: string): string | null {
  try {
    const { path, states } = JSON.parse(readFileSync(notePath, 'utf8')) as Note;
    const isSame = existsSync(path) && Object.entries(states).every(([file, state]) => stateOf(file) === state);
    return isSame ? path : null;
  } catch {
    // None yet, or one that cannot be read: a bundle is made.
    return null;
  }
}

/** Unlike any other where the file was changed after `before`, in ms since 1970. */
function stateOf(file: string, before = Number.POSITIVE_INFINITY): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return 'gone';
  return stat.mtimeMs > before ? 'unsure' : `${stat.size} ${stat.mtimeMs}`;
}

function keep(path: string, text: string): void {
  mkdirSync(bundleFolder, { recursive: true });
  for (const old of bundles().slice(0, -bundlesKept)) {
    rmSync(old, { force: true });
    rmSync(compileCacheOf(old), { recursive: true, force: true });
  }
  writeWhole(path, text);
}

function writeWhole(path: string, text: string): void {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, path);
}

/** Oldest first. */
const bundles = (): readonly string[] =>
  readdirSync(bundleFolder)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => join(bundleFolder, name))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
