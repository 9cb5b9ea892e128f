// A switch, step by step as the world shows that the last step is done: the route's revision stands, no worker runs, positions are set.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { SwitchPlan, SwitchSplit } from '#core/operations/switch.ts';
import type { Action } from '#core/plan/action.ts';
import { hasPlaced } from '#core/plan/control.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { Operation } from '#core/ports/goal-store.ts';
import type { Placement, SplitRecord } from '#core/ports/split-store.ts';

export type Switch = Operation & { readonly plan: SwitchPlan };

/** The newest that is asked for: older ones are superseded by it. */
export function requestedSwitch(entry: Pick<JobEntry, 'requested'>): Switch | null {
  const switches = entry.requested.filter((operation): operation is Switch => operation.plan?.kind === 'switch');
  return switches.sort((a, b) => b.sequence - a.sequence)[0] ?? null;
}

export type SwitchStep =
  | { readonly kind: 'none' }
  /** The route's revision is not declared yet. */
  | { readonly kind: 'awaits-revision'; readonly by: Switch }
  /** Positions cannot be seen or are not set: no worker may run. */
  | { readonly kind: 'hold'; readonly by: Switch; readonly placements: readonly Action[] }
  /** All are set: workers run again, and the control record remembers it. */
  | { readonly kind: 'placed'; readonly by: Switch }
  | { readonly kind: 'failed'; readonly by: Switch; readonly why: string };

/** The operation is asked for a moment before its revision is declared; one that never is (the asking program died) is given up. */
const revisionMsMax = 60_000;

export function switchStep(entry: JobEntry, observed: ObservedJob, control: ControlRecord): SwitchStep {
  const by = requestedSwitch(entry);
  if (by === null || hasPlaced(control, by)) return { kind: 'none' };
  const { plan } = by;
  const { goal } = entry;
  if (goal.revision < plan.revision) {
    const isLate = observed.at - by.requestedAt > revisionMsMax;
    const why = `revision ${plan.revision} of the route, which would declare it, never came: nothing was switched`;
    return isLate ? { kind: 'failed', by, why } : { kind: 'awaits-revision', by };
  }
  if (plan.what === 'sink') return sinkStep(by, entry, observed);
  if (goal.source.stream !== plan.to)
    return { kind: 'failed', by, why: `the route was changed meanwhile and reads ${goal.source.stream}` };
  const { splits } = observed;
  if (splits === null) return { kind: 'hold', by, placements: [] };
  const wanted = plan.splits.map((split) => ({
    split,
    record: splits.find((one) => one.split === split.split) ?? null,
  }));
  const strange = wanted.find(({ split, record }) => record !== null && record.topicId !== split.topicId);
  if (strange)
    return { kind: 'failed', by, why: `the item of ${strange.split.split} is of a topic that was made anew` };
  const open = wanted.filter(({ record }) => record === null || record.placed?.operation !== by.id);
  if (open.length === 0) return { kind: 'placed', by };
  return { kind: 'hold', by, placements: open.map(({ split, record }) => placeSplit(goal.id, split, record, by)) };
}

/** An item that is not there yet is made first and marked by the next pass. */
function placeSplit(job: string, { split, topicId, to }: SwitchSplit, record: SplitRecord | null, by: Switch): Action {
  if (record !== null) return { kind: 'place-split', job, seen: record, placement: placementOf(record, to, by) };
  const item: SplitRecord = { split, owner: null, epoch: 0, position: to, topicId, accounting: noRecords };
  return { kind: 'create-split', job, record: item };
}

function placementOf(record: SplitRecord, to: string, { id, sequence }: Switch): Placement {
  const back = Math.max(0, Number(BigInt(record.position) - BigInt(to)));
  return {
    ...{ operation: id, sequence, from: record.position, to },
    rewoundRecords: (record.placed?.rewoundRecords ?? 0) + back,
  };
}

/** With transactions the position is Kafka's to say; output and position end together, so nothing has to be marked. */
function sinkStep(by: Switch, { goal }: JobEntry, { splits }: ObservedJob): SwitchStep {
  if (goal.delivery.guarantee === 'exactly-once') return { kind: 'placed', by };
  if (splits === null) return { kind: 'hold', by, placements: [] };
  const own = splits.filter(({ split }) => split.startsWith(`${goal.source.topic}/`));
  const open = own.filter(({ placed }) => placed?.operation !== by.id);
  if (open.length === 0) return { kind: 'placed', by };
  const placements = open.map(
    (record): Action => ({
      ...{ kind: 'place-split', job: goal.id, seen: record, placement: placementOf(record, record.position, by) },
    }),
  );
  return { kind: 'hold', by, placements };
}
