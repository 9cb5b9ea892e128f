// The programs that are deployed, each bundled to a folder of its own: the Lambda functions' code and the worker's image.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleInParts, packagesBeside } from '#adapters/local/bundle-program.ts';

export const functionEntries = {
  api: 'functions/api/lambda-main.ts',
  reconcile: 'functions/reconcile/lambda-main.ts',
  nudge: 'functions/nudge/lambda-main.ts',
  credentials: 'functions/credentials/lambda-main.ts',
  migrate: 'functions/migrate/lambda-main.ts',
  declare: 'functions/declare/lambda-main.ts',
} as const;

export type FunctionName = keyof typeof functionEntries;

/** Folder of each program. */
export type Programs = Readonly<Record<FunctionName | 'worker', string>>;

const repository = join(import.meta.dirname, '..');
export const workerImageFolder = join(import.meta.dirname, 'worker-image');

/** The same sources give the same bytes, and so the same assets: a deployment that changes nothing is seen to. */
export async function bundlePrograms(into: string): Promise<Programs> {
  const programs: Record<string, string> = {};
  for (const [name, entry] of [...Object.entries(functionEntries), ['worker', 'workers/main.ts'] as const]) {
    const folder = join(into, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const { files } = await bundleInParts(entry, { small: true });
    for (const { name: file, text } of files) writeFileSync(join(folder, file), text);
    copyPackages(
      folder,
      packagesBeside.filter((beside) => files.some(({ text }) => text.includes(`"${beside}"`))),
    );
    if (name === 'worker') cpSync(workerImageFolder, folder, { recursive: true });
    programs[name] = folder;
  }
  return programs as Programs;
}

/** With what they need themselves: in the place where it runs, a bundle finds nothing else. */
export function copyPackages(folder: string, names: readonly string[]): void {
  const wanted = [...names];
  for (const name of wanted) {
    const manifest = JSON.parse(readFileSync(join(repository, 'node_modules', name, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    const needed = Object.keys(manifest.dependencies ?? {});
    wanted.push(...needed.filter((other) => !wanted.includes(other)));
    cpSync(join(repository, 'node_modules', name), join(folder, 'node_modules', name), {
      recursive: true,
      filter: (path) => !/\.(md|d\.ts)$/.test(path),
    });
  }
}
