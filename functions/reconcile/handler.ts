// The Lambda behind the state machine's `Pass`: one pass in, whether and when to look again out.
import type { Logger } from '#core/ports/logger.ts';
import type { PassReport } from '#functions/reconcile/run-pass.ts';

/** What goes round the state machine. The execution's own input may be anything: only the count is read. */
export type PassTurn = {
  readonly goOn: boolean;
  readonly turn: number;
  /** When the execution's first pass began (epoch ms). */
  readonly startedAt: number;
  /** At least 1: what the state machine's Wait understands. */
  readonly waitSeconds: number;
};

/** After so many turns an execution ends and the sweep goes on: a standard execution's history is bounded. */
export const turnsMax = 200;

/** `executionMs`: an execution that has gone round for so long ends as well. Where sweeps start more of them, they must not pile up. */
export function createReconcileHandler(
  runPass: () => Promise<PassReport>,
  now: () => number,
  logger: Logger,
  executionMs = Number.POSITIVE_INFINITY,
) {
  return async (input: unknown): Promise<PassTurn> => {
    const turn = numberIn(input, 'turn') + 1;
    const startedAt = numberIn(input, 'startedAt') || now();
    const report = await runPass();
    if (report.decisions > 0 || report.failures.length > 0) logger.info('pass', { turn, ...report });
    const waitMs = Math.max(0, (report.nextPassAt ?? 0) - now());
    const waitSeconds = Math.min(60, Math.max(1, Math.ceil(waitMs / 1000)));
    const hasTime = now() + waitSeconds * 1_000 < startedAt + executionMs;
    return { goOn: !report.settled && turn < turnsMax && hasTime, turn, startedAt, waitSeconds };
  };
}

function numberIn(input: unknown, key: string): number {
  const value = typeof input === 'object' && input !== null ? (input as Record<string, unknown>)[key] : undefined;
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
