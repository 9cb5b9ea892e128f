// Waits until jobs do what they were asked to, and says what they still lack where time runs out.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, ApiError } from '#cli/api-client.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { showDuration } from '#cli/print/quantity.ts';
import { note } from '#cli/terminal.ts';
import type { JobView, StreamView } from '#core/api/wire.ts';

const pollMs = 250;

/** What is waited for: null when it is so, else what it still lacks, in words. */
export type Awaited = { readonly title: string; readonly lacks: () => Promise<string | null> };

/** Events flow: the revision runs on all its workers and positions move, or there is nothing left to move. */
export const jobFlows = (api: ApiClient, name: string, revision: number): Awaited => ({
  title: `job ${name}`,
  lacks: async () => {
    const job = await getOrNull<JobView>(api, `/v1/jobs/${encodeURIComponent(name)}`);
    if (job === null) return 'not there yet';
    const { status } = job;
    if (status.observedRevision < revision) return `revision ${revision} is not yet seen by the reconciler`;
    if (job.paused) return status.phase === 'Paused' ? null : `${status.phase}: ${status.message}`;
    const progress = status.conditions.find((condition) => condition.type === 'Progressing');
    if (status.phase !== 'Running') return `${status.phase}: ${status.message}`;
    if (status.runningRevision !== status.observedRevision) return `revision ${status.runningRevision} still runs`;
    return progress?.status === 'true' ? null : (progress?.message ?? 'no progress reported yet');
  },
});

export const streamReady = (api: ApiClient, name: string): Awaited => ({
  title: `stream ${name}`,
  lacks: async () => {
    const stream = await getOrNull<StreamView>(api, `/v1/streams/${encodeURIComponent(name)}`);
    if (stream === null) return 'not there yet';
    return stream.status.phase === 'Ready' ? null : `${stream.status.phase}: ${stream.status.message}`;
  },
});

/** Something just declared may not be listed yet. */
async function getOrNull<View>(api: ApiClient, path: string): Promise<View | null> {
  try {
    return await api.get<View>(path);
  } catch (error) {
    if (error instanceof ApiError && error.problem.status === 404) return null;
    throw error;
  }
}

/** Prints each change of what is lacking to stderr; throws with exit code 4 when time runs out. */
export async function waitForAll(awaited: readonly Awaited[], timeoutMs: number): Promise<void> {
  const startedAt = performance.now();
  const told = new Map<string, string>();
  let waiting = awaited;
  while (true) {
    const lacking = await Promise.all(waiting.map(async (one) => ({ one, lacks: await one.lacks() })));
    for (const { one, lacks } of lacking) {
      const text = lacks ?? 'ready';
      if (gist(told.get(one.title)) !== gist(text)) note(`  ${one.title}: ${text}`);
      told.set(one.title, text);
    }
    waiting = lacking.filter(({ lacks }) => lacks !== null).map(({ one }) => one);
    const elapsedMs = performance.now() - startedAt;
    if (waiting.length === 0) {
      note(`ready after ${showDuration(elapsedMs)}`);
      return;
    }
    if (elapsedMs >= timeoutMs) throw timedOut(waiting, told, timeoutMs);
    await sleep(Math.min(pollMs, Math.max(10, timeoutMs - elapsedMs)));
  }
}

/** A number that counts up is no news. */
const gist = (text: string | undefined): string | undefined => text?.replace(/\d+(\.\d+)?/g, '#');

function timedOut(waiting: readonly Awaited[], told: ReadonlyMap<string, string>, timeoutMs: number): CommandError {
  const job = waiting.find((one) => one.title.startsWith('job '))?.title.slice('job '.length);
  return new CommandError(exitCodes.timeout, `not ready within ${showDuration(timeoutMs)}`, {
    details: waiting.map((one) => `  ${one.title}: ${told.get(one.title) ?? 'unknown'}`),
    fix: job
      ? `millrace why ${job}     what the platform did and why\nmillrace logs ${job}    what its workers say`
      : 'millrace status',
  });
}
