// The ECS adapter fills the TaskRunner port, over HTTP against a server that keeps to ECS's documented behaviour.
import { describe, expect, test } from '@jest/globals';
import { Ecs, type EcsOptions } from '#adapters/ecs/client.ts';
import { createEcsTaskRunner } from '#adapters/ecs/task-runner.ts';
import { taskTags, workerName } from '#core/names.ts';
import type { TaskRequest, TaskRunner, TaskState } from '#core/ports/task-runner.ts';
import type { EcsApiOptions } from '#test/support/ecs-api.ts';
import { type EcsServer, startEcsServer } from '#test/support/ecs-server.ts';
import { until } from '#test/support/until.ts';
import { taskRunnerContract } from './task-runner.contract.ts';

const cell = (number: number): string => `arn:aws:ecs:us-east-1:111122223333:cluster/millrace-cell-${number}`;
const definition = (name: string): string =>
  `arn:aws:ecs:us-east-1:111122223333:task-definition/millrace-worker-${name}:3`;
const clusters = [cell(1), cell(2), cell(3)];
const sizes = [
  { cpu: 0.25, memoryMiB: 512, taskDefinitionArn: definition('256x512') },
  { cpu: 1, memoryMiB: 2048, taskDefinitionArn: definition('1024x2048') },
];
const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };

interface Rig extends AsyncDisposable {
  readonly server: EcsServer;
  readonly runner: TaskRunner;
}

