// The Lambda behind the state machine's `Pass`: one pass in, whether and when to look again out.
import type { Logger } from '#core/ports/logger.ts';
import type { PassReport } from '#functions/reconcile/run-pass.ts';

/** What goes round the state machine. The execution's own input may be anything: only the count is read. */
export type PassTurn = {
  readonly goOn: boolean;
  readonly turn: number;
  /** At least 1: what the state machine's Wait understands. */
  readonly waitSeconds: number;
};

/** After so many turns an execution ends and the sweep goes on: a standard execution's history is bounded. */
export const turnsMax = 200;

export function createReconcileHandler(runPass: () => Promise<PassReport>, now: () => number, logger: Logger) {
  return async (input: unknown): Promise<PassTurn> => {
    const turn = turnOf(input) + 1;
    const report = await runPass();
    if (report.decisions > 0 || report.failures.length > 0) logger.info('pass', { turn, ...report });
    const waitMs = Math.max(0, (report.nextPassAt ?? 0) - now());
    return {
      goOn: !report.settled && turn < turnsMax,
      turn,
      waitSeconds: Math.min(60, Math.max(1, Math.ceil(waitMs / 1000))),
    };
  };
}

function turnOf(input: unknown): number {
  const turn = typeof input === 'object' && input !== null ? (input as { turn?: unknown }).turn : undefined;
  return typeof turn === 'number' && Number.isSafeInteger(turn) && turn > 0 ? turn : 0;
}
