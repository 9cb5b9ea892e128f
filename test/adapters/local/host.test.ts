// The local platform as a whole: it starts, keeps its parts up, stops cleanly, and cleans up after a host that was killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { examine } from '#adapters/local/doctor.ts';
import { leftoversIn } from '#adapters/local/leftovers.ts';
import { environmentOfRunning } from '#adapters/local/platform-environment.ts';
import { isRunning, type PlatformFile, placesIn, readPlatformFile } from '#adapters/local/platform-file.ts';
import { identify } from '#adapters/local/process-identity.ts';
import { localTaskRunner } from '#adapters/local/task-runner.ts';
import { environment } from '#core/names.ts';
import { until } from '#test/support/until.ts';

const program = resolve(import.meta.dirname, '../../support/host-program.ts');
const quietly = ['--disable-warning=ExperimentalWarning'];
const data = mkdtempSync(join(tmpdir(), 'millrace-host-'));
const partNames = ['api', 'dynamodb', 'kafka', 'postgres', 'reconciler', 's3', 'supervisor'];
let host: ChildProcess;
let said = '';

async function start(): Promise<PlatformFile> {
  said = '';
  const entry = resolve(import.meta.dirname, '../../support/task-program.mjs');
  const env = { ...process.env, [environment.workerEntry]: entry };
  host = spawn(process.execPath, [...quietly, program, data], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  host.stdout?.on('data', (chunk) => {
    said += String(chunk);
  });
  return await until(() => {
    if (host.exitCode !== null) throw new Error(said);
    const file = readPlatformFile(data);
    return file?.state === 'ready' && file.host?.pid === host.pid ? file : null;
  }, 'the platform to be ready');
}

async function end(how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const exit = once(host, 'exit');
  host.kill(how);
  await exit;
}

const living = (pids: readonly number[]): number[] => pids.filter((pid) => identify(pid) !== null);

beforeAll(async () => {
  await start();
});
afterAll(async () => {
  if (host.exitCode === null && host.signalCode === null) await end('SIGTERM');
  rmSync(data, { recursive: true, force: true });
});

test('a platform that is ready answers at every part, and the doctor finds nothing wrong', async () => {
  expect(Object.keys(readPlatformFile(data)?.pids ?? {}).sort()).toEqual(partNames);
  const findings = await examine(data);
  expect(findings.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(partNames));
});

test.each(partNames)('%s killed with -9 is started again and ready', async (name) => {
  const before = readPlatformFile(data)?.pids[name] ?? 0;
  process.kill(before, 'SIGKILL');
  await until(() => {
    const part = readPlatformFile(data)?.parts.find((one) => one.name === name);
    return part?.state === 'ready' && part.pid !== before ? part : null;
  }, `${name} to be ready again`);
  expect((await examine(data)).filter(({ verdict }) => verdict === 'failed')).toEqual([]);
});

test('a second host on the same folder is refused, names the first one and changes nothing', async () => {
  const before = readFileSync(join(data, 'platform.json'), 'utf8');
  const second = spawn(process.execPath, [...quietly, program, data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = await once(second.stdout, 'data');
  expect(String(chunk)).toContain(`already (pid ${host.pid}, http://127.0.0.1:`);
  if (second.exitCode === null) await once(second, 'exit');
  expect(second.exitCode).toBe(1);
  expect(readFileSync(join(data, 'platform.json'), 'utf8')).toBe(before);
});

test('a platform that goes down lets its workers end by themselves, then leaves no process', async () => {
  const url = environmentOfRunning(data)?.[environment.supervisorUrl] ?? '';
  const outcome = await localTaskRunner(url).run({
    clientToken: 'drained',
    job: 'default/plays.out@u1',
    cpu: 1,
    memoryMiB: 128,
    environment: { BEHAVE: 'run' },
    tags: {},
  });
  const task = outcome.kind === 'accepted' ? outcome.task : null;
  await until(() => (readFileSync(task?.log ?? '', 'utf8').includes('up') ? true : null), 'the worker to be up');
  const pids = [...Object.values(readPlatformFile(data)?.pids ?? {}), task?.pid ?? 0];
  await end('SIGTERM');
  expect(living(pids)).toEqual([]);
  expect(readPlatformFile(data)?.state).toBe('stopped');
  await start();
  const again = localTaskRunner(environmentOfRunning(data)?.[environment.supervisorUrl] ?? '');
  expect(await again.list('default/plays.out@u1')).toMatchObject([
    { taskId: task?.taskId, state: 'stopped', exitCode: 0 },
  ]);
});

test('a host and a supervisor that have no room to write anything down stop all of it the same', async () => {
  const outcome = await localTaskRunner(environmentOfRunning(data)?.[environment.supervisorUrl] ?? '').run({
    ...{ clientToken: 'no room', job: 'default/plays.out@u1', cpu: 1, memoryMiB: 128, tags: {} },
    environment: { BEHAVE: 'run' },
  });
  const task = outcome.kind === 'accepted' ? outcome.task : null;
  const { platformFile, tasks } = placesIn(data);
  const inTheWay = [`${platformFile}.new`, join(tasks, `${task?.taskId}.json.new`)];
  const pids = [...Object.values(readPlatformFile(data)?.pids ?? {}), task?.pid ?? 0];
  for (const path of inTheWay) mkdirSync(path);
  await end('SIGTERM');
  expect(living(pids)).toEqual([]);
  for (const path of inTheWay) rmSync(path, { recursive: true });
  expect(readPlatformFile(data)?.state).toBe('killed');
  await start();
});

(process.platform === 'linux' ? test : test.skip)(
  'a host whose log is on a full disk starts, and stops in order',
  async () => {
    const other = mkdtempSync(join(tmpdir(), 'millrace-host-full-'));
    const full = openSync('/dev/full', 'w');
    const entry = resolve(import.meta.dirname, '../../../adapters/local/host-main.ts');
    const child = spawn(process.execPath, [...quietly, entry, other], { stdio: ['ignore', full, full] });
    closeSync(full);
    const exit = once(child, 'exit');
    try {
      const isUnderWay = (): boolean | null => {
        if (child.exitCode !== null) throw new Error(`the host ended with ${child.exitCode}`);
        return Object.keys(readPlatformFile(other)?.pids ?? {}).length > 0 ? true : null;
      };
      await until(isUnderWay, 'the first part to be started');
      const pids = Object.values(readPlatformFile(other)?.pids ?? {});
      child.kill('SIGTERM');
      expect(await exit).toEqual([0, null]);
      expect([readPlatformFile(other)?.state, living(pids), leftoversIn(placesIn(other))]).toEqual(['stopped', [], []]);
    } finally {
      child.kill('SIGKILL');
      rmSync(other, { recursive: true, force: true });
    }
  },
);

test('after a host that was killed the next one ends what it left, on the same ports with the same data', async () => {
  const before = readPlatformFile(data);
  const pids = Object.values(before?.pids ?? {});
  await end('SIGKILL');
  expect(living(pids)).toHaveLength(partNames.length);
  expect(isRunning(readPlatformFile(data))).toBe(false);
  expect((await examine(data)).find(({ check }) => check === 'stale processes')?.found).toContain('kafka (pid');
  const after = await start();
  expect(living(pids)).toEqual([]);
  expect(after.ports).toEqual(before?.ports);
  expect(said).toContain('ended what a killed platform left running');
});
