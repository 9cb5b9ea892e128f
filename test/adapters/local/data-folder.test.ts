// A local platform's data folder: its file, its ports, its credentials, its lock and its logs.
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { choosePorts } from '#adapters/local/choose-ports.ts';
import { credentialsIn } from '#adapters/local/credentials.ts';
import { checkFolderForPlatform, isPlatformFolder } from '#adapters/local/data-folder.ts';
import { lockFolder } from '#adapters/local/folder-lock.ts';
import { boundLog, lastLines, openLog } from '#adapters/local/log-file.ts';
import { postgresPart } from '#adapters/local/parts/postgres.ts';
import {
  isRunning,
  type PlatformFile,
  placesIn,
  portNames,
  readPlatformFile,
  writePlatformFile,
} from '#adapters/local/platform-file.ts';
import { claimPort, freePorts, isFree } from '#adapters/local/ports.ts';
import { identify } from '#adapters/local/process-identity.ts';
import { until } from '#test/support/until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-folder-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const platform = async (): Promise<PlatformFile> => ({
  state: 'ready',
  apiUrl: 'http://127.0.0.1:1',
  endpoints: { kafka: 'k', postgres: 'p', dynamodb: 'd', s3: 's' },
  ports: await choosePorts({}, {}, () => {}),
  startedAt: 1,
  host: identify(process.pid),
  pids: { kafka: 12 },
  parts: [],
});

test('the platform file is read back as it was written, by its owner only', async () => {
  expect(readPlatformFile(folder)).toBeNull();
  const file = await platform();
  writePlatformFile(folder, file);
  expect(readPlatformFile(folder)).toEqual(file);
  expect(isRunning(readPlatformFile(folder))).toBe(true);
  expect(statSync(placesIn(folder).platformFile).mode & 0o777).toBe(0o600);
});

test('a platform whose host is gone is killed, whatever its file says, unless it was stopped', async () => {
  const file = { ...(await platform()), host: { pid: process.pid, startedAt: 'another process' } };
  writePlatformFile(folder, file);
  expect(readPlatformFile(folder)?.state).toBe('killed');
  expect(isRunning(readPlatformFile(folder))).toBe(false);
  writePlatformFile(folder, { ...file, state: 'stopped', host: null });
  expect(readPlatformFile(folder)?.state).toBe('stopped');
});

test('ports are free, all different, and kept from one start to the next', async () => {
  const ports = await choosePorts({}, {}, () => {});
  expect(new Set(Object.values(ports)).size).toBe(portNames.length);
  expect(await Promise.all(Object.values(ports).map(isFree))).toEqual(portNames.map(() => true));
  expect(await choosePorts({}, ports, () => {})).toEqual(ports);
});

test('a port that one process has drawn, and does not use yet, is drawn by no other', async () => {
  const module = resolve(import.meta.dirname, '../../../adapters/local/ports.ts');
  const program = `const { freePorts } = await import(${JSON.stringify(module)});
    for (const port of await freePorts(20)) console.log(port);
    setInterval(() => {}, 1000);`;
  const args = ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', program];
  const other = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const drawn: number[] = [];
  for await (const line of createInterface({ input: other.stdout })) if (drawn.push(Number(line)) === 20) break;
  const claims = async (): Promise<readonly boolean[]> => await Promise.all(drawn.map(claimPort));
  expect(await Promise.all(drawn.map(isFree))).toEqual(drawn.map(() => true));
  expect(await claims()).toEqual(drawn.map(() => false));
  other.kill('SIGKILL');
  await once(other, 'exit');
  expect(await claims()).toEqual(drawn.map(() => true));
  expect(await claims()).toEqual(drawn.map(() => false));
});

test('a port that another program took meanwhile is chosen anew, with a word; one that was asked for is refused', async () => {
  const before = await choosePorts({}, {}, () => {});
  const [asked = 0] = await freePorts(1, Object.values(before));
  const server = createServer().listen(before.kafka, '127.0.0.1');
  await once(server, 'listening');
  const told: string[] = [];
  const ports = await choosePorts({ api: asked }, before, (line) => told.push(line));
  expect(ports).toEqual({ ...before, api: asked, kafka: ports.kafka });
  expect(ports.kafka).not.toBe(before.kafka);
  expect(told).toEqual([expect.stringContaining(`port ${before.kafka} of kafka is taken`)]);
  await expect(choosePorts({ api: before.kafka }, before, () => {})).rejects.toThrow('asked for api');
  server.close();
});

test('a port that is asked for is its own: who had it before gets another, and nobody else is asked for the same', async () => {
  const before = await choosePorts({}, {}, () => {});
  const told: string[] = [];
  const ports = await choosePorts({ api: before.kafka }, before, (line) => told.push(line));
  expect(ports).toEqual({ ...before, api: before.kafka, kafka: ports.kafka });
  expect(new Set(Object.values(ports)).size).toBe(portNames.length);
  expect(told).toEqual([expect.stringContaining(`port ${before.kafka} of kafka is taken by api`)]);
  const [twice = 0] = await freePorts(1);
  await expect(choosePorts({ api: twice, kafka: twice }, {}, () => {})).rejects.toThrow(
    `port ${twice} was asked for both kafka and api`,
  );
});

