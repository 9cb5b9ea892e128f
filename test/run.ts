// The whole suite in one command: style, types, then jest project by project; ends with `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Tally {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
}

const root = new URL('..', import.meta.url).pathname;

const run = (command: string, args: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });

async function check(name: string, script: string, args: readonly string[]): Promise<Tally> {
  const startedAt = Date.now();
  const code = await run(process.execPath, [join(root, script), ...args]);
  return { name, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, seconds: (Date.now() - startedAt) / 1000 };
}

/** One jest project. A run that ends without a report, or with a failing suite that has no test, counts as a failure. */
async function jest(project: string, workers: number, more: readonly string[]): Promise<Tally> {
  const startedAt = Date.now();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-tests-'));
  const report = join(folder, 'report.json');
  const flags = ['--experimental-vm-modules', '--no-warnings', join(root, 'node_modules/jest/bin/jest.js')];
  const code = await run(process.execPath, [
    ...flags,
    '--selectProjects',
    project,
    '--json',
    `--outputFile=${report}`,
    `--maxWorkers=${workers}`,
    // A connection that a test left open must not keep a finished run from ending.
    '--forceExit',
    ...more,
  ]);
  const text = await readFile(report, 'utf8').catch(() => '{}');
  await rm(folder, { recursive: true, force: true });
  const {
    numPassedTests = 0,
    numFailedTests = 0,
    numRuntimeErrorTestSuites = 0,
  } = JSON.parse(text) as Record<string, number>;
  const failed = numFailedTests + numRuntimeErrorTestSuites;
  const broken = code !== 0 && failed === 0 ? 1 : 0;
  return { name: project, passed: numPassedTests, failed: failed + broken, seconds: (Date.now() - startedAt) / 1000 };
}

const more = process.argv.slice(2);
const tallies: Tally[] = [];
if (more.length === 0) {
  tallies.push(
    await check('style', 'node_modules/@biomejs/biome/bin/biome', ['ci', '--diagnostic-level=error', '--colors=off']),
  );
  tallies.push(await check('types', 'node_modules/typescript/bin/tsc', ['--noEmit']));
}
tallies.push(await jest('unit', 2, more));
tallies.push(await jest('integration', 1, more));
tallies.push(await jest('e2e', 1, more));

for (const { name, passed, failed, seconds } of tallies)
  console.log(`${name.padEnd(12)} ${passed} passed, ${failed} failed in ${seconds.toFixed(0)} s`);
const sum = (pick: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + pick(tally), 0);
const failed = sum((tally) => tally.failed);
console.log(`${sum((tally) => tally.passed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
