// A rewind, step by step as the world shows that the last step is done: no worker runs, every position is set, workers start.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { RewindPlan, RewindSplit } from '#core/operations/rewind.ts';
import type { Action } from '#core/plan/action.ts';
import { hasPlaced } from '#core/plan/control.ts';
import type { ObservedJob } from '#core/plan/observed.ts';
import type { ControlRecord } from '#core/ports/control-store.ts';
import type { Operation } from '#core/ports/goal-store.ts';
import type { Placement, SplitRecord } from '#core/ports/split-store.ts';

export type Rewind = Operation & { readonly plan: RewindPlan };

/** The newest that is asked for: older ones are superseded by it. */
export function requestedRewind(entry: Pick<JobEntry, 'requested'>): Rewind | null {
  const rewinds = entry.requested.filter((operation): operation is Rewind => operation.plan?.kind === 'rewind');
  return rewinds.sort((a, b) => b.sequence - a.sequence)[0] ?? null;
}

export type RewindStep =
  | { readonly kind: 'none' }
  /** Positions cannot be seen or are not set: no worker may run. */
  | { readonly kind: 'hold'; readonly by: Rewind; readonly placements: readonly Action[] }
  /** All are set: workers run again, and the control record remembers it. */
  | { readonly kind: 'placed'; readonly by: Rewind }
  /** What it was planned for is gone; nothing more is set. */
  | { readonly kind: 'failed'; readonly by: Rewind; readonly why: string };

/** What the rewind needs next. Its marks on the splits say what was done, so a pass that died is taken up where it stood. */
export function rewindStep(entry: JobEntry, observed: ObservedJob, control: ControlRecord): RewindStep {
  const rewind = requestedRewind(entry);
  if (rewind === null || hasPlaced(control, rewind)) return { kind: 'none' };
  if (observed.splits === null) return { kind: 'hold', by: rewind, placements: [] };
  const wanted = rewind.plan.splits.map((split) => ({ split, record: recordOf(split, observed.splits!) }));
  const strange = wanted.find(({ split, record }) => record?.topicId !== split.topicId);
  if (strange) return { kind: 'failed', by: rewind, why: whyStrange(strange.split, strange.record) };
  const open = wanted.filter(({ split, record }) => !isPlaced(record!, rewind) && goesBack(record!, split));
  if (open.length === 0) return { kind: 'placed', by: rewind };
  const placements = open.map(
    ({ split, record }): Action => ({
      kind: 'place-split',
      job: entry.goal.id,
      seen: record!,
      placement: placementOf(split, record!, rewind),
    }),
  );
  return { kind: 'hold', by: rewind, placements };
}

const recordOf = (split: RewindSplit, records: readonly SplitRecord[]): SplitRecord | null =>
  records.find((record) => record.split === split.split) ?? null;

const isPlaced = ({ placed }: SplitRecord, { id }: Rewind): boolean => placed?.operation === id;

/** A split that an earlier rewind has put further back meanwhile stays there: going on would leave records out. */
const goesBack = (record: SplitRecord, split: RewindSplit): boolean => BigInt(split.to) < BigInt(record.position);

const placementOf = (split: RewindSplit, record: SplitRecord, { id, sequence }: Rewind): Placement => ({
  operation: id,
  sequence,
  from: record.position,
  to: split.to,
  rewoundRecords: (record.placed?.rewoundRecords ?? 0) + Number(BigInt(record.position) - BigInt(split.to)),
});

const whyStrange = (split: RewindSplit, record: SplitRecord | null): string =>
  record === null
    ? `the item of ${split.split} is gone`
    : `the topic of ${split.split} was deleted and made anew since the rewind was planned`;
