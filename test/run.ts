// The whole suite in one command: style, types, then jest's projects, some of them side by side; ends with `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { bundleHere, bundleWorker, nextStartEntries } from '#adapters/local/bundle-worker.ts';
import { platformPrograms } from '#adapters/local/host.ts';
import { everyJarSet, fetchJars, jarSets } from '#adapters/local/jars.ts';
import { layOutClasses, type OwnPart } from '#test/support/own-parts.ts';
import { startOpenSearch, startParts } from '#test/support/start-parts.ts';

interface Tally {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
}

const nameChars = 'integration adapters contract'.length;
const root = new URL('..', import.meta.url).pathname;

/** Runs a program of Node's to its end; its lines are shown as they come, with the name of what they belong to. */
async function run(
  name: string,
  script: string,
  args: readonly string[],
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = spawn(process.execPath, [...flags, join(root, script), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => console.log(`${name.padEnd(nameChars)} | ${line}`));
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

const secondsSince = (start: number): number => (performance.now() - start) / 1000;

async function check(
  name: string,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Tally> {
  const start = performance.now();
  const code = await run(name, script, args, [], env);
  return { name, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, seconds: secondsSince(start) };
}

type Piece = () => Promise<Tally>;

/** One jest project, or of it what lies in some folders. A run that ends without a report, or with a failing suite that has no test, counts as a failure. */
const jest =
  (project: string, workers: number, folders: readonly string[] = []): Piece =>
  async () => {
    const start = performance.now();
    const folder = await mkdtemp(join(tmpdir(), 'millrace-tests-'));
    const report = join(folder, 'report.json');
    const name = [project, ...folders.map((folder) => basename(folder))].join(' ');
    const args = [
      ...folders,
      ...process.argv.slice(2),
      '--selectProjects',
      project,
      '--json',
      `--outputFile=${report}`,
      `--maxWorkers=${workers}`,
      // A connection that a test left open must not keep a finished run from ending.
      '--forceExit',
    ];
    const code = await run(name, 'node_modules/jest/bin/jest.js', args, ['--no-warnings']);
    const text = await readFile(report, 'utf8').catch(() => '{}');
    await rm(folder, { recursive: true, force: true });
    const {
      numPassedTests = 0,
      numFailedTests = 0,
      numRuntimeErrorTestSuites = 0,
    } = JSON.parse(text) as Record<string, number>;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const broken = code !== 0 && failed === 0 ? 1 : 0;
    return { name, passed: numPassedTests, failed: failed + broken, seconds: secondsSince(start) };
  };

/** The pieces of a lane run one after the other. */
async function lane(...pieces: readonly Piece[]): Promise<readonly Tally[]> {
  const tallies: Tally[] = [];
  for (const piece of pieces) tallies.push(await piece());
  return tallies;
}

const style: Piece = () =>
  check('style', 'node_modules/@biomejs/biome/bin/biome', ['ci', '--diagnostic-level=error', '--colors=off']);
/** One checker, and garbage collected late: several check much of the same twice, 26 instead of 18 s of processor time. */
const types: Piece = () =>
  check('types', 'node_modules/typescript/bin/tsc', ['--noEmit', '--checkers', '1'], { GOGC: '300' });

/** The platform's programs and the command as one file each: whoever starts one without its file takes several times as long. */
async function bundle(): Promise<void> {
  await bundleWorker();
  const served = platformPrograms.filter(({ name }) => name !== 'supervisor');
  await bundleHere([...served.map(({ entry }) => relative(root, entry)), ...nextStartEntries]);
}

const tell = (line: string): void => console.log(line);

/** What a platform needs that runs on Java, and what stands at the other end of its sinks. */
async function fetchPlatform(): Promise<void> {
  await fetchJars([...jarSets, 'opensearch'], { tell });
  await layOutClasses();
}

/** Done when it is asked for first, and once. */
function once(work: () => Promise<unknown>): () => Promise<unknown> {
  let done: Promise<unknown> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

const start = performance.now();
const isWhole = process.argv.length === 2;
const bundled = bundle();
const platformThere = bundled.then(fetchPlatform);
// One set after the other: two at a time must not have Maven fetch.
const allThere = platformThere.then(() => fetchJars(everyJarSet, { tell }));
await using shared = new AsyncDisposableStack();
const share = (parts: readonly OwnPart[]): void => parts.forEach((part) => void shared.use(part));
/** What several runs of jest use is started right before the first of them. */
const openSearchThere = once(async () => share([await platformThere.then(startOpenSearch)]));
const partsThere = once(async () => {
  await Promise.all([allThere, openSearchThere()]);
  share(await startParts());
});
const after =
  (ready: () => Promise<unknown>, piece: Piece): Piece =>
  async () => {
    await ready();
    return await piece();
  };
const unit = after(() => bundled, jest('unit', 1));
const e2e = jest('e2e', 2);
/**
 * Three or four processes at a time keep two processors busy while whole platforms run: with more, each of them runs longer, and costs
 * more in all. Integration suites wait half of their time, so they run two and, when the platforms are nearly done, four at once.
 * (Four while the platforms still run have left PostgreSQL without a processor for the three seconds that a connection may take.)
 */
const pieces: readonly (readonly Piece[])[] = isWhole
  ? [
      [after(openSearchThere, e2e)],
      [
        style,
        types,
        unit,
        after(partsThere, jest('integration', 2, ['test/adapters', 'test/contract'])),
        jest('integration', 4, ['test/integration']),
      ],
    ]
  : [[after(() => platformThere, e2e)], [unit, after(() => allThere, jest('integration', 4))]];
const lanes = await Promise.all(pieces.map((one) => lane(...one)));

const tallies = lanes.flat();
for (const { name, passed, failed, seconds } of tallies)
  console.log(`${name.padEnd(nameChars)} ${passed} passed, ${failed} failed in ${seconds.toFixed(0)} s`);
const sum = (pick: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + pick(tally), 0);
const failed = sum((tally) => tally.failed);
console.log(`in ${secondsSince(start).toFixed(0)} s`);
console.log(`${sum((tally) => tally.passed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
