// A runtime in memory that behaves: tasks by token, a listing, stops that take a turn. Tests turn the wheel themselves.
import { readJobId } from '#core/names.ts';
import type { ObservedTask, RunOutcome, TaskRequest, TaskRunner, TaskState } from '#core/ports/task-runner.ts';

export class MemoryTaskRunner implements TaskRunner {
  readonly #tasks = new Map<string, { task: ObservedTask; request: TaskRequest }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  async run(request: TaskRequest): Promise<RunOutcome> {
    if (readJobId(request.job) === null) return { kind: 'refused', reason: `no job id: ${request.job}`, retry: false };
    const known = this.#tasks.get(request.clientToken);
    if (known) return { kind: 'accepted', task: known.task };
    const taskId = `task-${this.#tasks.size + 1}`;
    const task: ObservedTask = {
      taskId,
      job: request.job,
      tags: request.tags,
      state: 'running',
      createdAt: this.#now(),
    };
    this.#tasks.set(request.clientToken, { task, request });
    return { kind: 'accepted', task };
  }

  async stop(taskId: string): Promise<void> {
    const entry = this.#entry(taskId);
    if (entry && entry.task.state !== 'stopped') entry.task = { ...entry.task, state: 'stopping' };
  }

  async lastLines(taskId: string): Promise<readonly string[]> {
    return this.#entry(taskId) === undefined ? [] : [`the last words of ${taskId}`];
  }

  async list(job?: string): Promise<readonly ObservedTask[]> {
    return this.tasks().filter((task) => job === undefined || task.job === job);
  }

  tasks(state?: TaskState): readonly ObservedTask[] {
    const all = [...this.#tasks.values()].map(({ task }) => task);
    return state === undefined ? all : all.filter((task) => task.state === state);
  }

  /** What the reconciler gave the task as environment. */
  environmentOf(taskId: string): Readonly<Record<string, string>> {
    return this.#entry(taskId)!.request.environment;
  }

  end(taskId: string, exitCode: number): void {
    const entry = this.#entry(taskId)!;
    entry.task = {
      ...entry.task,
      state: 'stopped',
      exitCode,
      stoppedAt: this.#now(),
      stopReason: `exit code ${exitCode}`,
    };
  }

  #entry(taskId: string) {
    return [...this.#tasks.values()].find(({ task }) => task.taskId === taskId);
  }
}
