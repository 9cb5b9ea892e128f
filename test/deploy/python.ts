// The Python tools of the deployment's check, in a virtual environment beside the other things that are fetched once.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir } from '#adapters/local/jars.ts';

export interface Python {
  /** Path of a program that a package brought. */
  readonly program: (name: string) => string;
}

const packages = ['cfn-lint==1.58.0', 'moto[server]==5.2.5'];

/** Null where there is no Python to make it with. */
export async function ensurePython(say: (line: string) => void): Promise<Python | null> {
  const folder = join(cacheDir(), 'python');
  const mark = join(folder, 'installed.txt');
  const wanted = packages.join('\n');
  const python: Python = { program: (name) => join(folder, 'bin', name) };
  if (existsSync(mark)) return python;
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
