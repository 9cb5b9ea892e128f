// The simulation's runtime keeps the promises of the TaskRunner port, as the adapters do, and forgets when ECS may.
import { expect, test } from '@jest/globals';
import type { TaskRequest, TaskRunner } from '#core/ports/task-runner.ts';
import { taskRunnerContract } from '#test/contract/task-runner.contract.ts';
import { seededRandom } from '#test/support/seeded-random.ts';
import { ModelRuntime } from './model-runtime.ts';
import { VirtualTime } from './virtual-time.ts';

/** Programs that do as `BEHAVE` in their environment says. */
function behavingRuntime(): { readonly time: VirtualTime; readonly runtime: ModelRuntime } {
  const time = new VirtualTime(Date.now());
  const behaviours = new Map<string, string>();
  const runtime: ModelRuntime = new ModelRuntime(time, seededRandom(1), {
    begin: (taskId, { environment }) => {
      const behaviour = environment['BEHAVE'] ?? 'run';
      behaviours.set(taskId, behaviour);
      if (behaviour.startsWith('exit:')) runtime.exited(taskId, Number(behaviour.slice('exit:'.length)));
    },
    terminate: (taskId) => {
      if (behaviours.get(taskId) !== 'stubborn') runtime.exited(taskId, 0);
    },
    kill: () => {},
    asked: () => {},
  });
  runtime.chaos = false;
  return { time, runtime };
}

/** Time goes on by so much with every look. */
const lookMs = 500;

taskRunnerContract('the runtime of the simulation', async () => {
  const { time, runtime } = behavingRuntime();
  const tasksMax = 4;
  const live = (): number => runtime.all().filter(({ state }) => state !== 'stopped').length;
  const runner: TaskRunner = {
    run: (request) => {
      runtime.fullUntil = live() < tasksMax ? 0 : Number.POSITIVE_INFINITY;
      return runtime.run(request);
    },
    stop: (taskId, reason) => runtime.stop(taskId, reason),
    lastLines: () => runtime.lastLines(),
    list: async (job) => {
      await time.runUntil(time.now + lookMs);
      return runtime.list(job);
    },
  };
  return {
    ...{ runner, tasksMax, stopTimeoutMs: 0 },
    kill: async ({ taskId }) => runtime.exited(taskId, 137),
    isUp: async ({ taskId }) => runtime.hasProcess(taskId),
    close: async () => {},
  };
});

const hourMs = 3_600_000;
const request: TaskRequest = {
  ...{ clientToken: 'token', job: 'default/plays.out@u1', cpu: 0.25, memoryMiB: 512 },
  ...{ environment: { BEHAVE: 'exit:0' }, tags: {} },
};

test('a stopped task and its token are known for an hour, and then no more (DescribeTasks; Ensuring idempotency)', async () => {
  const { time, runtime } = behavingRuntime();
  await runtime.run(request);
  await time.runUntil(time.now + 10_000);
  const [stopped] = await runtime.list();
  await time.runUntil((stopped?.stoppedAt ?? 0) + hourMs);
  expect(await runtime.list()).toEqual([stopped]);
  expect(await runtime.run(request)).toEqual({ kind: 'accepted', task: stopped });
  await time.runUntil(time.now + 1);
  expect(await runtime.list()).toEqual([]);
  expect(await runtime.run(request)).toMatchObject({ kind: 'accepted', task: { state: 'starting' } });
});

test('what ignores SIGTERM is killed when the stop timeout is over, and not before [fault 48]', async () => {
  const { time, runtime } = behavingRuntime();
  await runtime.run({ ...request, environment: { BEHAVE: 'stubborn' } });
  await time.runUntil(time.now + 10_000);
  const [{ taskId } = { taskId: '' }] = await runtime.list();
  await runtime.stop(taskId, 'time is up');
  await time.runUntil(time.now + 14_999);
  expect(runtime.hasProcess(taskId)).toBe(true);
  await time.runUntil(time.now + 1);
  expect(runtime.hasProcess(taskId)).toBe(false);
});

test('a task that is asked to end before its process began never begins', async () => {
  const { time, runtime } = behavingRuntime();
  await runtime.run(request);
  const [{ taskId } = { taskId: '' }] = await runtime.list();
  await runtime.stop(taskId, 'no longer wanted');
  await time.runUntil(time.now + 60_000);
  expect(await runtime.list()).toMatchObject([{ state: 'stopped', stopReason: 'no longer wanted' }]);
  expect((await runtime.list())[0]).not.toHaveProperty('exitCode');
});
