// Plants one fault after the other in a copy of the tree and runs what must notice it. Usage: npm run mutants [-- --only NAME,…] [--seeds N]
// One line of JSON on standard output, progress on standard error; exit code 0 if at least 95 of 100 are noticed.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toolArguments } from '#test/support/tool-arguments.ts';
import { allMutants, mutate } from './all-mutants.ts';
import { type Mutant, simulated } from './mutant.ts';

const { values } = toolArguments(import.meta.filename, {
  options: { only: { type: 'string' }, seeds: { type: 'string', default: '80' } },
});
const root = join(import.meta.dirname, '../..');
const share = 0.95;

const tell = (line: string): void => console.error(line);

/** The tree as git sees it, new files included; packages by reference. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'millrace-mutants-'));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const path of listed.toString().split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path), { force: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

const commandOf = (check: string): readonly string[] =>
  check === simulated
    ? ['--no-warnings', 'test/simulation/main.ts', '--seeds', values.seeds, '--stop-at', '1']
    : [
        ...['--no-warnings', 'node_modules/jest/bin/jest.js', '--bail', '--silent'],
        ...['--selectProjects', 'unit', '--', check],
      ];

/** A check that does not end is no check that noticed something: the machine may just be busy. */
const checkMsMax = 600_000;

/** True when the check fails. */
function notices(copy: string, check: string): boolean {
  const run = spawnSync(process.execPath, commandOf(check), { cwd: copy, stdio: 'ignore', timeout: checkMsMax });
  if (run.status === null) tell(`  ${check} was ended by ${run.signal}: not counted as noticed`);
  return run.status !== null && run.status !== 0;
}

function isKilled(copy: string, mutant: Mutant): boolean {
  const path = join(copy, mutant.file);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, mutate(text, mutant));
  const startedMs = performance.now();
  try {
    const noticed = mutant.by.find((check) => notices(copy, check));
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    tell(`${noticed ? 'killed  ' : 'SURVIVED'} ${mutant.name} (${noticed ?? mutant.by.join(', ')}, ${seconds} s)`);
    return noticed !== undefined;
  } finally {
    writeFileSync(path, text);
  }
}

const wanted = values.only?.split(',');
const mutants = allMutants.filter(({ name }) => wanted === undefined || wanted.includes(name));
const copy = copyTree();
try {
  // What fails without a fault notices nothing.
  const broken = [...new Set(mutants.flatMap(({ by }) => by))].filter((check) => notices(copy, check));
  if (broken.length > 0) throw new Error(`fails without any mutant: ${broken.join(', ')}`);
  const survivors = mutants.filter((mutant) => !isKilled(copy, mutant)).map(({ name }) => name);
  const killed = mutants.length - survivors.length;
  const ok = mutants.length > 0 && killed >= share * mutants.length;
  console.log(JSON.stringify({ mutants: mutants.length, killed, survivors, ok }));
  process.exitCode = ok ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
