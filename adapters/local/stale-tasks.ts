// Workers of a killed platform: asked to end, so that they commit what they have while their stores still stand.
import { end, isAlive, type ProcessIdentity } from './process-identity.ts';
import { begunTasks, claimPidFile, readPid, readRecords } from './task-records.ts';
import { findWorker } from './worker-process.ts';

const politelyMs = 5_000;

/** The living workers: those of the records, and those that their shells wrote down and no record (yet) has. */
export function tasksAlive(tasksDir: string): readonly ProcessIdentity[] {
  const records = readRecords(tasksDir);
  const recorded = records.flatMap(({ identity }) => (identity !== undefined && isAlive(identity) ? [identity] : []));
  const settled = records.filter(({ task, identity }) => task.state === 'stopped' || identity !== undefined);
  const known = new Set(settled.map(({ task }) => task.taskId));
  const begun = begunTasks(tasksDir).flatMap((taskId) => {
    const pid = known.has(taskId) ? null : readPid(tasksDir, taskId);
    const worker = pid === null ? null : findWorker(pid, taskId);
    return worker ?? [];
  });
  return [...recorded, ...begun];
}

/** For whoever has ended what starts workers. Returns how many were found alive. */
export async function endTasks(tasksDir: string): Promise<number> {
  for (const { task, identity } of readRecords(tasksDir)) {
    // Of one that is only just being started: from here on its shell finds its name taken, and ends.
    if (task.state !== 'stopped' && identity === undefined) claimPidFile(tasksDir, task.taskId);
  }
  const alive = tasksAlive(tasksDir);
  await Promise.all(alive.map((identity) => end(identity, 'SIGTERM', politelyMs)));
  return alive.length;
}
