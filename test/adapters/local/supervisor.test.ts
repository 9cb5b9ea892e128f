// The local supervisor beyond the port: it may die, its workers do not; nothing leaks into them; nobody else may call it.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getPriority, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { placesIn } from '#adapters/local/platform-file.ts';
import { identify } from '#adapters/local/process-identity.ts';
import { Supervisor } from '#adapters/local/supervisor.ts';
import { requestHashOf, taskIdOf, writeRecord } from '#adapters/local/task-records.ts';
import { drainSupervisor, localTaskRunner } from '#adapters/local/task-runner.ts';
import { environment } from '#core/names.ts';
import type { ObservedTask, TaskRequest, TaskRunner } from '#core/ports/task-runner.ts';
import { ownSupervisor } from '#test/support/own-supervisor.ts';
import { until } from '#test/support/until.ts';

const request = (clientToken: string, behave: string): TaskRequest => ({
  clientToken,
  job: 'default/plays.out@u1',
  cpu: 1,
  memoryMiB: 128,
  environment: { BEHAVE: behave },
  tags: {},
});

async function start(runner: TaskRunner, wanted: TaskRequest): Promise<ObservedTask> {
  const outcome = await runner.run(wanted);
  if (outcome.kind === 'refused') throw new Error(outcome.reason);
  await until(() => (logOf(outcome.task).includes('up') ? true : null), 'the worker to be up');
  return outcome.task;
}

const logOf = ({ log }: ObservedTask): string => (existsSync(log ?? '') ? readFileSync(log ?? '', 'utf8') : '');
const isGone = (task: ObservedTask): boolean => identify(task.pid ?? 0) === null;
const stopped = (runner: TaskRunner, { taskId }: ObservedTask): Promise<ObservedTask> =>
  until(
    async () => (await runner.list()).find((task) => task.taskId === taskId && task.state === 'stopped') ?? null,
    `task ${taskId} to be stopped`,
  );

test('a worker outlives a supervisor that is killed, and the next one finds it, stops it and knows its token', async () => {
  await using supervisor = await ownSupervisor();
  const wanted = request('outlives', 'run');
  const task = await start(supervisor.runner, wanted);
  await supervisor.kill();
  expect(isGone(task)).toBe(false);
  await supervisor.start();
  expect(await supervisor.runner.list()).toEqual([{ ...task, state: 'running' }]);
  expect(await supervisor.runner.run(wanted)).toMatchObject({ task: { taskId: task.taskId, pid: task.pid } });
  await supervisor.runner.stop(task.taskId, 'enough');
  expect((await stopped(supervisor.runner, task)).stopReason).toContain('enough');
  expect(isGone(task)).toBe(true);
});

test('a worker that ends while no supervisor watches is listed as stopped by the next one', async () => {
  await using supervisor = await ownSupervisor();
  const task = await start(supervisor.runner, request('unseen', 'run'));
  await supervisor.kill();
  process.kill(task.pid ?? 0, 'SIGKILL');
  await supervisor.start();
  expect((await stopped(supervisor.runner, task)).exitCode).toBeUndefined();
});

test('a stop that was begun is finished by the next supervisor: a stubborn worker is killed', async () => {
  await using supervisor = await ownSupervisor({ [environment.stopTimeoutMs]: '1500' });
  const task = await start(supervisor.runner, request('begun', 'stubborn'));
  await supervisor.runner.stop(task.taskId, 'enough');
  await supervisor.kill();
  await supervisor.start();
  await stopped(supervisor.runner, task);
  expect(isGone(task)).toBe(true);
});

test('a supervisor killed between its decision and the start leaves a stopped task, and no worker comes late', async () => {
  await using supervisor = await ownSupervisor();
  await supervisor.kill();
  const wanted = request('between', 'run');
  const taskId = taskIdOf(wanted.clientToken);
  const { tasks } = placesIn(supervisor.data);
  const task: ObservedTask = { taskId, job: wanted.job, tags: {}, state: 'starting', createdAt: Date.now() };
  writeRecord(tasks, { task, requestHash: requestHashOf(wanted) });
  await supervisor.start();
  expect((await stopped(supervisor.runner, task)).stopReason).toContain('its supervisor ended');
  // The name that a shell takes before it becomes the worker is taken already.
  expect(readFileSync(`${tasks}/${taskId}.pid`, 'utf8')).toContain('abandoned');
});

test('a process that was given the id of a worker that ended is neither listed as running nor ended', async () => {
  await using supervisor = await ownSupervisor();
  await supervisor.kill();
  const wanted = request('reused', 'run');
  const taskId = taskIdOf(wanted.clientToken);
  const task: ObservedTask = { taskId, job: wanted.job, tags: {}, state: 'running', createdAt: 1, pid: process.pid };
  const record = { task, requestHash: requestHashOf(wanted), identity: { pid: process.pid, startedAt: 'long ago' } };
  writeRecord(placesIn(supervisor.data).tasks, { ...record, killAt: 1 });
  await supervisor.start();
  expect((await stopped(supervisor.runner, task)).pid).toBe(process.pid);
});

test('a worker gets its base environment and what its task says; nothing else of the supervisor', async () => {
  await using supervisor = await ownSupervisor({
    [environment.kafkaBrokers]: '127.0.0.1:1',
    [environment.postgresUrl]: 'postgres://secret',
    SECRET: 'not for workers',
  });
  const task = await start(supervisor.runner, request('environment', 'environment'));
  const seen = JSON.parse(logOf(task).split('\n')[0] ?? '') as Record<string, string>;
  expect(seen).toMatchObject({ BEHAVE: 'environment', [environment.kafkaBrokers]: '127.0.0.1:1' });
  for (const name of ['SECRET', environment.postgresUrl, environment.supervisorUrl])
    expect(seen).not.toHaveProperty(name);
});

