// A switch: a running job gets another source or sink. Decided when it is asked for, from what the broker has and the workers did.
import type { JobGoal } from '#core/job/job-goal.ts';
import { type Duplicates, duplicatesAt } from '#core/operations/duplicates.ts';
import { partitionOf } from '#core/operations/rewind.ts';
import type { TopicPositions } from '#core/ports/broker-admin.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { ok, type Result, refuse } from '#core/result.ts';

/** Where a split of the new source begins. */
export interface SwitchSplit {
  readonly split: string;
  readonly topicId: string;
  readonly to: string;
}

export interface SwitchPlan {
  readonly kind: 'switch';
  readonly what: 'source' | 'sink';
  /** As people call them. */
  readonly from: string;
  readonly to: string;
  /** Of the source that is left. */
  readonly fromTopic: string;
  /** The route's revision that declares it, made with the operation. */
  readonly revision: number;
  /** For a source: events of it from then on (epoch ms) are read; null: all that it holds, or offsets that were given. */
  readonly readFrom: number | null;
  /** Of a new source; none for a sink, whose splits go on where they stand. */
  readonly splits: readonly SwitchSplit[];
  readonly duplicates: Duplicates;
}

export interface SwitchReceipt {
  readonly kind: 'switch';
  readonly what: 'source' | 'sink';
  readonly from: string;
  readonly to: string;
  /** Where the old source was left, and where the new one is begun; for a sink, from where on events go to the new one. */
  readonly left: readonly { readonly split: string; readonly at: string }[];
  readonly begun: readonly { readonly split: string; readonly at: string }[];
  readonly tookMs: number;
}

export interface SwitchRefusal {
  readonly code: 'retention-passed' | 'not-a-mirror' | 'target-invalid' | 'nothing-read';
  readonly message: string;
  readonly fix: string;
}

/** A split of the old source, as it stands and as its records say. */
export interface LeftSplit {
  readonly split: string;
  readonly position: string;
  /** Timestamp of the last record before the position; null where there is none any more. */
  readonly lastReadAt: number | null;
  /** Of the first one that waits; null where none does. */
  readonly waitsFrom: number | null;
  /** It was read to its end, and no record right before that can be seen, although there are offsets. */
  readonly isUntold?: boolean;
}

export interface SourceFacts {
  readonly goal: Pick<JobGoal, 'name' | 'source' | 'sink'>;
  readonly to: { readonly stream: string; readonly topic: string; readonly topicId: string };
  readonly positions: readonly TopicPositions[];
  readonly left: readonly LeftSplit[];
  /** Read again before the time that was reached: events of the new source may be a little older than those of the old. */
  readonly overlapMs: number;
  readonly revision: number;
}

/**
 * The time that the old source was read to: the earliest over its splits, since an event may stand in another partition of the
 * new source. Null where nothing was read and nothing waits.
 */
export function reachedAt(left: readonly LeftSplit[]): number | null {
  const times = left.flatMap(({ waitsFrom, lastReadAt }) => {
    const at = waitsFrom ?? lastReadAt;
    return at === null ? [] : [Math.min(at, lastReadAt ?? at)];
  });
  return times.length === 0 ? null : Math.min(...times);
}

/** By time; `offsetsAt`: of the new source, for `reachedAt` less the overlap. Refused where events are gone that were not read. */
export function planSourceByTime(
  facts: SourceFacts,
  readFrom: number,
  offsetsAt: ReadonlyMap<number, string | null>,
): Result<SwitchPlan, SwitchRefusal> {
  const { to, positions } = facts;
  const gone = positions.find(({ partition, earliest }) => earliest !== '0' && offsetsAt.get(partition) === earliest);
  if (gone)
    return refuse({
      code: 'retention-passed',
      message: `${to.stream} holds nothing of ${to.topic}/${gone.partition} from before ${new Date(readFrom).toISOString()}: older events were deleted by retention, and which of them were read cannot be known`,
      fix: 'say where to begin: --at earliest, or a time',
    });
  const splits = positions.map(({ partition, latest }) => ({
    ...{ split: `${to.topic}/${partition}`, topicId: to.topicId, to: offsetsAt.get(partition) ?? latest },
  }));
  return ok(sourcePlan(facts, readFrom, splits));
}

export const planSourceEarliest = (facts: SourceFacts): SwitchPlan =>
  sourcePlan(
    facts,
    null,
    facts.positions.map(({ partition, earliest }) => ({
      ...{ split: `${facts.to.topic}/${partition}`, topicId: facts.to.topicId, to: earliest },
    })),
  );

function sourcePlan(
  { goal, to, revision }: SourceFacts,
  readFrom: number | null,
  splits: readonly SwitchSplit[],
): SwitchPlan {
  const sorted = [...splits].sort((a, b) => partitionOf(a.split) - partitionOf(b.split));
  return {
    ...{ kind: 'switch', what: 'source', from: goal.source.stream, to: to.stream, revision, readFrom },
    fromTopic: goal.source.topic,
    ...{ splits: sorted, duplicates: duplicatesAt(goal.sink) },
  };
}

/** Nothing is read twice: workers drain into the old sink before the new ones write to the other. */
export const planSink = (from: string, to: string, revision: number): SwitchPlan => ({
  ...{ kind: 'switch', what: 'sink', from, to, fromTopic: '', revision, readFrom: null, splits: [] },
  duplicates: {
    absorbed: true,
    why: 'what was read is delivered to the old sink and committed before the new one is written to',
  },
});

export function switchReceipt(
  { what, from, to, fromTopic, splits: planned }: SwitchPlan,
  topic: string,
  records: readonly SplitRecord[],
  tookMs: number,
): SwitchReceipt {
  const places = (some: readonly SplitRecord[]) =>
    some
      .map(({ split, position, placed }) => ({ split, at: placed?.to ?? position }))
      .sort((a, b) => partitionOf(a.split) - partitionOf(b.split));
  const isNew = ({ split }: SplitRecord): boolean => split.startsWith(`${topic}/`);
  const begun = what === 'sink' ? places(records.filter(isNew)) : planned.map(({ split, to: at }) => ({ split, at }));
  const left = what === 'sink' ? begun : places(records.filter(({ split }) => split.startsWith(`${fromTopic}/`)));
  return { kind: 'switch', what, from, to, left, begun, tookMs };
}
