// Data paths in threads of their own: how many a worker has, what each may use, and what it means when one dies.
import { getHeapStatistics } from 'node:v8';
import { type MessagePort, Worker as Thread } from 'node:worker_threads';
import type { JobGoal } from '#core/job/job-goal.ts';
import type { Lease } from './lease.ts';
import type { WorkerParts } from './parts.ts';
import { hostPath } from './path-host.ts';
import type { OpenPath, ToPath } from './path-messages.ts';

/** What a worker of one thread needs; a thread has the same bounds on what it holds. */
const threadMemoryMiBMin = 256;
/** Of the heap, for the worker's main part. */
const mainHeapMiB = 32;
const threadHeapMiBMin = 48;
const bytesPerMiB = 1024 * 1024;
/** As the worker's main part does with its own. */
const metadataMs = 5_000;

/** As many as whole processors, and as memory is there for; a replay's rate is kept by one path. */
export function threadCount({ resources: { cpu, memoryMiB }, replay }: Pick<JobGoal, 'resources' | 'replay'>): number {
  if (replay !== undefined) return 1;
  return Math.max(1, Math.min(Math.floor(cpu), Math.floor(memoryMiB / threadMemoryMiBMin)));
}

/** What a thread is begun with; all else comes as messages. */
export interface ThreadStart {
  /** With the thread's share of the worker's memory. */
  readonly goal: JobGoal;
  readonly number: number;
  readonly lease: SharedArrayBuffer;
}

export interface ThreadsOptions {
  /** What a thread runs: it reads its start from `workerData` and calls `servePath`. */
  readonly entry: URL;
  readonly goal: JobGoal;
  readonly lease: Lease;
  /** No thread is begun anew within a worker: the process has to end, and its splits are taken as after any death. */
  readonly onDeath: (number: number, reason: unknown) => void;
}

export function openThreads(count: number, { entry, goal, lease, onDeath }: ThreadsOptions): readonly OpenPath[] {
  const resources = { ...goal.resources, memoryMiB: Math.floor(goal.resources.memoryMiB / count) };
  const heapMiB = Math.floor((getHeapStatistics().heap_size_limit / bytesPerMiB - mainHeapMiB) / count);
  const resourceLimits = { maxOldGenerationSizeMb: Math.max(threadHeapMiBMin, heapMiB) };
  return Array.from(
    { length: count },
    (_, number): OpenPath =>
      (hear) => {
        const start: ThreadStart = { goal: { ...goal, resources }, number, lease: lease.memory };
        const thread = new Thread(entry, { workerData: start, resourceLimits });
        thread.on('message', hear);
        thread.on('error', (error) => onDeath(number, error));
        thread.on('exit', (code) => onDeath(number, new Error(`it ended with code ${code}`)));
        return { post: (message) => thread.postMessage(message) };
      },
  );
}

/** In the thread: does what the worker's main part says, until the process ends. */
export function servePath(port: MessagePort, worker: WorkerParts, lease: Lease): void {
  const host = hostPath(worker, lease, (message) => port.postMessage(message));
  setInterval(() => void worker.cluster.refresh().catch(() => {}), metadataMs);
  port.on('message', (message: ToPath) => host.receive(message));
}
