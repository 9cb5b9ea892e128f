// The Python tools of the deployment's check, in a virtual environment beside the other things that are fetched once.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir } from '#adapters/local/jars.ts';

export interface Python {
  /** Path of a program that a package brought. */
  readonly program: (name: string) => string;
}

/** Each in an environment of its own: they do not agree on versions of what they stand on. */
const kits = {
  counterparts: { folder: 'python', packages: ['cfn-lint==1.58.0', 'moto[server]==5.2.5'] },
  checkov: { folder: 'python-checkov', packages: ['checkov==3.3.30'] },
} as const;

/** Null where there is no Python to make it with. */
export async function ensurePython(kit: keyof typeof kits, say: (line: string) => void): Promise<Python | null> {
  const { folder: name, packages } = kits[kit];
  const folder = join(cacheDir(), name);
  const mark = join(folder, 'installed.txt');
  const wanted = packages.join('\n');
  const python: Python = { program: (program) => join(folder, 'bin', program) };
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return python;
  if (spawnSync('python3', ['-m', 'venv', '--help']).status !== 0) return null;
  say(`installing ${packages.join(' and ')} (once, about a minute)`);
  mkdirSync(folder, { recursive: true });
  for (const [command, ...rest] of [
    ['python3', '-m', 'venv', folder],
    [join(folder, 'bin/pip'), 'install', '--quiet', '--disable-pip-version-check', ...packages],
  ] as const) {
    const { status } = spawnSync(command, rest, { stdio: ['ignore', 2, 2] });
    if (status !== 0) return null;
  }
  writeFileSync(mark, wanted);
  return python;
}