test('a port that another platform has, and does not use yet, is not taken from it', async () => {
  const other = createSocket('udp4').bind({ port: 0, address: '127.0.0.1', exclusive: true });
  await once(other, 'listening');
  const { port } = other.address();
  await expect(choosePorts({ api: port }, {}, () => {})).rejects.toThrow('asked for api');
  expect((await choosePorts({}, { api: port }, () => {})).api).not.toBe(port);
  other.close();
});

test('credentials that were cut short are made anew where no part was started with them, and told where one was', () => {
  const { credentials, parts } = placesIn(folder);
  writeFileSync(credentials, '');
  const made = credentialsIn(folder);
  expect(credentialsIn(folder)).toEqual(made);
  writeFileSync(credentials, '{');
  mkdirSync(parts);
  expect(() => credentialsIn(folder)).toThrow(`${credentials} cannot be read`);
});

test('a folder of something else is no place for a platform; an empty one is, and one that had a platform', async () => {
  expect(() => checkFolderForPlatform(join(folder, 'missing'))).not.toThrow();
  mkdirSync(join(folder, 'lost+found'));
  mkdirSync(placesIn(folder).logs);
  expect(() => checkFolderForPlatform(folder)).not.toThrow();
  for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(folder, name), '');
  expect(() => checkFolderForPlatform(folder)).toThrow('holds a, b, c and 1 more; expected an empty folder');
  writeFileSync(placesIn(folder).platformFile, '{"name": "of something else"}');
  expect(isPlatformFolder(folder)).toBe(false);
  writePlatformFile(folder, await platform());
  expect(() => checkFolderForPlatform(folder)).not.toThrow();
});

test('credentials are random for each folder, kept, and readable by their owner only', () => {
  const made = credentialsIn(folder);
  expect(credentialsIn(folder)).toEqual(made);
  expect(made.accessKeyId).toMatch(/^[A-Z0-9]+$/);
  expect(statSync(placesIn(folder).credentials).mode & 0o777).toBe(0o600);
  const other = mkdtempSync(join(tmpdir(), 'millrace-folder-'));
  expect(credentialsIn(other).postgresPassword).not.toBe(made.postgresPassword);
  rmSync(other, { recursive: true });
});

test('a folder is locked by one process at a time, and is free again when that is killed', async () => {
  const lock = join(folder, 'lock');
  const module = resolve(import.meta.dirname, '../../../adapters/local/folder-lock.ts');
  const program = `const { lockFolder } = await import(${JSON.stringify(module)});
    console.log(lockFolder(process.argv[1]) === null ? 'refused' : 'locked');
    if (process.argv[2] === 'hold') setInterval(() => {}, 1000);`;
  const args = ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', program, lock];
  const holder = spawn(process.execPath, [...args, 'hold'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [said] = await once(holder.stdout, 'data');
    expect(String(said)).toBe('locked\n');
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe('refused\n');
    expect(lockFolder(lock)).toBeNull();
  } finally {
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  }
  const unlock = lockFolder(lock);
  expect(unlock).not.toBeNull();
  unlock?.();
});

test('a log over its size is moved aside, and its writer goes on in the same file', () => {
  const path = join(folder, 'logs', 'part.log');
  const writer = openLog(path);
  writeSync(writer, 'old\n'.repeat(100));
  boundLog(path, 1_000);
  expect(existsSync(`${path}.1`)).toBe(false);
  boundLog(path, 100);
  writeSync(writer, 'new\n');
  closeSync(writer);
  expect(readFileSync(path, 'utf8')).toBe('new\n');
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('old\n'.repeat(100));
  appendFileSync(path, 'a\nb\n');
  expect(lastLines(path, 2)).toEqual(['a', 'b']);
  expect(lastLines(join(folder, 'missing'), 2)).toEqual([]);
});

/** The pid of a process that has ended and that its parent does not ask for its exit code, until that is ended. */
async function aZombie(): Promise<{ readonly pid: number; readonly parent: ReturnType<typeof spawn> }> {
  const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const pid = Number(String((await once(parent.stdout!, 'data'))[0]));
  await until(() => (identify(pid) === null ? true : null), 'the process to end');
  return { pid, parent };
}

test('a PostgreSQL that ended and is not asked for its exit code by anybody keeps no other from starting, unless its children still work', async () => {
  const files = join(folder, 'files');
  mkdirSync(files);
  writeFileSync(join(files, 'PG_VERSION'), '18\n');
  const { pid, parent } = await aZombie();
  const part = postgresPart({ data: folder, port: 1, password: 'of no use' });
  const child = spawn('sleep', ['60'], { cwd: files });
  try {
    writeFileSync(join(files, 'postmaster.pid'), `${pid}\n`);
    await part.prepare!();
    expect(existsSync(join(files, 'postmaster.pid'))).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await part.prepare!();
    expect(existsSync(join(files, 'postmaster.pid'))).toBe(false);
  } finally {
    parent.kill('SIGKILL');
    child.kill('SIGKILL');
  }
}, 60_000);