test('each change of a task is told to the reconciler, and a reconciler that is away stops nothing', async () => {
  const told: unknown[] = [];
  const reconciler = createServer((request, response) => {
    request.on('data', (chunk) => told.push({ path: request.url, ...JSON.parse(String(chunk)) }));
    request.on('end', () => response.end());
  });
  await new Promise<void>((resolve) => reconciler.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(reconciler.address() as AddressInfo).port}`;
  await using supervisor = await ownSupervisor({ [environment.reconcilerUrl]: url });
  const task = await start(supervisor.runner, request('told', 'run'));
  await supervisor.runner.stop(task.taskId, 'enough');
  await stopped(supervisor.runner, task);
  await until(() => (told.length >= 4 ? true : null), 'four changes to be told');
  expect(told).toEqual(
    expect.arrayContaining(
      ['starting', 'running', 'stopping', 'stopped'].map((state) =>
        expect.objectContaining({ kind: 'task-state-change', job: 'default/plays.out@u1', taskId: task.taskId, state }),
      ),
    ),
  );
  reconciler.closeAllConnections();
  await new Promise((resolve) => reconciler.close(resolve));
  await start(supervisor.runner, request('told again', 'run'));
});

test('a drain stops all, kills what does not go in time, and takes nothing new', async () => {
  await using supervisor = await ownSupervisor();
  const tasks = [
    await start(supervisor.runner, request('polite', 'run')),
    await start(supervisor.runner, request('stubborn', 'stubborn')),
  ];
  await drainSupervisor(supervisor.url, 'going down', 500);
  expect(tasks.map(isGone)).toEqual([true, true]);
  expect(await supervisor.runner.run(request('late', 'run'))).toMatchObject({ kind: 'refused', retry: true });
});

/** Within the test's own process, with its folders. */
function aSupervisor(
  data: string,
  more: { readonly tasksMax?: number; readonly tasksAtPar?: number } = {},
): Supervisor {
  const { tasks: tasksDir, taskLogs: logsDir } = placesIn(data);
  const program = { entry: resolve(import.meta.dirname, '../../support/task-program.mjs'), nodeFlags: [] };
  const limits = { tasksMax: 9, tasksAtPar: 9, stopTimeoutMs: 10_000, ...more };
  return new Supervisor({ tasksDir, logsDir, program, baseEnvironment: {}, ...limits, onChange: () => {} });
}

test('where more workers run than the machine has room for, further ones give way to what all of them depend on', async () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-supervisor-'));
  const supervisor = aSupervisor(data, { tasksAtPar: 1 });
  try {
    for (const token of ['first', 'second']) supervisor.run(request(token, 'run'));
    const own = getPriority();
    expect(supervisor.list().map(({ pid }) => getPriority(pid) > own)).toEqual([false, true]);
  } finally {
    await supervisor.drain('the test is over', 5_000);
    supervisor.close();
    rmSync(data, { recursive: true, force: true });
  }
});

test('a task that cannot be started has stopped, with the reason, and takes no place of another', async () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-supervisor-'));
  const { logs, taskLogs } = placesIn(data);
  const supervisor = aSupervisor(data, { tasksMax: 1 });
  try {
    mkdirSync(logs);
    writeFileSync(taskLogs, 'no folder');
    const outcome = supervisor.run(request('no log', 'run'));
    expect(outcome).toMatchObject({
      task: { state: 'stopped', stopReason: expect.stringContaining('could not be start') },
    });
    rmSync(taskLogs);
    expect(supervisor.run(request('another', 'run'))).toMatchObject({ task: { state: 'running' } });
  } finally {
    await supervisor.drain('the test is over', 5_000);
    supervisor.close();
    rmSync(data, { recursive: true, force: true });
  }
});

test('where there is no room to write it down, a worker is stopped all the same', async () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-supervisor-'));
  const { tasks } = placesIn(data);
  const supervisor = aSupervisor(data);
  try {
    const outcome = supervisor.run(request('no room', 'run'));
    const task = outcome.kind === 'accepted' ? outcome.task : null;
    mkdirSync(join(tasks, `${task?.taskId}.json.new`));
    await supervisor.drain('no room', 5_000);
    expect([identify(task?.pid ?? 0), supervisor.list()[0]?.state]).toEqual([null, 'stopped']);
  } finally {
    supervisor.close();
    rmSync(data, { recursive: true, force: true });
  }
});

test('a record that cannot be read is set aside, and its worker ended: nobody could tell any more whose it is', async () => {
  await using supervisor = await ownSupervisor();
  const kept = await start(supervisor.runner, request('kept', 'run'));
  const lost = await start(supervisor.runner, request('lost', 'run'));
  await supervisor.kill();
  const path = join(placesIn(supervisor.data).tasks, `${lost.taskId}.json`);
  writeFileSync(path, '');
  await supervisor.start();
  expect((await supervisor.runner.list()).map(({ taskId }) => taskId)).toEqual([kept.taskId]);
  await until(() => (isGone(lost) ? true : null), 'the worker to end');
  expect([existsSync(path), existsSync(`${path}.unreadable`)]).toEqual([false, true]);
});

test('without the password nobody runs anything', async () => {
  await using supervisor = await ownSupervisor();
  const stranger = localTaskRunner(supervisor.url.replace('password', 'guess'));
  await expect(stranger.run(request('stranger', 'run'))).rejects.toThrow('401');
  expect(await supervisor.runner.list()).toEqual([]);
});
