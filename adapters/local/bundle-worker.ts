// The worker as one file: a worker's start is what a killed one is waited for, and reading hundreds of modules is most of it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin, stop } from 'esbuild';

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
 * The Kafka library compiles the checks of all its clients' options while it is loaded: 170 of the 300 ms that loading
 * took. A worker uses its connections and message formats only, never a client, so what it does not import is left out,
 * and the checks that remain are none: one that were used after all would throw.
 */
const withoutKafkaClients: Plugin = {
  name: 'without-kafka-clients',
  setup(building) {
    const own = 'resolved by this plugin';
    building.onResolve({ filter: /^(\.|@platformatic\/kafka$)/ }, async ({ path, pluginData, ...from }) => {
      const isOfLibrary = !path.startsWith('.') || from.importer.includes('/node_modules/@platformatic/kafka/');
      if (pluginData === own || !isOfLibrary) return undefined;
      const { kind, importer, resolveDir } = from;
      const resolved = await building.resolve(path, { kind, importer, resolveDir, pluginData: own });
      return { path: resolved.path, sideEffects: false };
    });
    building.onResolve({ filter: /^ajv\/dist\/2020\.js$/ }, () => ({ path: 'no-checks', namespace: own }));
    building.onLoad({ filter: /.*/, namespace: own }, () => ({ contents: noChecks }));
  },
};

const noChecks = `export class Ajv2020 {
  addKeyword() {}
  compile() {
    return () => { throw new Error('the worker is bundled without the checks of Kafka clients'); };
  }
}`;

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
    // Packages that come both ways are taken as ES modules: what is not used of them can be left out.
    mainFields: ['module', 'main'],
    plugins: [withoutKafkaClients],
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
