// Runs workers as processes on this machine: what ECS is on AWS. Its memory is on disk; workers live on without it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '#core/errors.ts';
import type { ObservedTask, RunOutcome, TaskRequest, TaskState } from '#core/ports/task-runner.ts';
import { boundLog } from './log-file.ts';
import { isAlive, signal, signalOne } from './process-identity.ts';
import {
  claimPidFile,
  forgetRecord,
  pidPath,
  readPid,
  readRecords,
  requestHashOf,
  setAsideUnreadable,
  type TaskRecord,
  taskIdOf,
  writeRecord,
} from './task-records.ts';
import { exitCodeOf, findWorker, giveWay, startWorker, type WorkerProgram } from './worker-process.ts';

export interface SupervisorOptions {
  readonly tasksDir: string;
  readonly logsDir: string;
  readonly program: WorkerProgram;
  /** Given to every worker beneath its task's own environment; the supervisor's environment is not. */
  readonly baseEnvironment: Readonly<Record<string, string>>;
  readonly tasksMax: number;
  /** Where more than so many run, those that are started from then on give way to the parts that all workers depend on. */
  readonly tasksAtPar: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
  readonly onChange: (task: ObservedTask) => void;
}

/** As long as ECS keeps a stopped task in sight. */
export const keptAfterStopMs = 60 * 60 * 1000;
const lookEveryMs = 200;
const tidyEveryMs = 10_000;
/** A killed process that hangs in the kernel is not waited for. */
const afterKillMs = 5_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #records = new Map<string, TaskRecord>();
  /** Tasks that we started ourselves, whose exit code we will be told. */
  readonly #own = new Set<string>();
  #draining = false;
  #look: NodeJS.Timeout;
  #tidy: NodeJS.Timeout;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    for (const taskId of setAsideUnreadable(options.tasksDir)) endUnknown(options.tasksDir, taskId);
    for (const record of readRecords(options.tasksDir)) this.#adopt(record);
    this.#look = setInterval(() => this.#lookAtAll(), lookEveryMs);
    this.#tidy = setInterval(() => this.#tidyUp(), tidyEveryMs);
  }

  run(request: TaskRequest): RunOutcome {
    const taskId = taskIdOf(request.clientToken);
    const requestHash = requestHashOf(request);
    const known = this.#records.get(taskId);
    if (known !== undefined) return sameOrRefused(known, requestHash, request.clientToken);
    if (this.#draining) return { kind: 'refused', reason: 'the platform on this machine is going down', retry: true };
    const liveCount = this.#liveCount;
    if (liveCount >= this.#options.tasksMax) {
      const reason = `${liveCount} tasks run on this machine; expected fewer than ${this.#options.tasksMax}`;
      return { kind: 'refused', reason: `${reason}. Stop a job, or raise the platform's limit of tasks.`, retry: true };
    }
    const log = join(this.#options.logsDir, request.job, `${taskId}.log`);
    const { job, tags } = request;
    // Written down before it is done: a supervisor killed in between must find what it may have started.
    this.#put({ task: { taskId, job, tags, state: 'starting', createdAt: Date.now(), log }, requestHash });
    try {
      this.#start(taskId, request, log);
    } catch (error) {
      this.#stopped(taskId, `could not be started: ${messageOf(error)}`, undefined);
    }
    return { kind: 'accepted', task: this.#get(taskId).task };
  }

  stop(taskId: string, reason: string): void {
    const record = this.#records.get(taskId);
    if (record === undefined || record.task.state === 'stopped' || record.task.state === 'stopping') return;
    const task: ObservedTask = { ...record.task, state: 'stopping', stopReason: reason };
    this.#note({ ...record, task, killAt: Date.now() + this.#options.stopTimeoutMs });
    if (record.identity !== undefined) signalOne(record.identity, 'SIGTERM');
  }

  list(job?: string): readonly ObservedTask[] {
    return [...this.#records.values()].map(({ task }) => task).filter((task) => job === undefined || task.job === job);
  }

  /** Takes no more tasks, stops all and waits: at most so long until they are killed. */
  async drain(reason: string, withinMs: number): Promise<void> {
    this.#draining = true;
    const killAt = Date.now() + withinMs;
    for (const { task } of this.#records.values()) {
      this.stop(task.taskId, reason);
      const record = this.#get(task.taskId);
      if (record.task.state === 'stopping')
        this.#note({ ...record, killAt: Math.min(record.killAt ?? killAt, killAt) });
    }
    while (Date.now() < killAt + afterKillMs && this.list().some((task) => task.state !== 'stopped')) {
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs / 4));
    }
  }

  /** Ends the supervisor, not the workers. */
  close(): void {
    clearInterval(this.#look);
    clearInterval(this.#tidy);
    this.#own.clear();
  }

  get #liveCount(): number {
    return [...this.#records.values()].filter(({ task }) => task.state !== 'stopped').length;
  }

  #start(taskId: string, request: TaskRequest, log: string): void {
    const { tasksDir, program, baseEnvironment } = this.#options;
    const started = startWorker({
      taskId,
      program,
      memoryMiB: request.memoryMiB,
      environment: { ...baseEnvironment, ...request.environment },
      pidFile: pidPath(tasksDir, taskId),
      log,
    });
    if (started === null) {
      this.#stopped(taskId, 'the process could not be started', undefined);
      return;
    }
    const { child, identity } = started;
    if (this.#liveCount > this.#options.tasksAtPar) giveWay(identity);
    child.unref();
    const record = this.#get(taskId);
    try {
      this.#put({ ...record, identity, task: { ...record.task, state: 'running', pid: identity.pid } });
    } catch (error) {
      signal(identity, 'SIGKILL');
      throw error;
    }
    this.#own.add(taskId);
    child.once('exit', (code, by) => {
      if (!this.#own.delete(taskId)) return;
      this.#stopped(taskId, by === null ? `exited with code ${code}` : `ended by ${by}`, exitCodeOf(code, by));
    });
  }

  /** A record of an earlier supervisor: its process lives, or it ended unseen, or it may never have begun. */
  #adopt(record: TaskRecord): void {
    const { taskId } = record.task;
    this.#records.set(taskId, record);
    if (record.task.state === 'stopped' || record.identity !== undefined) return;
    const pid = claimPidFile(this.#options.tasksDir, taskId);
    const identity = pid === null ? null : findWorker(pid, taskId);
    if (identity === null) {
      this.#stopped(taskId, 'its supervisor ended while it was being started', undefined);
      return;
    }
    const state = record.task.state === 'starting' ? 'running' : record.task.state;
    this.#note({ ...record, identity, task: { ...record.task, state, pid: identity.pid } });
    if (state === 'stopping') signalOne(identity, 'SIGTERM');
  }

  #lookAtAll(): void {
    const now = Date.now();
    for (const { task, identity, killAt } of this.#records.values()) {
      if (task.state === 'stopped' || identity === undefined) continue;
      if (killAt !== undefined && now >= killAt) signal(identity, 'SIGKILL');
      if (this.#own.has(task.taskId) || isAlive(identity)) continue;
      this.#stopped(task.taskId, 'ended while its supervisor was not its parent', undefined);
    }
  }

  #tidyUp(): void {
    for (const { task } of this.#records.values()) {
      if (task.log !== undefined) boundLog(task.log);
      if (task.state !== 'stopped' || Date.now() - (task.stoppedAt ?? 0) < keptAfterStopMs) continue;
      this.#records.delete(task.taskId);
      forgetRecord(this.#options.tasksDir, task.taskId);
      if (task.log !== undefined) for (const path of [task.log, `${task.log}.1`]) rmSync(path, { force: true });
    }
  }

  #stopped(taskId: string, how: string, exitCode: number | undefined): void {
    const { task, requestHash } = this.#get(taskId);
    const stopReason = task.stopReason === undefined ? how : `${task.stopReason} (${how})`;
    const facts = exitCode === undefined ? {} : { exitCode };
    this.#note({ requestHash, task: { ...task, ...facts, state: 'stopped', stoppedAt: Date.now(), stopReason } });
  }

  #get(taskId: string): TaskRecord {
    const record = this.#records.get(taskId);
    if (record === undefined) throw new Error(`no record of task ${taskId}`);
    return record;
  }

  /** What must be on disk before it is done, or is not done: on disk first, then in memory, then told. */
  #put(record: TaskRecord): void {
    writeRecord(this.#options.tasksDir, record);
    this.#take(record);
  }

  /** What is so whether there is room to write it down or not: a next supervisor sees by the process what became of the task. */
  #note(record: TaskRecord): void {
    try {
      writeRecord(this.#options.tasksDir, record);
    } catch {
      // Memory holds it.
    }
    this.#take(record);
  }

  #take(record: TaskRecord): void {
    const before: TaskState | undefined = this.#records.get(record.task.taskId)?.task.state;
    this.#records.set(record.task.taskId, record);
    if (before !== record.task.state) this.#options.onChange(record.task);
  }
}

/** The worker of a record that cannot be read: nobody could tell any more whose it is, nor stop it. */
function endUnknown(tasksDir: string, taskId: string): void {
  const pid = readPid(tasksDir, taskId);
  const worker = pid === null ? null : findWorker(pid, taskId);
  if (worker !== null) signalOne(worker, 'SIGTERM');
}

function sameOrRefused(known: TaskRecord, requestHash: string, clientToken: string): RunOutcome {
  if (known.requestHash === requestHash) return { kind: 'accepted', task: known.task };
  const reason = `the client token ${clientToken} was used before with another request; expected a new token`;
  return { kind: 'refused', reason, retry: false };
}
