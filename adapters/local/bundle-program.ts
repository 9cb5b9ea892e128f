// A program of ours as one file, with what it uses of its packages and nothing else: a worker on this machine, a Lambda function, the worker's image.

import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Metafile, type Plugin, stop } from 'esbuild';
import type { BundleWay } from './bundle-note.ts';

const repository = resolve(import.meta.dirname, '../..');

/** They load files of their own, so they stay outside a bundle and stand beside it. */
export const packagesBeside = ['@platformatic/wasm-utils', 'libpg-query'] as const;

/** What a file asks where it lies. Never spelled out with what follows: this file is bundled too, and would be changed by `withSourcePlaces`. */
const meta = 'import.meta';

/** What a bundled CommonJS package expects to find. */
export const banner = [
  "import { createRequire as makeRequire } from 'node:module';",
  `const require = makeRequire(${meta}.url);`,
  `const __filename = ${meta}.filename;`,
  `const __dirname = ${meta}.dirname;`,
].join('\n');

/**
 * The Kafka library compiles the checks of all its clients' options while it is loaded: 170 of the 300 ms that loading
 * took. Our programs use its connections and message formats only, never a client, so what it does not import is left out,
 * and the checks that remain are none: one that were used after all would throw.
 */
const withoutKafkaClients: Plugin = {
  name: 'without-kafka-clients',
  setup(building) {
    const found = 'found by this plugin';
    building.onResolve(
      { filter: /^@platformatic\/kafka$/ },
      async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (pluginData === found) return undefined;
        const resolved = await building.resolve(path, { kind, importer, resolveDir, pluginData: found });
        return { path: relative(repository, resolved.path), ...ofKafka };
      },
    );
    // In a space of its own: asked about each file of every package, the bundler took twice as long.
    building.onResolve({ filter: /^\./, namespace: ofKafka.namespace }, ({ path, resolveDir }) => ({
      path: relative(repository, join(resolveDir, path)),
      ...ofKafka,
    }));
    building.onLoad({ filter: /.*/, namespace: ofKafka.namespace }, ({ path }) => {
      const file = join(repository, path);
      return { contents: readFileSync(file, 'utf8'), loader: 'default', resolveDir: dirname(file) };
    });
    building.onResolve({ filter: /^ajv\/dist\/2020\.js$/ }, () => ({ path: 'no-checks', namespace: 'no-checks' }));
    building.onLoad({ filter: /.*/, namespace: 'no-checks' }, () => ({ contents: noChecks }));
  },
};

const ofKafka = { namespace: 'kafka-library', sideEffects: false } as const;

const noChecks = `export class Ajv2020 {
  addKeyword() {}
  compile() {
    return () => { throw new Error('the program is bundled without the checks of Kafka clients'); };
  }
}`;

/** Its index brings the messages of all languages; nobody here sees any but English. */
const withoutLocales: Plugin = {
  name: 'without-locales',
  setup(building) {
    building.onResolve({ filter: /locales\/index\.js$/ }, ({ importer }) =>
      importer.includes('/node_modules/zod/') ? { path: 'no-locales', namespace: 'no-locales' } : undefined,
    );
    building.onLoad({ filter: /.*/, namespace: 'no-locales' }, () => ({ contents: 'export {};' }));
  },
};

/**
 * Imported as an ES module, at once or when it is asked for (as AWS's clients do), a part of Node shows all its names at once, and some
 * of these load more: those of `http` the whole of `fetch`, those of `process` its reports, some 50 ms together. By `require` it shows
 * what is asked for.
 */
