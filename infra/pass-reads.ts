// Whether passes can list their tasks in time: what they may read of ECS is the account's, and all passes at once share it.
import { limits } from '#core/limits.ts';
import type { StageConfig } from './config.ts';

/** ListTasks and DescribeTasks together, of an account and region ("Request throttling for the Amazon ECS API"). */
const readsPerSecond = 20;
/** The most that one ListTasks or one DescribeTasks takes. */
const tasksARead = 100;
/** A pass that has listed still has to decide and act, before what it saw is too old. */
const listShareMax = 3 / 4;

/** With all the tasks that the stage may run. Those that stopped within the hour are listed as well, and come on top. */
function readsOfAPass({ runtime: { tasksMax, cells } }: StageConfig): number {
  const pages = Math.ceil(tasksMax / cells / tasksARead);
  const [listed, described, stopped] = [pages, pages, 1];
  return cells * (listed + described + stopped);
}

/** Throws for a stage whose passes would all be over their time before they have seen their tasks: nothing would be carried out. */
export function assertPassesListInTime(config: StageConfig): void {
  const { stage, concurrency, runtime } = config;
  const reads = readsOfAPass(config);
  const secondsMax = (limits.decisionMsMax / 1_000) * listShareMax;
  const seconds = (concurrency.reconcile * reads) / readsPerSecond;
  if (seconds <= secondsMax) return;
  const fitting = Math.floor((secondsMax * readsPerSecond) / reads);
  const advice =
    fitting > 0
      ? `set concurrency.reconcile to ${fitting}`
      : 'set concurrency.reconcile to 1 and lower runtime.tasksMax';
  throw new Error(
    `stage ${stage}: ${concurrency.reconcile} passes at once take ${Math.ceil(seconds)} s to list ${runtime.tasksMax} tasks, ` +
      `by the ${readsPerSecond} reads a second that ECS allows an account; expected at most ${Math.floor(secondsMax)} s, ` +
      `since what a pass saw is void after ${limits.decisionMsMax / 1_000} s: ${advice}`,
  );
}
