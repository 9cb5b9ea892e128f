// A rewind: where each split of a job is set back to, decided when it is asked for, from what the broker still has.
import type { CheckpointManifest } from '#core/checkpoint/manifest.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { type Duplicates, duplicatesAt } from '#core/operations/duplicates.ts';
import type { TopicPositions } from '#core/ports/broker-admin.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { ok, type Result, refuse } from '#core/result.ts';
import { parseDuration } from '#core/spec/quantity.ts';

export type RewindTarget =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'time'; readonly at: number }
  /** One offset for every partition. */
  | { readonly kind: 'offset'; readonly offset: string }
  /** By partition; the others stay. */
  | { readonly kind: 'offsets'; readonly offsets: Readonly<Record<number, string>> }
  | { readonly kind: 'checkpoint'; readonly sequence: number };

export interface RewindSplit {
  readonly split: string;
  readonly topicId: string;
  /** The committed position when the plan was made; the worker may go on until it has drained. */
  readonly from: string;
  readonly to: string;
  /** Offsets between the two: at most so many records. */
  readonly records: number;
}

export interface RewindPlan {
  readonly kind: 'rewind';
  /** As it was asked for. */
  readonly to: string;
  /** Those that go back; splits that stand at or before the target stay where they are. */
  readonly splits: readonly RewindSplit[];
  readonly records: number;
  readonly duplicates: Duplicates;
}

export interface RewindReceipt {
  readonly kind: 'rewind';
  /** Position before and after. */
  readonly splits: readonly { readonly split: string; readonly from: string; readonly to: string }[];
  /** At most so many records are read again, and counted again in the books. */
  readonly records: number;
  readonly duplicates: Duplicates;
  /** From when the first worker was asked to end until all run again. */
  readonly tookMs: number;
}

/** What was got, and what to do instead. */
export interface RewindRefusal {
  readonly code:
    | 'target-invalid'
    | 'nothing-read'
    | 'retention-passed'
    | 'beyond-position'
    | 'topic-new'
    | 'no-checkpoint'
    | 'nothing-to-rewind';
  readonly message: string;
  readonly fix: string;
}

const forms =
  'earliest, a time (2026-01-31T12:00:00Z), an offset (1200), offsets by partition (0:1200,3:40), or checkpoint:N';

/** `now` serves for spans back, such as `15m`. */
export function readRewindTarget(text: string, now: number): Result<RewindTarget, RewindRefusal> {
  if (text === 'earliest') return ok({ kind: 'earliest' });
  const checkpoint = /^checkpoint:(\d{1,12})$/.exec(text);
  if (checkpoint) return ok({ kind: 'checkpoint', sequence: Number(checkpoint[1]) });
  if (/^\d{1,19}$/.test(text)) return ok({ kind: 'offset', offset: text });
  if (/^\d{1,6}:\d{1,19}(,\d{1,6}:\d{1,19})*$/.test(text)) {
    const pairs = text.split(',').map((pair) => pair.split(':') as [string, string]);
    const offsets = Object.fromEntries(pairs.map(([partition, offset]) => [Number(partition), offset]));
    if (Object.keys(offsets).length === pairs.length) return ok({ kind: 'offsets', offsets });
    return refuse(targetInvalid(`got ${JSON.stringify(text)}, in which a partition stands twice`));
  }
  const back = parseDuration(text);
  if (back.ok) return ok({ kind: 'time', at: now - back.value });
  const at = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(at)) return ok({ kind: 'time', at });
  if (text === 'latest')
    return refuse(targetInvalid('got latest, which would leave out what waits to be read; a rewind only goes back'));
  return refuse(targetInvalid(`got ${JSON.stringify(text.slice(0, 80))}`));
}

const targetInvalid = (message: string): RewindRefusal => ({ code: 'target-invalid', message, fix: `give ${forms}` });

export interface RewindFacts {
  readonly asked: string;
  readonly target: RewindTarget;
  readonly goal: Pick<JobGoal, 'name' | 'source' | 'sink'>;
  /** The job's items; those of the source's topic are what a rewind is about. */
  readonly splits: readonly SplitRecord[];
  /** The id of the source's topic as the broker has it now. */
  readonly topicId: string;
  readonly positions: readonly TopicPositions[];
  /** For a time: the first offset at or after it, by partition; null where the partition has none. */
  readonly offsetsAt: ReadonlyMap<number, string | null>;
  /** For a checkpoint: it, or null where there is none of that number. */
  readonly checkpoint: CheckpointManifest | null;
  /** Numbers of the checkpoints that there are, newest first. */
  readonly checkpoints: readonly number[];
}

