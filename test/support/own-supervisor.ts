// A supervisor of a test's own, as a process that the test may kill and start again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { lastBundleHere } from '#adapters/local/bundle-note.ts';
import { RunningPart } from '#adapters/local/part.ts';
import { programPart } from '#adapters/local/parts/program.ts';
import { placesIn } from '#adapters/local/platform-file.ts';
import { freePorts } from '#adapters/local/ports.ts';
import { endTasks } from '#adapters/local/stale-tasks.ts';
import { localTaskRunner } from '#adapters/local/task-runner.ts';
import { environment } from '#core/names.ts';
import type { TaskRunner } from '#core/ports/task-runner.ts';

export interface OwnSupervisor {
  readonly url: string;
  readonly runner: TaskRunner;
  readonly data: string;
  start(): Promise<void>;
  /** kill -9 of the supervisor alone; its workers go on. */
  kill(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Runs `test/support/task-program.mjs` as the worker. `more` is added to the supervisor's environment. */
export async function ownSupervisor(more: Readonly<Record<string, string>> = {}): Promise<OwnSupervisor> {
  const [port = 0] = await freePorts(1);
  const data = mkdtempSync(join(tmpdir(), 'millrace-supervisor-'));
  const places = placesIn(data);
  const url = `http://millrace:password@127.0.0.1:${port}`;
  const part = programPart({
    name: 'supervisor',
    entry:
      lastBundleHere('adapters/local/supervisor-main.ts') ??
      resolve(import.meta.dirname, '../../adapters/local/supervisor-main.ts'),
    port,
    healthPath: '/health',
    heapMiB: 64,
    env: {
      [environment.dataDir]: data,
      [environment.supervisorUrl]: url,
      [environment.workerEntry]: resolve(import.meta.dirname, 'task-program.mjs'),
      ...more,
    },
  });
  const running = new RunningPart(part, places, { restart: false });
  await running.start();
  return {
    url,
    data,
    runner: localTaskRunner(url),
    start: () => running.start(),
    kill: () => running.kill(),
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      await endTasks(places.tasks);
      rmSync(data, { recursive: true, force: true });
    },
  };
}
