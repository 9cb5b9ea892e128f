// The tasks of a runtime as ECS is, by whatever clock: asked for by token, they begin late or not at all, end late, and readers see their past.
//
// The simulation looks at it as the TaskRunner port, in virtual time; the ECS counterpart as the actions of ECS's API, by the
// wall's clock. What the port guarantees is therefore the same in both, and held to ECS's documentation in one place.
import type { ObservedTask } from '#core/ports/task-runner.ts';

/** Virtual in the simulation, the wall's over HTTP. */
export interface Timeline {
  readonly now: number;
  after(delayMs: number, run: () => void): void;
}

/** Why a task stopped (`stopCode` in ECS's API Reference, "Task"). */
export type StopCode = 'EssentialContainerExited' | 'TaskFailedToStart' | 'UserInitiated' | 'SpotInterruption';

export interface ModelTask extends ObservedTask {
  /** Since when its process runs; absent: it never did. */
  readonly startedAt?: number;
  readonly stopCode?: StopCode;
}

/** What works behind the tasks. */
export interface Programs<Asked> {
  /** The task's process begins. */
  begin(taskId: string, asked: Asked): void;
  /** SIGTERM. */
  terminate(taskId: string): void;
  /** SIGKILL. */
  kill(taskId: string): void;
}

export interface Pace {
  /** From the request to the process; or, with `failure`, to the end of a task that cannot begin. */
  launch(): { readonly afterMs: number; readonly failure: string | null };
  /** From the end of a process to the task being known as stopped. */
  noticedAfterMs(): number;
  /** From SIGTERM to SIGKILL: the task definition's `stopTimeout`. */
  readonly stopTimeoutMs: number;
}

interface Entry<Asked> {
  readonly asked: Asked;
  /** What it was, since when: newest last. */
  readonly history: { readonly at: number; readonly task: ModelTask }[];
  hasProcess: boolean;
}

/**
 * "Stopped tasks appear in the returned results for at least one hour" (DescribeTasks), and as long a token is remembered: for
 * the task's life and an hour ("Ensuring idempotency"). We take the least that is promised.
 */
const knownAfterStopMs = 3_600_000;

export class TaskModel<Asked> {
  readonly #entries = new Map<string, Entry<Asked>>();
  readonly #byToken = new Map<string, string>();
  readonly #time: Timeline;
  readonly #pace: Pace;
  readonly #programs: Programs<Asked>;

  constructor(time: Timeline, pace: Pace, programs: Programs<Asked>) {
    this.#time = time;
    this.#pace = pace;
    this.#programs = programs;
  }

  /** All tasks that there ever were. */
  get size(): number {
    return this.#entries.size;
  }

  /** What became of an earlier request with the token; `isSame`: it asked for the same ("Ensuring idempotency"). */
  recall(token: string, asked: Asked): { readonly task: ModelTask; readonly isSame: boolean } | null {
    const taskId = this.#byToken.get(token);
    const entry = taskId === undefined ? undefined : this.#entries.get(taskId);
    if (entry === undefined || this.#isForgotten(now(entry))) return null;
    return { task: now(entry), isSame: JSON.stringify(entry.asked) === JSON.stringify(asked) };
  }

  start(token: string, asked: Asked, of: Pick<ModelTask, 'taskId' | 'job' | 'tags' | 'log'>): ModelTask {
    const task: ModelTask = { ...of, state: 'starting', createdAt: this.#time.now };
    const entry: Entry<Asked> = { asked, history: [{ at: this.#time.now, task }], hasProcess: false };
    this.#entries.set(of.taskId, entry);
    if (token !== '') this.#byToken.set(token, of.taskId);
    const { afterMs, failure } = this.#pace.launch();
    this.#time.after(afterMs, () => this.#begin(entry, failure));
    return task;
  }

  #begin(entry: Entry<Asked>, failure: string | null): void {
    const { state, taskId } = now(entry);
    if (state !== 'starting') return;
    if (failure !== null) {
      this.#set(entry, { ...this.#stopped(), stopCode: 'TaskFailedToStart', stopReason: failure });
      return;
    }
    entry.hasProcess = true;
    this.#set(entry, { state: 'running', startedAt: this.#time.now });
    this.#programs.begin(taskId, entry.asked);
  }

  /** SIGTERM, and SIGKILL after the stop timeout. A task that has not begun never does; one that is not there is no error. */
  stop(taskId: string, stopReason: string, stopCode: StopCode = 'UserInitiated'): void {
    const entry = this.#entries.get(taskId);
    if (!entry) return;
    const { state } = now(entry);
    const why = { stopReason, stopCode };
    if (state === 'starting') this.#set(entry, { ...this.#stopped(), ...why });
    if (state !== 'running') return;
    this.#set(entry, { state: 'stopping', ...why });
    if (entry.hasProcess) this.#terminate(entry, taskId);
  }

  #terminate(entry: Entry<Asked>, taskId: string): void {
    this.#programs.terminate(taskId);
    this.#time.after(this.#pace.stopTimeoutMs, () => {
      if (!entry.hasProcess) return;
      this.#programs.kill(taskId);
      this.exited(taskId, 137);
    });
  }

  /** The task's process is over; the runtime notices after a while. */
  exited(taskId: string, exitCode: number): void {
    const entry = this.#entries.get(taskId);
    if (!entry?.hasProcess) return;
    entry.hasProcess = false;
    this.#time.after(this.#pace.noticedAfterMs(), () => {
      const { stopCode = 'EssentialContainerExited', stopReason = 'Essential container in task exited' } = now(entry);
      this.#set(entry, { ...this.#stopped(), exitCode, stopCode, stopReason });
    });
  }

  /** The tasks as they were then, without those that stopped long ago. */
  seen(asOf: number): readonly ModelTask[] {
    const tasks: ModelTask[] = [];
    for (const entry of this.#entries.values()) {
      const task = seenOf(entry, asOf);
      if (task !== undefined && !this.#isForgotten(task)) tasks.push(task);
    }
    return tasks;
  }

  /** The task as it was then; undefined where there was none, or none any more. */
  seenOne(taskId: string, asOf: number): ModelTask | undefined {
    const entry = this.#entries.get(taskId);
    const task = entry && seenOf(entry, asOf);
    return task && !this.#isForgotten(task) ? task : undefined;
  }

  /** The truth, of which readers see some past. */
  all(): readonly ModelTask[] {
    return [...this.#entries.values()].map(now);
  }

  find(taskId: string): ModelTask | undefined {
    const entry = this.#entries.get(taskId);
    return entry && now(entry);
  }

  askedFor(taskId: string): Asked | undefined {
    return this.#entries.get(taskId)?.asked;
  }

  /** Whether a process works behind the task. */
  hasProcess(taskId: string): boolean {
    return this.#entries.get(taskId)?.hasProcess ?? false;
  }

  #isForgotten({ stoppedAt }: ModelTask): boolean {
    return stoppedAt !== undefined && this.#time.now - stoppedAt > knownAfterStopMs;
  }

  #stopped(): Pick<ModelTask, 'state' | 'stoppedAt'> {
    return { state: 'stopped', stoppedAt: this.#time.now };
  }

  #set(entry: Entry<Asked>, change: Partial<ModelTask>): void {
    entry.history.push({ at: this.#time.now, task: { ...now(entry), ...change } });
  }
}

const now = (entry: Entry<unknown>): ModelTask => entry.history.at(-1)!.task;

const seenOf = (entry: Entry<unknown>, asOf: number): ModelTask | undefined =>
  entry.history.findLast(({ at }) => at <= asOf)?.task;