async function rig(
  options: Partial<EcsApiOptions> = {},
  client: Pick<EcsOptions, 'quotas' | 'requestMs'> = {},
): Promise<Rig> {
  const server = await startEcsServer({
    ...{ clusters, tasksMax: 1_000, stopTimeoutMs: 300 },
    taskDefinitions: sizes.map(({ taskDefinitionArn }) => taskDefinitionArn),
    ...options,
  });
  const ecs = new Ecs({ region: 'us-east-1', endpoint: server.url, credentials, ...client });
  const platform = { platform: 'millrace', logGroup: '/millrace/workers', subnetIds: ['subnet-1'] };
  const runner = createEcsTaskRunner(ecs, { ...platform, clusterArns: clusters, sizes, securityGroupIds: ['sg-1'] });
  return {
    ...{ server, runner },
    [Symbol.asyncDispose]: async () => {
      ecs.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const fast = { burst: 10_000, perSecond: 10_000 };
const unbounded = { quotas: { run: fast, stop: fast, read: fast } };

taskRunnerContract('ECS', async () => {
  const tasksMax = 4;
  const stopTimeoutMs = 300;
  const { server, runner, ...rest } = await rig({ tasksMax, stopTimeoutMs }, unbounded);
  return {
    ...{ runner, tasksMax, stopTimeoutMs },
    kill: async ({ taskId }) => server.api.kill(taskId),
    isUp: async () => true,
    close: async () => rest[Symbol.asyncDispose](),
  };
});

const job = 'default/plays.out@u1';
const request = (incarnation: number, more: Partial<TaskRequest> = {}): TaskRequest => ({
  ...{ clientToken: `token-${incarnation}`, job, cpu: 0.25, memoryMiB: 512 },
  environment: { BEHAVE: 'run', MILLRACE_WORKER: workerName(job, incarnation, 0) },
  tags: { [taskTags.job]: job, [taskTags.incarnation]: String(incarnation) },
  ...more,
});

describe('the ECS adapter', () => {
  test('an answer that was lost after RunTask took effect is asked for again with the same token: one task (Ensuring idempotency) [fault 42]', async () => {
    await using subject = await rig();
    let cut = 1;
    subject.server.fault = (action) => (action === 'RunTask' && cut-- > 0 ? 'cut' : null);
    expect(await subject.runner.run(request(1))).toMatchObject({ kind: 'accepted' });
    expect(await subject.runner.list()).toHaveLength(1);
    expect(subject.server.calls.get('RunTask')).toBe(2);
  });

  test('a request that is carried out long after nobody waited for it any more makes no second task [fault 42]', async () => {
    await using subject = await rig({}, { requestMs: 200 });
    const release = Promise.withResolvers<void>();
    let held = 1;
    subject.server.fault = (action) =>
      action === 'RunTask' && held-- > 0 ? { hold: 'request', until: release.promise } : null;
    const outcome = await subject.runner.run(request(1));
    release.resolve();
    expect(await subject.runner.run(request(1))).toMatchObject({ kind: 'accepted' });
    const [task, ...more] = await subject.runner.list();
    expect(more).toEqual([]);
    expect(outcome).toMatchObject({ kind: 'accepted', task: { taskId: task?.taskId } });
  });

  test('an answer that comes too late is asked for again; one that never comes is told of as unavailable [fault 42]', async () => {
    await using subject = await rig({}, { requestMs: 200 });
    const release = Promise.withResolvers<void>();
    let held = 1;
    subject.server.fault = () => (held-- > 0 ? { hold: 'answer', until: release.promise } : null);
    expect(await subject.runner.run(request(1))).toMatchObject({ kind: 'accepted' });
    subject.server.fault = () => ({ hold: 'answer', until: release.promise });
    await expect(subject.runner.run(request(2))).rejects.toMatchObject({ code: 'ecs-unavailable', retry: 'retry' });
    subject.server.fault = () => null;
    release.resolve();
    expect(await subject.runner.run(request(2))).toMatchObject({ kind: 'accepted' });
    expect(await until(async () => (await subject.runner.list()).length === 2 || null, 'two tasks')).toBe(true);
  });

  test('throttled calls are made again, slower, and none is lost (Request throttling for the Amazon ECS API) [fault 45]', async () => {
    // The account has a quarter of the rate that is believed in; a sixteenth is as slow as it gets.
    const believed = { burst: 30, perSecond: 200 };
    const quotas = { run: believed, stop: believed, read: believed };
    await using subject = await rig({ quota: { burst: 5, perSecond: 50 } }, { quotas });
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, n) => subject.runner.run(request(n))));
    expect(outcomes.filter(({ kind }) => kind === 'accepted')).toHaveLength(30);
    expect(await until(async () => (await subject.runner.list()).length === 30 || null, '30 tasks')).toBe(true);
  });

  test('throttled to the end it says that ECS cannot be reached for now, and that a repetition may help', async () => {
    await using subject = await rig({}, unbounded);
    subject.server.fault = () => 'throttle';
    await expect(subject.runner.run(request(1))).rejects.toMatchObject({ code: 'ecs-unavailable', retry: 'retry' });
    await expect(subject.runner.list()).rejects.toMatchObject({ code: 'ecs-unavailable', retry: 'retry' });
  });

  test('a task that the listing does not show yet is not gone: it comes with the lag (eventual consistency) [fault 43]', async () => {
    await using subject = await rig({ lagMs: 300 });
    const outcome = await subject.runner.run(request(1));
    expect(await subject.runner.list()).toEqual([]);
    const seen = await until(async () => (await subject.runner.list())[0] ?? null, 'the task to be listed');
    expect(outcome).toMatchObject({ kind: 'accepted', task: { taskId: seen.taskId } });
  });

  test('a fleet is listed by hundreds: two ListTasks a cell, one DescribeTasks a hundred tasks', async () => {
    await using subject = await rig({}, unbounded);
    const wanted = Array.from({ length: 350 }, (_, n) => request(n, { job: `default/route${n}.out@u${n}` }));
    for (let at = 0; at < wanted.length; at += 25)
      await Promise.all(wanted.slice(at, at + 25).map((each) => subject.runner.run(each)));
    subject.server.api.close();
    const before = new Map(subject.server.calls);
    const tasks = await subject.runner.list();
    const called = (action: string): number => (subject.server.calls.get(action) ?? 0) - (before.get(action) ?? 0);
    expect(tasks).toHaveLength(350);
    expect(new Set(tasks.map(({ job: of }) => of)).size).toBe(350);
    expect(called('ListTasks')).toBeLessThanOrEqual(9);
    expect(called('DescribeTasks')).toBeLessThanOrEqual(6);
  });

  test('the jobs are spread over the cells, and a job is always in the same one', async () => {
    await using subject = await rig({}, unbounded);
    await Promise.all(
      Array.from({ length: 60 }, (_, n) => subject.runner.run(request(n, { job: `default/r${n % 30}.out@u` }))),
    );
    const cells = new Map<string, Set<string>>();
    for (const { job: of, taskId } of await subject.runner.list())
      cells.set(of, (cells.get(of) ?? new Set()).add(taskId.split('/')[1]!));
    expect([...cells.values()].every(({ size }) => size === 1)).toBe(true);
    expect(new Set([...cells.values()].flatMap((each) => [...each])).size).toBe(3);
  });

  test('a task whose image cannot be pulled is listed as stopped, with ECS’s reason (CannotPullContainerError) [fault 49]', async () => {
    await using subject = await rig();
    subject.server.api.pullError = 'CannotPullContainerError: pull image manifest has been retried 1 time(s)';
    await subject.runner.run(request(1));
    const stopped = await until(
      async () => (await subject.runner.list()).find(({ state }) => state === 'stopped') ?? null,
      'it to fail',
    );
    expect(stopped.stopReason).toContain('CannotPullContainerError');
    expect(stopped.exitCode).toBeUndefined();
  });

  test('a task that Spot takes back is on its way out from the notice on, and says why it ended (Fargate Spot termination notices) [fault 47]', async () => {
    await using subject = await rig();
    const { runner, server } = subject;
    await runner.run(request(1, { environment: { ...request(1).environment, BEHAVE: 'stubborn' } }));
    const listedAs = (wanted: TaskState) =>
      until(async () => (await runner.list()).find(({ state }) => state === wanted) ?? null, `it to be ${wanted}`);
    const { taskId } = await listedAs('running');
    server.api.interrupt(taskId);
    const why = 'Your Spot Task was interrupted.';
    expect(await listedAs('stopping')).toMatchObject({ taskId, stopReason: why });
    expect(await listedAs('stopped')).toMatchObject({ taskId, stopReason: why, exitCode: 137 });
  });

  test('it asks for the smallest size that holds what the job wants; what none holds is refused for good', async () => {
    await using subject = await rig();
    expect(await subject.runner.run(request(1, { cpu: 0.5, memoryMiB: 600 }))).toMatchObject({ kind: 'accepted' });
    const outcome = await subject.runner.run(request(2, { cpu: 8 }));
    expect(outcome).toMatchObject({ kind: 'refused', retry: false });
    expect(outcome.kind === 'refused' && outcome.reason).toContain('8 vCPU');
  });

  test('a task definition that is gone is refused for good; a cluster that is gone, for now [fault 50]', async () => {
    await using subject = await rig({ taskDefinitions: [] });
    expect(await subject.runner.run(request(1))).toMatchObject({ kind: 'refused', retry: false });
    await using other = await rig({ clusters: ['arn:aws:ecs:us-east-1:111122223333:cluster/another'] });
    expect(await other.runner.run(request(1))).toMatchObject({ kind: 'refused', retry: true });
  });

  test('a service that fails is tried again, and then told of as unavailable', async () => {
    await using subject = await rig();
    let failures = 1;
    subject.server.fault = () => (failures-- > 0 ? 'server-error' : null);
    expect(await subject.runner.run(request(1))).toMatchObject({ kind: 'accepted' });
    subject.server.fault = () => 'server-error';
    await expect(subject.runner.stop((await rigTask(subject)).taskId, 'x')).rejects.toMatchObject({ retry: 'retry' });
  });
});

async function rigTask(subject: Rig) {
  const { fault } = subject.server;
  subject.server.fault = () => null;
  const [task] = await subject.runner.list();
  subject.server.fault = fault;
  return task!;
}
