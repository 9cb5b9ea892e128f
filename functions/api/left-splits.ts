// Where the workers of a job stand in its source, and what tells the time of it: the records on both sides of each position.
import { PlatformError } from '#core/errors.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { partitionOf } from '#core/operations/rewind.ts';
import type { LeftSplit } from '#core/operations/switch.ts';
import type { TopicPositions } from '#core/ports/broker-admin.ts';
import type { LogRecord } from '#core/ports/record-log.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { topicMissing } from '#functions/api/tail-topic.ts';

export interface Left {
  readonly splits: readonly LeftSplit[];
  /** Of each partition that is not read to its end, the first record that waits. */
  readonly waiting: readonly LogRecord[];
}

/** Right before a position may stand what nobody sees: the ends of transactions, and what was taken back by them. */
const lookBackOffsets = 100n;

/** Throws where the reading was broken off: what was not looked at must not pass for what is not there. */
export async function leftSplits(
  parts: Pick<ApiParts, 'splits' | 'broker' | 'records'>,
  { id, source: { topic } }: Pick<JobGoal, 'id' | 'source'>,
  signal: AbortSignal,
): Promise<Left> {
  const [records, positions] = await Promise.all([parts.splits.list(id), parts.broker.positions(topic)]);
  if (positions === null) throw topicMissing(topic);
  const own = records.filter(({ split }) => split.startsWith(`${topic}/`));
  const reached = new Map(own.map(({ split, position }) => [partitionOf(split), BigInt(position)]));
  const reachedOf = (partition: number): bigint => reached.get(partition) ?? 0n;
  const behind = positions.filter(({ partition, latest }) => reachedOf(partition) < BigInt(latest));
  const done = positions.filter((one) => !behind.includes(one) && reachedOf(one.partition) > BigInt(one.earliest));
  const last = new Map<number, LogRecord>();
  const first = new Map<number, LogRecord>();
  const note = (record: LogRecord): void => {
    const { partition, offset } = record;
    if (BigInt(offset) < reachedOf(partition)) last.set(partition, record);
    else if (!first.has(partition)) first.set(partition, record);
  };
  // Apart from each other: what is read to its end is looked through to its end, however much waits elsewhere.
  const read = (from: Readonly<Record<number, string>>) =>
    parts.records.read({ topic, from: { offsets: from }, follow: false, signal });
  if (done.length > 0) for await (const record of read(backFrom(done, reachedOf, lookBackOffsets))) note(record);
  if (behind.length > 0)
    for await (const record of read(backFrom(behind, reachedOf, 1n))) {
      note(record);
      if (behind.every(({ partition }) => first.has(partition))) break;
    }
  if (signal.aborted)
    throw new PlatformError('reading-cut-off', `${topic} could not be looked through in time: nothing was switched`, {
      ...{ fault: 'external', retry: 'retry' },
    });
  const splits = positions.map(
    ({ partition }): LeftSplit => ({
      ...{ split: `${topic}/${partition}`, position: String(reachedOf(partition)) },
      lastReadAt: last.get(partition)?.timestamp ?? null,
      waitsFrom: first.get(partition)?.timestamp ?? null,
      isUntold: done.some((one) => one.partition === partition) && !last.has(partition),
    }),
  );
  return { splits, waiting: [...first.values()] };
}

/** Offsets so far before the positions, as far as they are there. */
function backFrom(
  some: readonly TopicPositions[],
  reachedOf: (partition: number) => bigint,
  offsets: bigint,
): Readonly<Record<number, string>> {
  return Object.fromEntries(
    some.map(({ partition, earliest }) => {
      const back = reachedOf(partition) - offsets;
      return [partition, back > BigInt(earliest) ? String(back) : earliest];
    }),
  );
}
