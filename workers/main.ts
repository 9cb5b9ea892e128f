// A worker's process: reads its goal, runs one worker, ends with a code that says why (core/job/exit-codes.ts).
import './tune-runtime.ts';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { isPlatformError, messageOf } from '#core/errors.ts';
import { type ExitName, exitCodes } from '#core/job/exit-codes.ts';
import type { Logger } from '#core/ports/logger.ts';
import { compose, composeLogger } from './compose.ts';
import { Lease } from './lease.ts';
import type { WorkerParts } from './parts.ts';
import { openHere } from './path-host.ts';
import type { OpenPath } from './path-messages.ts';
import { openThreads, servePath, type ThreadStart, threadCount } from './threads.ts';
import { Worker } from './worker.ts';

function end(reason: ExitName): never {
  process.exit(exitCodes[reason]);
}

async function runWorker(log: Logger): Promise<ExitName> {
  const loadedMs = Math.round(performance.now());
  const parts = await compose(process.env, log);
  const { goal, clock } = parts;
  const threads = threadCount(goal);
  log.info('started', { revision: goal.revision, threads, loadedMs, goalReadMs: Math.round(performance.now()) });
  const lease = new Lease(goal.settings.leaseMs, () => clock.monotonicMs());
  const worker = new Worker(parts, lease, openPaths(parts, lease, threads));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void worker.drain());
  return await worker.run();
}

/** With one processor, or less, everything is done in this thread. */
function openPaths(parts: WorkerParts, lease: Lease, threads: number): readonly OpenPath[] {
  if (threads === 1) return [openHere(parts, lease)];
  const { goal, log } = parts;
  const onDeath = (thread: number, error: unknown): never => {
    log.error('a data thread died; the worker ends', { thread, error });
    end('internal');
  };
  return openThreads(threads, { entry: new URL(import.meta.url), goal, lease, onDeath });
}

/** An error here ends the thread, and that the worker. */
async function runThread(log: Logger, { goal, number, lease }: ThreadStart): Promise<void> {
  const parts = await compose(process.env, log.with({ thread: number }), goal);
  const { clock } = parts;
  servePath(parentPort!, parts, new Lease(goal.settings.leaseMs, () => clock.monotonicMs(), lease));
}

function runProcess(log: Logger): void {
  for (const event of ['unhandledRejection', 'uncaughtException'] as const)
    process.on(event, (error: unknown) => {
      log.error('an error that nobody handled; the worker ends', { error });
      end('internal');
    });
  runWorker(log).then(end, (error: unknown) => {
    if (!isPlatformError(error) || error.fault === 'internal') {
      log.error(`the worker could not go on: ${messageOf(error)}`, { error });
      end('internal');
    }
    log.error(`the worker could not start: ${error.message}`, { code: error.code });
    end(error.code === 'bad-goal' ? 'badGoal' : 'unavailable');
  });
}

const log = composeLogger(process.env);
if (isMainThread) runProcess(log);
else await runThread(log, workerData as ThreadStart);
