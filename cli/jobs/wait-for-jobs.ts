// Waits until jobs do what they were asked to, and says what they still lack where time runs out.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, ApiError } from '#cli/api-client.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { jobPath } from '#cli/jobs/find-job.ts';
import { showDuration } from '#cli/print/quantity.ts';
import { note } from '#cli/terminal.ts';
import type { FreezeView, JobView, PageView, StreamView } from '#core/api/wire.ts';
import { covers, describeFreeze, unfreezeCommand } from '#core/plan/freeze.ts';

const pollMs = 250;
/** A freeze is asked about less often than what changes by itself. */
const pollsPerFreezeAsked = 20;

export interface Awaited {
  readonly title: string;
  /** What it still lacks, in words; null when it is so. */
  readonly lacks: () => Promise<string | null>;
  /** The freeze that keeps it from coming; null where none does. */
  readonly heldBy?: () => Promise<FreezeView | null>;
}

/** Events flow: the revision runs on all its workers and positions move, or there is nothing left to move. */
export const jobFlows = (api: ApiClient, name: string, revision: number): Awaited => ({
  title: `job ${name}`,
  lacks: async () => {
    const job = await getOrNull<JobView>(api, jobPath(name));
    if (job === null) return 'not there yet';
    const { status } = job;
    if (status.observedRevision < revision) return `revision ${revision} is not yet seen by the reconciler`;
    if (job.paused) return status.phase === 'Paused' ? null : `${status.phase}: ${status.message}`;
    const progress = status.conditions.find((condition) => condition.type === 'Progressing');
    if (status.phase !== 'Running') return `${status.phase}: ${status.message}`;
    if (status.runningRevision !== status.observedRevision) return `revision ${status.runningRevision} still runs`;
    return progress?.status === 'true' ? null : (progress?.message ?? 'no progress reported yet');
  },
  heldBy: async () => {
    const freezes = await getOrNull<PageView<FreezeView>>(api, '/v1/freezes');
    if (freezes === null || freezes.items.length === 0) return null;
    const job = await getOrNull<JobView>(api, jobPath(name));
    return job !== null && isHeld(job) ? (freezes.items.find((freeze) => covers(freeze, job)) ?? null) : null;
  },
});

const isHeld = ({ status: { conditions, runningRevision, observedRevision } }: JobView): boolean =>
  conditions.some(({ type, reason }) => type === 'InSync' && reason === 'Frozen') ||
  (runningRevision !== null && runningRevision < observedRevision);

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

/** Prints each change of what is lacking to stderr; throws with exit code 4 when time runs out, with 5 when only a freeze is waited for. */
export async function waitForAll(awaited: readonly Awaited[], timeoutMs: number): Promise<void> {
  const startedAt = performance.now();
  const told = new Map<string, string>();
  let waiting = awaited;
  for (let poll = 0; ; poll++) {
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
    if (poll % pollsPerFreezeAsked === 0) await refuseWhereFrozen(waiting);
    if (elapsedMs >= timeoutMs) throw timedOut(waiting, told, timeoutMs);
    await sleep(Math.min(pollMs, Math.max(10, timeoutMs - elapsedMs)));
  }
}

/** Nothing comes of it by itself: whoever waits is told at once. */
async function refuseWhereFrozen(waiting: readonly Awaited[]): Promise<void> {
  const held = await Promise.all(waiting.map(async ({ heldBy }) => (await heldBy?.()) ?? null));
  const freezes = held.filter((freeze) => freeze !== null);
  if (freezes.length < waiting.length) return;
  throw new CommandError(exitCodes.conflict, 'it is declared, and waits for a freeze to be lifted', {
    details: freezes.map((freeze, index) => `  ${waiting[index]!.title}: ${describeFreeze(freeze)}`),
    fix: [...new Set(freezes.map(unfreezeCommand))].join('\n'),
  });
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
