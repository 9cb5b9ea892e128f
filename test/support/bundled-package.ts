// A package as one file for the suites: jest reads and links each module anew for every suite, and some packages have hundreds.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { banner } from '#adapters/local/bundle-program.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, '.cache/packages');

export interface PackageOptions {
  /** Packages that load files of their own. */
  readonly beside?: readonly string[];
  /** Paths of files that stand in for modules, by the modules' names. */
  readonly instead?: Readonly<Record<string, string>>;
}

/** The path of the file, which is made once for each version of the package and these options. */
export function bundledPackage(name: string, options: PackageOptions = {}): string {
  const { beside = [], instead = {} } = options;
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as {
    version: string;
  };
  const made = createHash('sha256')
    .update(JSON.stringify([name, version, options]))
    .digest('hex')
    .slice(0, 16);
  const path = join(folder, `${made}.mjs`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  buildSync({
    stdin: { contents: `export * from '${name}';`, resolveDir: root },
    outfile: unfinished,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: [...beside],
    alias: instead,
    banner: { js: banner },
    logLevel: 'error',
  });
  renameSync(unfinished, path);
  return path;
}
