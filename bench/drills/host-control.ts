// Parts of a local platform taken away for as long as wanted: its host, which would start them again, stands still meanwhile.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { placesIn, readPlatformFile } from '#adapters/local/platform-file.ts';
import { isAlive } from '#adapters/local/process-identity.ts';
import type { PartName, TestPlatform } from '#test/support/test-platform.ts';
import { until } from '#test/support/until.ts';

export function hostPid(platform: TestPlatform): number {
  const host = readPlatformFile(platform.dataDir)?.host;
  if (!host || !isAlive(host)) throw new Error('the platform has no host');
  return host.pid;
}

/** kill -9 of the parts; they stay away until the returned function is called, which waits until they are back. */
export function takeAway(platform: TestPlatform, parts: readonly PartName[]): () => Promise<void> {
  const host = hostPid(platform);
  const before = parts.map((part) => [part, platform.pid(part)] as const);
  process.kill(host, 'SIGSTOP');
  for (const [, pid] of before) process.kill(pid, 'SIGKILL');
  return async () => {
    process.kill(host, 'SIGCONT');
    for (const [part, pid] of before) await platform.restarted(part, pid);
  };
}

/** A process that nobody has waited for yet is over all the same. */
export function isOver(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return true;
  }
}

export const allOver = (pids: readonly number[]): Promise<unknown> =>
  until(() => (pids.every(isOver) ? true : null), `the end of ${pids.join(', ')}`);

/** What passes did, by their own log, from here on: kinds of actions and how often. */
export function watchActions(platform: TestPlatform): () => Readonly<Record<string, number>> {
  const path = join(placesIn(platform.dataDir).logs, 'reconciler.log');
  const from = statSync(path).size;
  return () => {
    const counts: Record<string, number> = {};
    for (const line of readFileSync(path).subarray(from).toString().split('\n')) {
      if (!line.includes('"acted"')) continue;
      const { actions } = JSON.parse(line) as { readonly actions?: readonly string[] };
      for (const kind of actions ?? []) counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  };
}
