// The runtime in the simulation: tasks as ECS has them, with bad luck, no room, jobs that are cursed, and a listing that shows the past.
import { readJobId } from '#core/names.ts';
import type { ObservedTask, RunOutcome, TaskRequest, TaskRunner } from '#core/ports/task-runner.ts';
import type { Random } from '#test/support/seeded-random.ts';
import { type Programs, TaskModel } from '#test/support/task-model.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface RuntimeHooks extends Programs<TaskRequest> {
  /** A task was asked for that the runtime did not know. */
  asked(task: ObservedTask): void;
}

const stopTimeoutMs = 15_000;

export class ModelRuntime implements TaskRunner {
  /** Off in the calm phase: everything takes a moment and succeeds. */
  chaos = true;
  /** How far back a listing may show the world. */
  listingLagMs = 0;
  /** No capacity for new tasks until then. */
  fullUntil = 0;
  /** Jobs whose tasks are never accepted. */
  readonly cursed = new Set<string>();
  /** Tasks that no listing shows any more, whatever their processes do. */
  readonly unlisted = new Set<string>();
  readonly #tasks: TaskModel<TaskRequest>;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #hooks: RuntimeHooks;

  constructor(time: VirtualTime, random: Random, hooks: RuntimeHooks) {
    this.#time = time;
    this.#random = random;
    this.#hooks = hooks;
    const pace = { launch: () => this.#launch(), noticedAfterMs: () => this.#noticedAfterMs(), stopTimeoutMs };
    this.#tasks = new TaskModel(time, pace, hooks);
  }

  async run(request: TaskRequest): Promise<RunOutcome> {
    const known = this.#tasks.recall(request.clientToken, request);
    if (known)
      return known.isSame
        ? { kind: 'accepted', task: known.task }
        : { kind: 'refused', reason: 'the client token was used with another request', retry: false };
    const job = readJobId(request.job);
    if (job === null) return { kind: 'refused', reason: `no job id: ${request.job}`, retry: false };
    if (this.fullUntil > this.#time.now || this.cursed.has(job.name))
      return { kind: 'refused', reason: 'no capacity', retry: true };
    const taskId = `task-${this.#tasks.size + 1}`;
    const of = { taskId, job: request.job, tags: request.tags, log: `what ${taskId} says` };
    const task = this.#tasks.start(request.clientToken, request, of);
    this.#hooks.asked(task);
    return { kind: 'accepted', task };
  }

  #launch(): { readonly afterMs: number; readonly failure: string | null } {
    const luck = this.chaos ? this.#random.next() : 1;
    const afterMs = luck < 0.05 ? 20_000 + this.#random.below(30_000) : 300 + this.#random.below(2_000);
    return { afterMs, failure: luck > 0.05 && luck < 0.1 ? 'CannotPullContainerError' : null };
  }

  #noticedAfterMs(): number {
    if (!this.chaos) return 100;
    return this.#random.next() < 0.1 ? this.#random.below(25_000) : this.#random.below(1_500);
  }

  async stop(taskId: string, reason: string): Promise<void> {
    this.#tasks.stop(taskId, reason);
  }

  /** The task's process is over; the runtime notices after a while. */
  exited(taskId: string, exitCode: number): void {
    this.#tasks.exited(taskId, exitCode);
  }

  async lastLines(): Promise<readonly string[]> {
    return [];
  }

  async list(job?: string): Promise<readonly ObservedTask[]> {
    const lagMs = this.chaos && this.listingLagMs > 0 ? this.#random.below(this.listingLagMs + 1) : 0;
    return this.#tasks
      .seen(this.#time.now - lagMs)
      .filter((task) => (job === undefined || task.job === job) && !this.unlisted.has(task.taskId));
  }

  /** The truth, of which listings show some past. */
  all(): readonly ObservedTask[] {
    return this.#tasks.all();
  }

  /** Whether a process works behind the task. */
  hasProcess(taskId: string): boolean {
    return this.#tasks.hasProcess(taskId);
  }
}
