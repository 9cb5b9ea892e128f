// One worker as a process: it outlives its supervisor, and gets only the environment that it is given.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setPriority } from 'node:os';
import { compileCacheOf } from './compile-cache.ts';
import { openLog } from './log-file.ts';
import { identify, type ProcessIdentity } from './process-identity.ts';

export interface WorkerProgram {
  /** The file that Node runs. */
  readonly entry: string;
  readonly nodeFlags: readonly string[];
}

/** The rest is for buffers, which live outside of the heap, and for Node itself. */
const heapShare = 0.5;
const heapMiBMin = 32;

/** The name under which `ps` shows the worker, and by which a supervisor makes sure that a process is the task's. */
export const processTitle = (taskId: string): string => `millrace-worker:${taskId}`;

/**
 * The shell takes the pid file's name, then becomes the worker: a process is written down before it does anything. It
 * refuses (`set -C`) where the file is there already.
 */
const becomeWorker = 'set -C; echo $$ > "$1" || exit 75; shift; exec "$@"';

export interface StartedWorker {
  readonly child: ChildProcess;
  readonly identity: ProcessIdentity;
}

export function startWorker(options: {
  readonly taskId: string;
  readonly program: WorkerProgram;
  readonly memoryMiB: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly pidFile: string;
  readonly log: string;
}): StartedWorker | null {
  const heapMiB = Math.max(heapMiBMin, Math.floor(options.memoryMiB * heapShare));
  const node = [
    process.execPath,
    `--title=${processTitle(options.taskId)}`,
    `--max-old-space-size=${heapMiB}`,
    ...options.program.nodeFlags,
    options.program.entry,
  ];
  const log = openLog(options.log);
  try {
    const child = spawn('/bin/sh', ['-c', becomeWorker, 'sh', options.pidFile, ...node], {
      env: { ...options.environment, NODE_COMPILE_CACHE: compileCacheOf(options.program.entry) },
      detached: true,
      stdio: ['ignore', log, log],
    });
    child.on('error', () => {});
    const identity = child.pid === undefined ? null : identify(child.pid);
    if (identity !== null) return { child, identity };
    child.kill('SIGKILL');
    return null;
  } finally {
    closeSync(log);
  }
}

/** As `nice` does by itself: a tenth of the share that a process has otherwise, where there is too little for all. */
const gentle = 10;

/**
 * Measured with 100 workers on two cores: DynamoDB Local hands each write from thread to thread under one lock, each of which
 * waited behind workers for a core, until heartbeats took longer than their time-out, and workers took each other for dead.
 */
export function giveWay({ pid }: ProcessIdentity): void {
  try {
    setPriority(pid, gentle);
  } catch {
    // It has ended already.
  }
}

/** The living process with this id, if it is that task's. */
export function findWorker(pid: number, taskId: string): ProcessIdentity | null {
  try {
    const command = execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes(taskId) ? identify(pid) : null;
  } catch {
    return null;
  }
}

/** As a shell counts: 128 and the signal's number. */
export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  const numbers: Partial<Record<NodeJS.Signals, number>> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGQUIT: 3,
    SIGILL: 4,
    SIGABRT: 6,
    SIGKILL: 9,
    SIGSEGV: 11,
    SIGTERM: 15,
  };
  return code ?? 128 + (signal === null ? 0 : (numbers[signal] ?? 0));
}
