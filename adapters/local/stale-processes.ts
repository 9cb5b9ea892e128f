// Processes of a platform that was killed: found by what it wrote down, and ended.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { end, isAlive, type ProcessIdentity } from './process-identity.ts';

export interface RecordedProcess extends ProcessIdentity {
  readonly name: string;
}

const politelyMs = 10_000;

/** The living processes recorded in a folder of `<name>.json` files. A process that took over an old id is not one. */
export function recordedAlive(runDir: string): RecordedProcess[] {
  return filesIn(runDir).flatMap((path) => {
    const identity = readIdentity(path);
    return identity !== null && isAlive(identity) ? [{ name: identity.name ?? 'process', ...identity }] : [];
  });
}

/** Ends those that are meant, asking first, and forgets the records of all that are gone. Returns those that were found alive. */
export async function endRecorded(
  runDir: string,
  isMeant: (name: string) => boolean = () => true,
): Promise<RecordedProcess[]> {
  const alive = recordedAlive(runDir).filter(({ name }) => isMeant(name));
  await Promise.all(alive.map((identity) => end(identity, 'SIGTERM', politelyMs)));
  for (const path of filesIn(runDir)) {
    const identity = readIdentity(path);
    if (identity === null || !isAlive(identity)) rmSync(path, { force: true });
  }
  return alive;
}

/** Null where there is no file or it was half written when its writer was killed. */
export function readIdentity(path: string): (ProcessIdentity & { readonly name?: string }) | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<RecordedProcess> | null;
    return typeof value?.pid === 'number' && typeof value.startedAt === 'string' ? (value as RecordedProcess) : null;
  } catch {
    return null;
  }
}

function filesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(dir, name));
  } catch {
    return [];
  }
}
