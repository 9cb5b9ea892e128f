// Workers of a killed platform: asked to end, so that they commit what they have while their stores still stand.
import { end, isAlive } from './process-identity.ts';
import { readRecords } from './task-records.ts';

const politelyMs = 5_000;

/** Returns how many were found alive. */
export async function endTasks(tasksDir: string): Promise<number> {
  const alive = readRecords(tasksDir).flatMap(({ identity }) =>
    identity !== undefined && isAlive(identity) ? [identity] : [],
  );
  await Promise.all(alive.map((identity) => end(identity, 'SIGTERM', politelyMs)));
  return alive.length;
}