const withRequiredNode: Plugin = {
  name: 'with-required-node',
  setup(building) {
    building.onResolve({ filter: new RegExp(`^(node:)?(${builtinModules.join('|')})$`) }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '');
      if (kind === 'dynamic-import') return { path: name, namespace: 'asked-for' };
      return kind === 'import-statement' ? { path: name, namespace: 'required' } : undefined;
    });
    building.onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require('node:${path}');`,
    }));
    // A part of its own, which shows the names that it spells out, and no others.
    building.onLoad({ filter: /.*/, namespace: 'asked-for' }, ({ path }) => {
      const names = namesAskedFor[path] ?? [];
      const named = names.length === 0 ? '' : `export const { ${names.join(', ')} } = all;`;
      return { contents: `import all from 'node:${path}';\nexport default all;\n${named}`, resolveDir: repository };
    });
  },
};

/** What programs take by name from a part of Node that they ask for when they need it; a test looks for others. */
const namesAskedFor: Readonly<Record<string, readonly string[]>> = {
  async_hooks: ['AsyncLocalStorage'],
  http: ['Agent', 'request'],
  'readline/promises': ['createInterface'],
};

/** Files of ours that look for something beside themselves find it from a bundle too, on the machine that made it. */
const withSourcePlaces: Plugin = {
  name: 'with-source-places',
  setup(building) {
    building.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (path.includes('/node_modules/') || !text.includes(`${meta}.`)) return undefined;
      const contents = text
        .replaceAll(`${meta}.dirname`, JSON.stringify(dirname(path)))
        .replaceAll(`${meta}.filename`, JSON.stringify(path))
        .replaceAll(`${meta}.url`, JSON.stringify(pathToFileURL(path).href));
      return { contents, loader: 'ts' };
    });
  },
};

export type BundleOptions = BundleWay;

export const common = (entries: readonly string[], { small = false, isHere = false }: BundleOptions) =>
  ({
    entryPoints: entries.map((entry) => join(repository, entry)),
    absWorkingDir: repository,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Packages that come both ways are taken as ES modules: what is not used of them can be left out.
    mainFields: ['module', 'main'],
    plugins: [withoutKafkaClients, withoutLocales, withRequiredNode, ...(isHere ? [withSourcePlaces] : [])],
    // The bundler itself runs from its own place only.
    external: [...packagesBeside, 'pg-native', 'esbuild'],
    minifyWhitespace: small,
    minifySyntax: small,
    legalComments: 'none',
    banner: { js: banner },
    logLevel: 'silent',
  }) satisfies BuildOptions;

export interface Bundle {
  readonly text: string;
  /** All files that it was made of, by their paths. */
  readonly inputs: readonly string[];
}

/** One file. `entry` is a path in the repository. */
export async function bundleProgram(entry: string, options: BundleOptions = {}): Promise<Bundle> {
  const [bundle] = await bundlePrograms([entry], options);
  return bundle!;
}

/** One file each. What they have in common is read once. */
export async function bundlePrograms(
  entries: readonly string[],
  options: BundleOptions = {},
): Promise<readonly Bundle[]> {
  const places = { outbase: repository, outdir: join(repository, 'out') };
  const { outputFiles, metafile } = await build({ ...common(entries, options), ...places, metafile: true });
  // Its service process would stay with us, at some 200 MB.
  await stop();
  const textOf = new Map(outputFiles.map(({ path, text }) => [path, text]));
  return entries.map((entry) => ({
    text: textOf.get(join(places.outdir, entry.replace(/\.ts$/, '.js')))!,
    inputs: [...filesFrom(entry, metafile), ...decidesHow],
  }));
}

/**
 * All that is imported, one by the other, also what was left out: a change may bring it in. What has no file came out of a plugin.
 * Packages change by npm alone, which notes it in one file: to look at each of theirs, some 1,500, took a command 12 ms.
 */
function filesFrom(entry: string, { inputs }: Metafile): readonly string[] {
  const names = new Set([entry]);
  for (const name of names) for (const { path } of inputs[name]?.imports ?? []) names.add(path);
  const own = existsSync(packagesNote) ? [...names].filter((name) => !name.startsWith('node_modules/')) : [...names];
  return [...own.map((name) => join(repository, name)), packagesNote].filter((path) => existsSync(path));
}

const packagesNote = join(repository, 'node_modules/.package-lock.json');

/** What else a bundle depends on: how names are resolved, and this. */
const decidesHow = [
  join(repository, 'package.json'),
  join(repository, 'node_modules/esbuild/package.json'),
  join(repository, 'node_modules/@platformatic/kafka/package.json'),
  import.meta.filename,
];

export interface BundleFile {
  readonly name: string;
  readonly text: string;
}

export interface PartedBundle {
  /** `index.mjs`, and beside it what is only loaded when it is asked for. The same sources give the same files. */
  readonly files: readonly BundleFile[];
  readonly inputs: readonly string[];
}

export async function bundleInParts(entry: string, options: BundleOptions = {}): Promise<PartedBundle> {
  const parts = { splitting: true, outdir: 'out', entryNames: 'index', chunkNames: 'part-[hash]' } as const;
  const building = { ...common([entry], options), ...parts, outExtension: { '.js': '.mjs' }, metafile: true } as const;
  const { outputFiles, metafile } = await build(building);
  await stop();
  return {
    files: outputFiles.map(({ path, text }) => ({ name: basename(path), text })),
    inputs: [...filesFrom(entry, metafile), ...decidesHow],
  };
}
