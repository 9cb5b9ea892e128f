// The TaskRunner port over the local supervisor. `cpu` is not enforced here; of the memory, the heap's share is.
import { PlatformError, unavailable } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { ObservedTask, RunOutcome, TaskRequest, TaskRunner } from '#core/ports/task-runner.ts';
import { lastLines } from './log-file.ts';

const answersWithinMs = 10_000;

/** `url` is that of the supervisor, password included: `http://millrace:…@127.0.0.1:port`. */
export function localTaskRunner(url: string): TaskRunner {
  const call = supervisorCall(url);
  const list: TaskRunner['list'] = (job) =>
    call<readonly ObservedTask[]>('GET', job === undefined ? '/tasks' : `/tasks?job=${encodeURIComponent(job)}`);
  return {
    list,
    // The supervisor's tasks log into files of this machine.
    lastLines: async (taskId) => {
      const task = (await list()).find((one) => one.taskId === taskId);
      const lines = task?.log === undefined ? [] : lastLines(task.log, limits.lastLogLines);
      return lines.map((line) => line.slice(0, limits.lastLogLineChars));
    },
    run: (request: TaskRequest) => call<RunOutcome>('POST', '/tasks', request),
    stop: async (taskId, reason) => {
      await call('POST', `/tasks/${encodeURIComponent(taskId)}/stop`, { reason });
    },
  };
}

/** Stops all tasks of this machine before the platform goes down. */
export async function drainSupervisor(url: string, reason: string, withinMs: number): Promise<void> {
  await supervisorCall(url, withinMs + answersWithinMs)('POST', '/drain', { reason, withinMs });
}

type Call = <Body>(method: string, path: string, body?: unknown) => Promise<Body>;

function supervisorCall(url: string, timeoutMs = answersWithinMs): Call {
  const { origin, username, password } = new URL(url);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return async <Body>(method: string, path: string, body?: unknown): Promise<Body> => {
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((error: unknown) => {
      throw unavailable('supervisor', error);
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as Body;
    throw new PlatformError(
      'supervisor-refused',
      `the supervisor answered ${response.status} to ${method} ${path}: ${text}`,
      {
        fault: 'internal',
        retry: response.status >= 500 ? 'retry' : 'no-retry',
      },
    );
  };
}
