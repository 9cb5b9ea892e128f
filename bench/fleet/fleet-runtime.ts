// A runtime of thousands of tasks with ECS's own limits: token buckets by class of calls, tasks that take a while to start, pages of a hundred.
import { PlatformError, throttledCode } from '#core/errors.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { environment } from '#core/names.ts';
import type { ObservedTask, RunOutcome, TaskRequest, TaskRunner } from '#core/ports/task-runner.ts';
import { ecsRates } from '#functions/reconcile/call-rates.ts';
import type { PacedCall } from '#functions/reconcile/pacer.ts';
import type { VirtualTime } from '#test/simulation/virtual-time.ts';

/** For what is not about rates. */
export const unlimited: typeof ecsRates = {
  'run-task': { perSecond: 1e9, burst: 1e9 },
  'stop-task': { perSecond: 1e9, burst: 1e9 },
};

const startMs = 15_000;
const stopMs = 5_000;

interface Entry {
  readonly request: TaskRequest;
  task: ObservedTask;
}

export class FleetRuntime implements TaskRunner {
  throttled = 0;
  reads = 0;
  /** Nothing answers while it is true. */
  isDown = false;
  rates = ecsRates;
  readonly #time: VirtualTime;
  readonly #byToken = new Map<string, Entry>();
  readonly #byTask = new Map<string, Entry>();
  readonly #buckets = new Map<PacedCall, { tokens: number; atMs: number }>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  async run(request: TaskRequest): Promise<RunOutcome> {
    this.#enter('run-task');
    const known = this.#byToken.get(request.clientToken);
    if (known) return { kind: 'accepted', task: known.task };
    const taskId = `task-${this.#byTask.size + 1}`;
    const task: ObservedTask = {
      ...{ taskId, job: request.job, tags: request.tags, state: 'starting', createdAt: this.#time.now },
    };
    const entry: Entry = { request, task };
    this.#byToken.set(request.clientToken, entry);
    this.#byTask.set(taskId, entry);
    this.#time.after(startMs, () => {
      if (entry.task.state === 'starting') entry.task = { ...entry.task, state: 'running' };
    });
    return { kind: 'accepted', task };
  }

  async lastLines(): Promise<readonly string[]> {
    return [];
  }

  async stop(taskId: string): Promise<void> {
    this.#enter('stop-task');
    const entry = this.#byTask.get(taskId);
    if (!entry || entry.task.state === 'stopped') return;
    entry.task = { ...entry.task, state: 'stopping' };
    this.#time.after(stopMs, () => this.#end(entry, 0));
  }

  async list(): Promise<readonly ObservedTask[]> {
    if (this.isDown) throw new PlatformError('tasks-unavailable', 'down', { fault: 'external', retry: 'retry' });
    const tasks = [...this.#byTask.values()].map(({ task }) => task);
    const listed = tasks.filter(({ stoppedAt }) => stoppedAt === undefined || this.#time.now - stoppedAt < 3_600_000);
    // ListTasks, then DescribeTasks: a hundred at a time each.
    this.reads += 2 * Math.ceil(listed.length / 100);
    return listed;
  }

  running(): readonly ObservedTask[] {
    return [...this.#byTask.values()].flatMap(({ task }) => (task.state === 'running' ? [task] : []));
  }

  kill(taskId: string): void {
    this.#end(this.#byTask.get(taskId)!, 137);
  }

  /** What the tasks' workers would say of themselves now. */
  heartbeats(aHeartbeat: (task: ObservedTask, worker: string) => Heartbeat): readonly Heartbeat[] {
    return [...this.#byTask.values()].flatMap(({ task, request }) =>
      task.state === 'running' ? [aHeartbeat(task, request.environment[environment.worker]!)] : [],
    );
  }

  #end(entry: Entry, exitCode: number): void {
    entry.task = {
      ...entry.task,
      state: 'stopped',
      exitCode,
      stoppedAt: this.#time.now,
      stopReason: `exit ${exitCode}`,
    };
  }

  #enter(call: PacedCall): void {
    if (this.isDown) throw new PlatformError('tasks-unavailable', 'down', { fault: 'external', retry: 'retry' });
    const { perSecond, burst } = this.rates[call];
    const bucket = this.#buckets.get(call) ?? { tokens: burst, atMs: this.#time.now };
    this.#buckets.set(call, bucket);
    bucket.tokens = Math.min(burst, bucket.tokens + ((this.#time.now - bucket.atMs) / 1_000) * perSecond);
    bucket.atMs = this.#time.now;
    if (bucket.tokens < 1) {
      this.throttled++;
      throw new PlatformError(throttledCode, 'Rate exceeded', { fault: 'external', retry: 'retry' });
    }
    bucket.tokens -= 1;
  }
}
