// The port to what runs workers: ECS on AWS, supervised processes on a laptop.

/** A request for one worker task. */
export interface TaskRequest {
  /** At most 64 ASCII characters. The same token with the same request gives the same task, never a second one. */
  readonly clientToken: string;
  /** The job that owns the task; becomes `startedBy`. */
  readonly job: string;
  /** vCPU (fractions allowed) and memory that the task is held to. */
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly environment: Readonly<Record<string, string>>;
  /** What the reconciler needs to know the task again: incarnation, slot, revision. */
  readonly tags: Readonly<Record<string, string>>;
}

export type TaskState = 'starting' | 'running' | 'stopping' | 'stopped';

export interface ObservedTask {
  /** The task's ARN on ECS; an opaque id locally. */
  readonly taskId: string;
  readonly job: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly state: TaskState;
  readonly createdAt: number;
  readonly stoppedAt?: number;
  /** Why it stopped, and its exit code where the process gave one (137 = killed). */
  readonly stopReason?: string;
  readonly exitCode?: number;
  /** Where a person finds its log: a file path locally, a log stream on AWS. */
  readonly log?: string;
  /** The operating system's process id, on the local runtime only. */
  readonly pid?: number;
}

export type RunOutcome =
  | { readonly kind: 'accepted'; readonly task: ObservedTask }
  /** Nothing was started. `retry` says whether the same request may succeed later (capacity, throttling). */
  | { readonly kind: 'refused'; readonly reason: string; readonly retry: boolean };

/**
 * Guarantees the reconciler relies on:
 * - `run` is idempotent by `clientToken` while the task is known to the runtime (at least an hour after it stopped).
 * - `list` may lag behind `run` and `stop` (eventual consistency): a task missing from it is *unknown*, not gone.
 * - `stop` asks the task to end (SIGTERM, then SIGKILL after the stop timeout); stopping a stopped or unknown task is no error.
 */
export interface TaskRunner {
  run(request: TaskRequest): Promise<RunOutcome>;
  stop(taskId: string, reason: string): Promise<void>;
  /** The last lines that it has logged, at most `limits.lastLogLines`; empty where the runtime cannot show them. */
  lastLines(taskId: string): Promise<readonly string[]>;
  /** All tasks of this platform that are not stopped, and those stopped within the last hour; of one job where named. */
  list(job?: string): Promise<readonly ObservedTask[]>;
}
