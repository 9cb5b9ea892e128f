// What a host left running that ended without stopping its platform: found by what was written down, and ended in order.
import type { Places } from './platform-file.ts';
import { endRecorded, type RecordedProcess, recordedAlive } from './stale-processes.ts';
import { endTasks, tasksAlive } from './stale-tasks.ts';

/** What starts workers, or asks for them. */
const programs = ['reconciler', 'supervisor', 'api'];

export interface Ended {
  readonly parts: readonly RecordedProcess[];
  readonly workersCount: number;
}

/**
 * For whoever holds the folder's lock. The programs first, for one that lives gives each worker that ends a successor; then
 * the workers, while what they commit to still stands; then that.
 */
export async function endLeftovers({ run, tasks }: Places): Promise<Ended> {
  const above = await endRecorded(run, (name) => programs.includes(name));
  const workersCount = await endTasks(tasks);
  const below = await endRecorded(run);
  return { parts: [...above, ...below], workersCount };
}

/** What lives still, in words; none where the platform is down. */
export function leftoversIn({ run, tasks }: Places): readonly string[] {
  const parts = recordedAlive(run).map(({ name, pid }) => `${name} (pid ${pid})`);
  return [...parts, ...tasksAlive(tasks).map(({ pid }) => `a worker (pid ${pid})`)];
}
