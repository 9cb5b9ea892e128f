// How the supervisor runs workers where nothing else is asked for.
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

export const supervisorDefaults = {
  workerEntry: resolve(import.meta.dirname, '../../workers/main.ts'),
  nodeFlags: ['--disable-warning=ExperimentalWarning'],
  tasksMax: 64,
  tasksAtPar: 4 * availableParallelism(),
  /** What ECS waits at most. */
  stopTimeoutMs: 120_000,
} as const;
