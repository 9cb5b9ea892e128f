// A worker's process: reads its goal, runs one worker, ends with a code that says why (core/job/exit-codes.ts).
import './tune-runtime.ts';
import { isPlatformError, messageOf } from '#core/errors.ts';
import { type ExitName, exitCodes } from '#core/job/exit-codes.ts';
import { compose, composeLogger } from './compose.ts';
import { Worker } from './worker.ts';

const log = composeLogger(process.env);

function end(reason: ExitName): never {
  process.exit(exitCodes[reason]);
}

process.on('unhandledRejection', (error) => {
  log.error('an error that nobody handled; the worker ends', { error });
  end('internal');
});
process.on('uncaughtException', (error) => {
  log.error('an error that nobody handled; the worker ends', { error });
  end('internal');
});

async function main(): Promise<ExitName> {
  const loadedMs = Math.round(performance.now());
  const parts = await compose(process.env, log);
  log.info('started', { revision: parts.goal.revision, loadedMs, goalReadMs: Math.round(performance.now()) });
  const worker = new Worker(parts);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void worker.drain());
  return await worker.run();
}

main().then(end, (error: unknown) => {
  if (!isPlatformError(error) || error.fault === 'internal') {
    log.error(`the worker could not go on: ${messageOf(error)}`, { error });
    end('internal');
  }
  log.error(`the worker could not start: ${error.message}`, { code: error.code });
  end(error.code === 'bad-goal' ? 'badGoal' : 'unavailable');
});