/** Refused where anything would be lost: what retention has taken, what lies ahead, another life of the topic. */
export function planRewind(facts: RewindFacts): Result<RewindPlan, RewindRefusal> {
  const { asked, target, goal, topicId } = facts;
  const own = facts.splits.filter(({ split }) => split.startsWith(`${goal.source.topic}/`));
  if (own.length === 0)
    return refuse({
      code: 'nothing-read',
      message: `${goal.name} has read nothing yet`,
      fix: 'set `spec.start` in the route instead',
    });
  const old = own.find((record) => record.topicId !== topicId);
  if (old)
    return refuse({
      code: 'topic-new',
      message: `topic ${goal.source.topic} was made anew, and ${old.split} still stands in the old one`,
      fix: 'let the job run until it has moved over, then ask again',
    });
  if (target.kind === 'checkpoint' && facts.checkpoint === null)
    return refuse(noCheckpoint(target.sequence, facts.checkpoints));
  if (target.kind === 'offsets') {
    const unknown = Object.keys(target.offsets).find(
      (partition) => !own.some(({ split }) => partitionOf(split) === Number(partition)),
    );
    if (unknown !== undefined)
      return refuse(
        targetInvalid(`got partition ${unknown}, which ${goal.source.stream} does not have (it has ${own.length})`),
      );
  }
  const splits: RewindSplit[] = [];
  for (const record of own) {
    const planned = planSplit(record, facts);
    if (!planned.ok) return planned;
    if (planned.value !== null) splits.push(planned.value);
  }
  if (splits.length === 0)
    return refuse({
      code: 'nothing-to-rewind',
      message: `every split of ${goal.name} stands at or before ${asked}`,
      fix: `it stands at ${own.map(({ split, position }) => `${partitionOf(split)}:${position}`).join(',')}`,
    });
  splits.sort((a, b) => partitionOf(a.split) - partitionOf(b.split));
  const records = splits.reduce((sum, split) => sum + split.records, 0);
  return ok({ kind: 'rewind', to: asked, splits, records, duplicates: duplicatesAt(goal.sink) });
}

export const partitionOf = (split: string): number => Number(split.slice(split.lastIndexOf('/') + 1));

/** Null where the split stays. */
function planSplit(record: SplitRecord, facts: RewindFacts): Result<RewindSplit | null, RewindRefusal> {
  const partition = partitionOf(record.split);
  const bounds = facts.positions.find((one) => one.partition === partition);
  if (!bounds) return ok(null);
  const position = BigInt(record.position);
  const earliest = BigInt(bounds.earliest);
  const wanted = wantedOffset(record, bounds, facts);
  if (wanted === null) return ok(null);
  const { target, asked, goal } = facts;
  const isNumber = target.kind === 'offset' || target.kind === 'offsets';
  if (isNumber && wanted > position)
    return refuse({
      code: 'beyond-position',
      message: `${record.split} stands at ${position}: going on to ${wanted} would leave out ${wanted - position} record(s)`,
      fix: `for this partition give ${earliest} to ${position}`,
    });
  const isPassed =
    wanted < earliest || (target.kind === 'time' && earliest > 0n && wanted === earliest && wanted < position);
  if (isPassed)
    return refuse({
      code: 'retention-passed',
      message: `${asked} lies before what ${goal.source.stream} still holds of ${record.split}: its earliest record is ${earliest}, older ones were deleted by retention`,
      fix: 'what there is: --to earliest, or a later time',
    });
  if (wanted >= position) return ok(null);
  return ok({
    split: record.split,
    topicId: record.topicId,
    from: record.position,
    to: String(wanted),
    records: Number(position - wanted),
  });
}

function wantedOffset(record: SplitRecord, bounds: TopicPositions, facts: RewindFacts): bigint | null {
  const { target, checkpoint, offsetsAt } = facts;
  switch (target.kind) {
    case 'earliest':
      return BigInt(bounds.earliest);
    case 'time':
      return BigInt(offsetsAt.get(bounds.partition) ?? bounds.latest);
    case 'offset':
      return BigInt(target.offset);
    case 'offsets': {
      const offset = target.offsets[bounds.partition];
      return offset === undefined ? null : BigInt(offset);
    }
    case 'checkpoint': {
      const saved = checkpoint?.splits.find((one) => one.split === record.split && one.topicId === record.topicId);
      return saved === undefined ? null : BigInt(saved.position);
    }
  }
}

const noCheckpoint = (sequence: number, there: readonly number[]): RewindRefusal => ({
  code: 'no-checkpoint',
  message: `there is no checkpoint ${sequence}`,
  fix: there.length === 0 ? 'the job has taken none yet' : `there are ${there.slice(0, 20).join(', ')}`,
});

/** Of the splits that bear the operation's mark: what it did, whatever it had planned. */
export function rewindReceipt(
  plan: RewindPlan,
  operation: string,
  records: readonly SplitRecord[],
  tookMs: number,
): RewindReceipt {
  const placed = records.flatMap(({ split, placed }) =>
    placed?.operation === operation ? [{ split, from: placed.from, to: placed.to }] : [],
  );
  const splits = placed.sort((a, b) => partitionOf(a.split) - partitionOf(b.split));
  const count = splits.reduce((sum, { from, to }) => sum + Number(BigInt(from) - BigInt(to)), 0);
  return { kind: 'rewind', splits, records: count, duplicates: plan.duplicates, tookMs };
}
