// What every TaskRunner must do: one suite, run over each adapter that fills the port.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ObservedTask, TaskRequest, TaskRunner } from '#core/ports/task-runner.ts';
import { until } from '#test/support/until.ts';

export interface TaskRunnerUnderTest {
  readonly runner: TaskRunner;
  /** Tasks that may run at a time; the suite fills them all. */
  readonly tasksMax: number;
  /** From SIGTERM to SIGKILL; short, for the suite waits for it. */
  readonly stopTimeoutMs: number;
  /** Ends a task's process as a crash or the kernel would. */
  readonly kill: (task: ObservedTask) => Promise<void>;
  /** Whether the task's program has begun and listens for signals. */
  readonly isUp: (task: ObservedTask) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/**
 * The task that the runtime starts must do as `BEHAVE` in its environment says: `run` until SIGTERM and then exit with 0,
 * `exit:N` at once, `stubborn` to ignore SIGTERM.
 */
export function taskRunnerContract(name: string, make: () => Promise<TaskRunnerUnderTest>): void {
  describe(`${name} as TaskRunner`, () => {
    let subject: TaskRunnerUnderTest;
    let tokens = 0;

    beforeAll(async () => {
      subject = await make();
    });
    afterAll(() => subject.close());

    const request = (job: string, behave: string, more: Partial<TaskRequest> = {}): TaskRequest => ({
      clientToken: `${job}-${tokens++}-${Date.now()}`,
      job,
      cpu: 0.25,
      memoryMiB: 128,
      environment: { BEHAVE: behave },
      tags: { 'millrace:job': job, 'millrace:slot': '0' },
      ...more,
    });
    const accepted = async (wanted: TaskRequest): Promise<ObservedTask> => {
      const outcome = await subject.runner.run(wanted);
      if (outcome.kind === 'refused') throw new Error(outcome.reason);
      return outcome.task;
    };
    const seen = async ({ job, taskId }: ObservedTask): Promise<ObservedTask | undefined> =>
      (await subject.runner.list(job)).find((task) => task.taskId === taskId);
    const inState = (task: ObservedTask, state: ObservedTask['state']): Promise<ObservedTask> =>
      until(async () => {
        const now = await seen(task);
        return now?.state === state ? now : null;
      }, `task ${task.taskId} to be ${state}`);
    const stopAll = async (job: string): Promise<void> => {
      for (const task of await subject.runner.list(job)) await subject.runner.stop(task.taskId, 'the test is over');
      for (const task of await subject.runner.list(job)) await inState(task, 'stopped');
    };

    test('a task that is run is listed with its job, its tags and its log, and becomes running', async () => {
      const wanted = request('default/listed.out@u1', 'run');
      const task = await accepted(wanted);
      const running = await inState(task, 'running');
      expect(running).toMatchObject({ job: 'default/listed.out@u1', tags: wanted.tags, log: expect.any(String) });
      expect((await subject.runner.list()).map(({ taskId }) => taskId)).toContain(task.taskId);
      expect((await subject.runner.list('default/another.out@u1')).map(({ taskId }) => taskId)).not.toContain(
        task.taskId,
      );
      await stopAll('default/listed.out@u1');
    });

    test('the same token gives the same task, also at the same time and after it stopped [fault 42]', async () => {
      const wanted = request('default/same.out@u1', 'run');
      const tasks = await Promise.all([accepted(wanted), accepted(wanted), accepted(wanted)]);
      expect(new Set(tasks.map(({ taskId }) => taskId)).size).toBe(1);
      expect(await subject.runner.list('default/same.out@u1')).toHaveLength(1);
      await stopAll('default/same.out@u1');
      expect(await accepted(wanted)).toMatchObject({ taskId: tasks[0]?.taskId, state: 'stopped' });
      expect(await subject.runner.list('default/same.out@u1')).toHaveLength(1);
    });

    test('the same token with another request is refused for good', async () => {
      const wanted = request('default/other.out@u1', 'run');
      await accepted(wanted);
      const outcome = await subject.runner.run({ ...wanted, memoryMiB: 256 });
      expect(outcome).toMatchObject({ kind: 'refused', retry: false });
      await stopAll('default/other.out@u1');
    });

    test('a stopped task ends by itself on SIGTERM, and is listed with the reason that was given', async () => {
      const task = await inState(await accepted(request('default/stopped.out@u1', 'run')), 'running');
      await until(async () => (await subject.isUp(task)) || null, 'the task to listen for SIGTERM');
      await subject.runner.stop(task.taskId, 'replaced by revision 7');
      const stopped = await inState(task, 'stopped');
      expect(stopped.exitCode).toBe(0);
      expect(stopped.stopReason).toContain('replaced by revision 7');
      expect(stopped.stoppedAt).toBeGreaterThanOrEqual(stopped.createdAt);
    });

    test('a task that ignores SIGTERM is killed after the stop timeout [fault 48]', async () => {
      const task = await inState(await accepted(request('default/stubborn.out@u1', 'stubborn')), 'running');
      await until(async () => (await subject.isUp(task)) || null, 'the task to ignore SIGTERM');
      const asked = Date.now();
      await subject.runner.stop(task.taskId, 'time is up');
      expect((await inState(task, 'stopped')).exitCode).toBe(137);
      expect(Date.now() - asked).toBeGreaterThanOrEqual(subject.stopTimeoutMs);
    });

    test('a task that exits by itself is listed with its exit code', async () => {
      const task = await accepted(request('default/exits.out@u1', 'exit:3'));
      expect((await inState(task, 'stopped')).exitCode).toBe(3);
    });

    test('a task whose process is killed is listed as stopped with 137 [fault 58]', async () => {
      const task = await inState(await accepted(request('default/killed.out@u1', 'run')), 'running');
      await subject.kill(task);
      expect((await inState(task, 'stopped')).exitCode).toBe(137);
    });

    test('stopping a stopped task, or one that never was, is no error', async () => {
      const task = await accepted(request('default/twice.out@u1', 'exit:0'));
      const stopped = await inState(task, 'stopped');
      await subject.runner.stop(task.taskId, 'again');
      expect(await seen(task)).toEqual(stopped);
      await subject.runner.stop('no-such-task', 'never was');
    });

    test('over capacity a task is refused for now; with room again it is accepted [fault 51]', async () => {
      for (let n = 0; n < subject.tasksMax; n++) await accepted(request('default/full.out@u1', 'run'));
      const more = request('default/full.out@u1', 'run');
      expect(await subject.runner.run(more)).toMatchObject({ kind: 'refused', retry: true });
      expect(await subject.runner.list('default/full.out@u1')).toHaveLength(subject.tasksMax);
      await stopAll('default/full.out@u1');
      expect(await subject.runner.run(more)).toMatchObject({ kind: 'accepted' });
      await stopAll('default/full.out@u1');
    });
  });
}
