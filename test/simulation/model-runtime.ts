// A runtime as ECS is: tasks start late or not at all, end late, linger, capacity runs out, and its listing shows the past.
import { readJobId } from '#core/names.ts';
import type { ObservedTask, RunOutcome, TaskRequest, TaskRunner } from '#core/ports/task-runner.ts';
import type { Random } from '#test/support/seeded-random.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface RuntimeHooks {
  /** The task's process begins. */
  begin(taskId: string, request: TaskRequest): void;
  /** SIGTERM. */
  terminate(taskId: string): void;
  /** SIGKILL. */
  kill(taskId: string): void;
  /** A task was asked for that the runtime did not know. */
  asked(task: ObservedTask): void;
}

interface Entry {
  readonly request: TaskRequest;
  /** What it was, since when: newest last. */
  readonly history: { readonly at: number; readonly task: ObservedTask }[];
  hasProcess: boolean;
}

const stopTimeoutMs = 15_000;
const listedAfterStopMs = 3_600_000;

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
  readonly #entries = new Map<string, Entry>();
  readonly #byTask = new Map<string, Entry>();
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #hooks: RuntimeHooks;

  constructor(time: VirtualTime, random: Random, hooks: RuntimeHooks) {
    this.#time = time;
    this.#random = random;
    this.#hooks = hooks;
  }

  async run(request: TaskRequest): Promise<RunOutcome> {
    const known = this.#entries.get(request.clientToken);
    if (known) return { kind: 'accepted', task: now(known) };
    const job = readJobId(request.job);
    if (job === null) return { kind: 'refused', reason: `no job id: ${request.job}`, retry: false };
    if (this.fullUntil > this.#time.now || this.cursed.has(job.name))
      return { kind: 'refused', reason: 'no capacity', retry: true };
    const taskId = `task-${this.#entries.size + 1}`;
    const task: ObservedTask = {
      ...{ taskId, job: request.job, tags: request.tags, state: 'starting', createdAt: this.#time.now },
    };
    const entry: Entry = { request, history: [{ at: this.#time.now, task }], hasProcess: false };
    this.#entries.set(request.clientToken, entry);
    this.#byTask.set(taskId, entry);
    this.#hooks.asked(task);
    this.#begin(entry);
    return { kind: 'accepted', task };
  }

  #begin(entry: Entry): void {
    const luck = this.chaos ? this.#random.next() : 1;
    const startMs = luck < 0.05 ? 20_000 + this.#random.below(30_000) : 300 + this.#random.below(2_000);
    this.#time.after(startMs, () => {
      const { state, taskId } = now(entry);
      if (state !== 'starting') return;
      if (luck > 0.05 && luck < 0.1)
        return this.#set(entry, ended('CannotPullContainerError', undefined, this.#time.now));
      entry.hasProcess = true;
      this.#set(entry, { state: 'running' });
      this.#hooks.begin(taskId, entry.request);
    });
  }

  async stop(taskId: string): Promise<void> {
    const entry = this.#byTask.get(taskId);
    if (!entry) return;
    const { state } = now(entry);
    if (state === 'stopped' || state === 'stopping') return;
    if (!entry.hasProcess) {
      this.#set(
        entry,
        state === 'starting' ? ended('stopped before it ran', undefined, this.#time.now) : { state: 'stopping' },
      );
      return;
    }
    this.#set(entry, { state: 'stopping' });
    this.#hooks.terminate(taskId);
    this.#time.after(stopTimeoutMs, () => {
      if (!entry.hasProcess) return;
      this.#hooks.kill(taskId);
      this.exited(taskId, 137);
    });
  }

  /** The task's process is over; the runtime notices after a while. */
  exited(taskId: string, exitCode: number): void {
    const entry = this.#byTask.get(taskId)!;
    if (!entry.hasProcess) return;
    entry.hasProcess = false;
    const noticedMs = !this.chaos
      ? 100
      : this.#random.next() < 0.1
        ? this.#random.below(25_000)
        : this.#random.below(1_500);
    this.#time.after(noticedMs, () => this.#set(entry, ended(`exit code ${exitCode}`, exitCode, this.#time.now)));
  }

  async lastLines(): Promise<readonly string[]> {
    return [];
  }

  async list(job?: string): Promise<readonly ObservedTask[]> {
    const lagMs = this.chaos && this.listingLagMs > 0 ? this.#random.below(this.listingLagMs + 1) : 0;
    const asOf = this.#time.now - lagMs;
    const tasks: ObservedTask[] = [];
    for (const { history } of this.#entries.values()) {
      const seen = history.findLast(({ at }) => at <= asOf)?.task;
      if (seen === undefined || (job !== undefined && seen.job !== job) || this.unlisted.has(seen.taskId)) continue;
      if (seen.state !== 'stopped' || this.#time.now - seen.stoppedAt! <= listedAfterStopMs) tasks.push(seen);
    }
    return tasks;
  }

  /** The truth, of which listings show some past. */
  all(): readonly ObservedTask[] {
    return [...this.#entries.values()].map(now);
  }

  /** Whether a process works behind the task. */
  hasProcess(taskId: string): boolean {
    return this.#byTask.get(taskId)?.hasProcess ?? false;
  }

  #set(entry: Entry, change: Partial<ObservedTask>): void {
    entry.history.push({ at: this.#time.now, task: { ...now(entry), ...change } });
  }
}

const now = (entry: Entry): ObservedTask => entry.history.at(-1)!.task;

const ended = (stopReason: string, exitCode: number | undefined, stoppedAt: number): Partial<ObservedTask> => ({
  ...{ state: 'stopped' as const, stopReason, stoppedAt },
  ...(exitCode === undefined ? {} : { exitCode }),
});
