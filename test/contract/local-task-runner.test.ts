// The local supervisor fills the TaskRunner port.
import { readFile } from 'node:fs/promises';
import { environment } from '#core/names.ts';
import { ownSupervisor } from '#test/support/own-supervisor.ts';
import { taskRunnerContract } from './task-runner.contract.ts';

taskRunnerContract('the local supervisor', async () => {
  const tasksMax = 4;
  const stopTimeoutMs = 1_000;
  const supervisor = await ownSupervisor({
    [environment.tasksMax]: String(tasksMax),
    [environment.stopTimeoutMs]: String(stopTimeoutMs),
  });
  return {
    runner: supervisor.runner,
    tasksMax,
    stopTimeoutMs,
    kill: async ({ pid }) => {
      process.kill(pid ?? 0, 'SIGKILL');
    },
    isUp: async ({ log }) => (await readFile(log ?? '', 'utf8').catch(() => '')).includes('up'),
    close: () => supervisor[Symbol.asyncDispose](),
  };
});
