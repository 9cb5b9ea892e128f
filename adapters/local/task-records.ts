// What the supervisor knows of each task, in one file a task, so that a killed supervisor finds its workers again.
import { createHash } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

/** Those that can be read: a crash of the machine may leave one empty or cut short. */
export const readRecords = (dir: string): TaskRecord[] =>
  idsIn(dir, '.json').flatMap((id) => readRecord(dir, id) ?? []);

/** Moves records that cannot be read out of the way, and names their tasks. */
export function setAsideUnreadable(dir: string): readonly string[] {
  const ids = idsIn(dir, '.json').filter((id) => readRecord(dir, id) === null);
  for (const id of ids) renameSync(recordPath(dir, id), `${recordPath(dir, id)}.unreadable`);
  return ids;
}

/** Tasks that began: the shell of each took its name. */
export const begunTasks = (dir: string): readonly string[] => idsIn(dir, '.pid');

function readRecord(dir: string, taskId: string): TaskRecord | null {
  try {
    const value = JSON.parse(readFileSync(recordPath(dir, taskId), 'utf8')) as Partial<TaskRecord> | null;
    return value?.task?.taskId === taskId ? (value as TaskRecord) : null;
  } catch {
    return null;
  }
}

function idsIn(dir: string, ending: string): readonly string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir).flatMap((name) => (name.endsWith(ending) ? [name.slice(0, -ending.length)] : []));
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
    return readPid(dir, taskId);
  } finally {
    rmSync(own, { force: true });
  }
}

/** Null where no shell has taken the name, or another did so that it does not become a worker. */
export function readPid(dir: string, taskId: string): number | null {
  const path = pidPath(dir, taskId);
  const pid = existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) : Number.NaN;
  return Number.isSafeInteger(pid) ? pid : null;
}
