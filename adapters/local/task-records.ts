// What the supervisor knows of each task, in one file a task, so that a killed supervisor finds its workers again.
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ObservedTask, TaskRequest } from '#core/ports/task-runner.ts';
import type { ProcessIdentity } from './process-identity.ts';

export interface TaskRecord {
  readonly task: ObservedTask;
  /** Of the whole request: the same token with another request is refused. */
  readonly requestHash: string;
  /** Absent between the decision to start and the start. */
  readonly identity?: ProcessIdentity;
  /** When a stopping task is killed. */
  readonly killAt?: number;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The id follows from the token: a second request with the same token finds the first one's file. */
export const taskIdOf = (clientToken: string): string => hash(clientToken).slice(0, 20);

export const requestHashOf = (request: TaskRequest): string =>
  hash(
    JSON.stringify([
      request.job,
      request.cpu,
      request.memoryMiB,
      Object.entries(request.environment).sort(),
      Object.entries(request.tags).sort(),
    ]),
  );

const recordPath = (dir: string, taskId: string): string => join(dir, `${taskId}.json`);

/** Written once by whoever runs the task: the worker's shell, before it becomes the worker. */
export const pidPath = (dir: string, taskId: string): string => join(dir, `${taskId}.pid`);

/** A crash leaves the old record or the new one, never half of one. */
export function writeRecord(dir: string, record: TaskRecord): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = recordPath(dir, record.task.taskId);
  writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function readRecords(dir: string): TaskRecord[] {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return readdirSync(dir)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(dir, name), 'utf8')) as TaskRecord);
}

export function forgetRecord(dir: string, taskId: string): void {
  rmSync(recordPath(dir, taskId), { force: true });
  rmSync(pidPath(dir, taskId), { force: true });
}

/**
 * The process that a supervisor started but was killed before it wrote it down, or null. Null is final: the name is
 * taken from then on, and a shell that comes too late ends without becoming a worker.
 */
export function claimPidFile(dir: string, taskId: string): number | null {
  const path = pidPath(dir, taskId);
  const own = `${path}.abandoned`;
  try {
    writeFileSync(own, 'abandoned\n');
    linkSync(own, path);
    return null;
  } catch {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isSafeInteger(pid) ? pid : null;
  } finally {
    rmSync(own, { force: true });
  }
}
