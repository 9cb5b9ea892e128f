// What a bundle was made of, so that a start can tell whether the last one is still that of these sources.
import { existsSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { bundleFolder } from './compile-cache.ts';

export interface BundleWay {
  /** For a program that only runs where its sources lie. */
  readonly isHere?: boolean;
  /** Takes out the white space as well. */
  readonly small?: boolean;
}

/** A state is the size and the time of a file. */
interface Note {
  readonly path: string;
  readonly states: Readonly<Record<string, string>>;
}

/** The same program bundled in two ways has two notes. */
export function notePathOf(entry: string, { isHere = false, small = false }: BundleWay = {}): string {
  const ways = [isHere ? 'here' : '', small ? 'small' : ''].filter((way) => way !== '');
  return join(bundleFolder, `${[entry.replaceAll('/', '-'), ...ways].join('.')}.json`);
}

/** The path of the last bundle; null where there is none, or where a file that it was made of has changed. */
export function lastBundle(notePath: string): string | null {
  try {
    const { path, states } = JSON.parse(readFileSync(notePath, 'utf8')) as Note;
    const isSame = existsSync(path) && Object.entries(states).every(([file, state]) => stateOf(file) === state);
    if (isSame) markUsed(path);
    return isSame ? path : null;
  } catch {
    // None yet, or one that cannot be read: a bundle is made.
    return null;
  }
}

/**
 * A bundle is used from: it is kept for a while from now on. Who starts programs from one again and again says so as long as it
 * lives. Of any other file nothing is noted.
 */
export function markUsed(path: string): void {
  const [name = ''] = relative(bundleFolder, path).split(sep);
  if (!bundleName.test(name)) return;
  const now = new Date();
  try {
    utimesSync(join(bundleFolder, name), now, now);
  } catch {
    // It is gone, or another user's: it is used all the same.
  }
}

/** A file, or a folder of parts, by its content. */
export const bundleName = /^[0-9a-f]{16}(\.mjs)?$/;

/** Of a program that runs where its sources lie. */
export const lastBundleHere = (entry: string): string | null => lastBundle(notePathOf(entry, { isHere: true }));

/** `path` was made of `inputs` from the time `began` on, in ms since 1970. */
export function noteBundle(notePath: string, path: string, inputs: readonly string[], began: number): void {
  // A file that was changed while the bundle was made has a time after its beginning, and is told from what went in.
  const states = Object.fromEntries(inputs.map((input) => [input, stateOf(input, began)]));
  writeWhole(notePath, JSON.stringify({ path, states } satisfies Note));
}

export function writeWhole(path: string, text: string): void {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, path);
}

/** Unlike any other where the file was changed after `before`, in ms since 1970. */
function stateOf(file: string, before = Number.POSITIVE_INFINITY): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return 'gone';
  return stat.mtimeMs > before ? 'unsure' : `${stat.size} ${stat.mtimeMs}`;
}
