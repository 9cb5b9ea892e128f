// The worker as one file: a worker's start is what a killed one is waited for, and reading hundreds of modules is most of it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, stop } from 'esbuild';

const repository = resolve(import.meta.dirname, '../..');
/** Inside node_modules, so that packages which stay outside the bundle are found from it. */
const folder = join(repository, 'node_modules/.cache/millrace-worker');
const bundlesKept = 4;

/** What a bundled CommonJS package expects to find. */
const banner = [
  "import { createRequire as makeRequire } from 'node:module';",
  'const require = makeRequire(import.meta.url);',
  'const __filename = import.meta.filename;',
  'const __dirname = import.meta.dirname;',
].join('\n');

/**
 * Bundles `workers/main.ts` and gives the path of the file, which is named by its content: an older one may still be
 * running. Packages that load files of their own stay outside it.
 */
export async function bundleWorker(): Promise<string> {
  const result = await build({
    entryPoints: [join(repository, 'workers/main.ts')],
    absWorkingDir: repository,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['@platformatic/wasm-utils', 'libpg-query'],
    banner: { js: banner },
    logLevel: 'silent',
  });
  // Its service process would stay with us, at some 200 MB.
  await stop();
  const text = result.outputFiles[0]!.text;
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
