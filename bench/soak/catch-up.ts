// Waiting until a job has nothing left to do, and whether its account then says what the oracle counted.
import type { JobView } from '#core/api/wire.ts';
import { isBalanced } from '#core/job/accounting.ts';
import type { TestPlatform } from '#test/support/test-platform.ts';
import { until } from '#test/support/until.ts';
import type { Verdict } from './oracle.ts';

export interface CatchingUp {
  readonly platform: TestPlatform;
  readonly job: string;
  readonly withinMs: number;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** So long nothing new may be accounted for: a replacement and a lease are shorter. */
const stillMs = 5_000;

/** The job as it is when nothing waits any more; null when that did not come. */
export async function waitForEnd({ platform, job, withinMs, signal, tell }: CatchingUp): Promise<JobView | null> {
  let last = -1;
  let sameSince = performance.now();
  return await until(
    async () => {
      signal.throwIfAborted();
      const view = await platform.job(job).catch(() => null);
      if (view === null) return null;
      if (view.status.accounting.in !== last) sameSince = performance.now();
      last = view.status.accounting.in;
      const isStill = performance.now() - sameSince > stillMs;
      return isStill && view.status.lag.records === 0 && view.status.phase === 'Running' ? view : null;
    },
    `${job} to catch up`,
    withinMs,
  ).catch((error: unknown) => {
    signal.throwIfAborted();
    tell(`${String(error)}\n${platform.logs()}`);
    return null;
  });
}

/** What came twice was not read twice: each record is in the account once, in every mode. */
export function agrees({ status: { accounting } }: JobView, { records, byFate }: Verdict): boolean {
  return (
    isBalanced(accounting) &&
    accounting.in === records &&
    accounting.out === byFate.passes &&
    accounting.filtered === byFate.filtered &&
    accounting.deadLettered === byFate.broken
  );
}
