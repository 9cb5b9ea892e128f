// What the autoscaler remembers goes into the job's control record with all else that a pass has decided on it.
import type { ScaleStep } from '#core/autoscale/plan-scaling.ts';
import { isSame } from '#core/hash.ts';
import type { Decision } from '#core/plan/action.ts';
import { isBeingCleared } from '#core/plan/plan-ended-job.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';

/** The record is written before the workers are started or stopped: a pass that comes next wants the same number of them. */
export function rememberScale(decision: Decision, step: ScaleStep | undefined, stored: ControlRecord | null): Decision {
  const control = decision.control ?? stored;
  if (control === null || isBeingCleared(control)) return decision;
  const { scale: before, ...rest } = control;
  const record = step?.record;
  const isKept = isSame(before ?? null, record ?? null);
  const version = decision.control === null ? control.version + 1 : control.version;
  return {
    ...decision,
    ...(isKept ? {} : { control: { ...rest, version, ...(record === undefined ? {} : { scale: record }) } }),
    events: [...decision.events, ...(step?.events ?? [])],
    ...lookAgain(decision, step?.nextPassAt),
  };
}

function lookAgain(
  { settled, nextPassAt }: Decision,
  at: number | undefined,
): Pick<Decision, 'settled' | 'nextPassAt'> {
  if (at === undefined) return { settled, ...(nextPassAt === undefined ? {} : { nextPassAt }) };
  // One that is not settled and names no time wants to be looked at at once.
  if (!settled && nextPassAt === undefined) return { settled };
  return { settled: false, nextPassAt: Math.min(at, nextPassAt ?? at) };
}
