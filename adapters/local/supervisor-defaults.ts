// How the supervisor runs workers where nothing else is asked for.
import { resolve } from 'node:path';

export const supervisorDefaults = {
  workerEntry: resolve(import.meta.dirname, '../../workers/main.ts'),
  nodeFlags: ['--disable-warning=ExperimentalWarning'],
  tasksMax: 64,
  /** What ECS waits at most. */
  stopTimeoutMs: 120_000,
} as const;
