// `millrace down` and the folder it works on: what it ends, what it deletes, and what it leaves alone.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type PlatformFile, placesIn, readPlatformFile, writePlatformFile } from '#adapters/local/platform-file.ts';
import { identify } from '#adapters/local/process-identity.ts';
import { runCli } from './run-cli.ts';

let folder: string;
let started: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-down-'));
});
afterEach(() => {
  for (const one of started) one.kill('SIGKILL');
  started = [];
  rmSync(folder, { recursive: true, force: true });
});

const platform = (host: PlatformFile['host'], state: PlatformFile['state']): PlatformFile => ({
  ...{ state, apiUrl: 'http://127.0.0.1:1', endpoints: { kafka: '', postgres: '', dynamodb: '', s3: '' } },
  ports: {
    kafka: 1,
    kafkaController: 1,
    postgres: 1,
    dynamodb: 1,
    s3: 1,
    registry: 1,
    supervisor: 1,
    reconciler: 1,
    api: 1,
  },
  ...{ startedAt: 1, host, pids: {}, parts: [] },
});

/** A program that says when it is up. */
async function running(program: string, args: readonly string[] = []): Promise<number> {
  const flags = ['--input-type=module', '--disable-warning=ExperimentalWarning'];
  const child = spawn(
    process.execPath,
    [...flags, '-e', `${program}; setInterval(() => {}, 1000); console.log('up')`, ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    },
  );
  started.push(child);
  await once(child.stdout!, 'data');
  return child.pid!;
}

/** A project in which a platform was started by mistake, and stopped. */
function aProject(): void {
  mkdirSync(join(folder, '.git'));
  mkdirSync(join(folder, 'parts', 'kafka'), { recursive: true });
  writeFileSync(join(folder, 'a.ts'), '');
  writePlatformFile(folder, platform(null, 'stopped'));
}

test('--wipe deletes what is the platform’s, and nothing that was in the folder beside it', async () => {
  aProject();
  const ran = await runCli(['down', '--data', folder, '--wipe', '-y']);
  expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('2 other files or folders are left')]);
  expect(readdirSync(folder).sort()).toEqual(['.git', 'a.ts']);
  expect((await runCli(['down', '--data', folder, '--wipe', '-y'])).stderr).toContain('nothing was deleted');
});

test('an empty variable is one that is not set, and an empty --data is refused: neither is the folder at hand', async () => {
  aProject();
  const before = readdirSync(folder);
  const ran = await runCli(['down', '--wipe', '-y'], { cwd: folder, env: { MILLRACE_DATA_DIR: '' } });
  expect(ran.stderr).toContain(`.millrace is no platform's data folder, so nothing was deleted`);
  const refused = await runCli(['down', '--data', '', '--wipe', '-y'], { cwd: folder });
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--data: got an empty path')]);
  expect(readdirSync(folder)).toEqual(before);
});

test('up does not put a platform among the files of something else', async () => {
  writeFileSync(join(folder, 'a.ts'), '');
  const ran = await runCli(['up', '--detach', '--data', folder]);
  expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('holds a.ts; expected an empty folder')]);
  expect(readdirSync(folder)).toEqual(['a.ts']);
});

test('what a host left that ended without stopping it is ended, before the data goes', async () => {
  const host = await running(`process.on('SIGTERM', () => process.exit(1))`);
  const part = await running('');
  const { run } = placesIn(folder);
  mkdirSync(run);
  writeFileSync(join(run, 'kafka.json'), JSON.stringify({ name: 'kafka', ...identify(part) }));
  writePlatformFile(folder, platform(identify(host), 'ready'));
  const ran = await runCli(['down', '--data', folder]);
  expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('ended 1 processes that the host had left')]);
  expect([identify(host), identify(part), readPlatformFile(folder)?.state]).toEqual([null, null, 'stopped']);
  expect((await runCli(['down', '--data', folder, '--wipe', '-y'])).stderr).toContain(`deleted ${folder}`);
  expect(existsSync(folder)).toBe(false);
});

test('a platform that has its folder and is only about to say that it starts is stopped, before the data goes', async () => {
  const module = (name: string): string => JSON.stringify(resolve(import.meta.dirname, '../../adapters/local', name));
  const { lock, hostLog, logs } = placesIn(folder);
  mkdirSync(logs);
  writeFileSync(hostLog, '');
  const host = await running(
    `const { lockFolder } = await import(${module('folder-lock.ts')});
    const { writePlatformFile } = await import(${module('platform-file.ts')});
    const { identify } = await import(${module('process-identity.ts')});
    const unlock = lockFolder(${JSON.stringify(lock)});
    const file = ${JSON.stringify(platform(null, 'starting'))};
    process.on('SIGTERM', () => process.exit(0));
    setTimeout(() => writePlatformFile(${JSON.stringify(folder)}, { ...file, host: identify(process.pid) }), 1500);
    process.on('exit', unlock)`,
  );
  const ran = await runCli(['down', '--data', folder, '--wipe', '-y']);
  expect([ran.code, ran.stderr]).toEqual([0, expect.stringMatching(/stopped\ndeleted /)]);
  expect([identify(host), existsSync(folder)]).toEqual([null, false]);
});
