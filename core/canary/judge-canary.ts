// Whether a revision on trial has the rest of the splits, makes room again, or has to show more: with the evidence. Pure.
import { type Baseline, type Comparison, compareRevisions, recordsEnough } from '#core/canary/compare-revisions.ts';
import { type Heartbeat, hasReportedFor } from '#core/job/heartbeat.ts';

export interface CanaryFacts {
  /** Of workers that report: of the revision on trial, and of the one that runs. */
  readonly canary: readonly Heartbeat[];
  readonly running: readonly Heartbeat[];
  readonly baseline: Baseline;
  /** What its worker has done wrong by itself; null: nothing. */
  readonly ownFault: string | null;
  readonly now: number;
  readonly since: number;
  readonly leaseMs: number;
  /** After so long what was seen has to do. */
  readonly deadlineMs: number;
}

export type CanaryVerdict =
  | { readonly kind: 'open'; readonly comparison: Comparison }
  | { readonly kind: 'promoted'; readonly comparison: Comparison; readonly why: string }
  | { readonly kind: 'rejected'; readonly comparison: Comparison; readonly why: string };

export function judgeCanary(facts: CanaryFacts): CanaryVerdict {
  const { canary, running, baseline, ownFault, now, since, leaseMs, deadlineMs } = facts;
  const comparison = compareRevisions(canary, running, baseline);
  const against = [...(ownFault === null ? [] : [ownFault]), ...comparison.against];
  if (against.length > 0) return { kind: 'rejected', comparison, why: against.join('; ') };
  // What is down outside would hold up the one that runs as well: one that does not report, or reads nothing, is waited for.
  const works =
    comparison.canary.splits > 0 &&
    canary.every((heartbeat) => hasReportedFor(leaseMs, heartbeat)) &&
    (comparison.canary.in > 0 || comparison.canary.lagRecords === 0);
  if (!works) return { kind: 'open', comparison };
  const isLate = now - since >= deadlineMs;
  const { doubts } = comparison;
  if (doubts.length > 0)
    return isLate ? { kind: 'rejected', comparison, why: doubts.join('; ') } : { kind: 'open', comparison };
  if (comparison.canary.in >= recordsEnough) return { kind: 'promoted', comparison, why: 'it has read enough' };
  return isLate
    ? { kind: 'promoted', comparison, why: 'nothing spoke against it in its time' }
    : { kind: 'open', comparison };
}
