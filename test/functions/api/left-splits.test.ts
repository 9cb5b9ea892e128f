// What tells the time up to which a job has read its source: the records on both sides of its positions, partition by partition.
import { describe, expect, test } from '@jest/globals';
import { noRecords } from '#core/job/accounting.ts';
import { reachedAt } from '#core/operations/switch.ts';
import type { LogRecord, ReadRequest } from '#core/ports/record-log.ts';
import { leftSplits } from '#functions/api/left-splits.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { aJobGoal } from '#test/support/builders.ts';
import { createMemorySplitStore } from '#test/support/memory-split-store.ts';

const goal = aJobGoal();
const { topic } = goal.source;

/** By partition: the time of each record, offset by offset; null: an offset that shows none. */
type Log = readonly (readonly (number | null)[])[];

interface World {
  readonly log: Log;
  readonly positions: readonly number[];
  /** Partitions in the order in which the broker gives them. */
  readonly order?: readonly number[];
  readonly signal?: AbortSignal;
}

async function left({ log, positions, order, signal = new AbortController().signal }: World) {
  const splits = createMemorySplitStore();
  for (const [partition, position] of positions.entries())
    await splits.create(goal.id, {
      ...{ split: `${topic}/${partition}`, owner: null, epoch: 1, position: String(position), topicId: 't' },
      accounting: noRecords,
    });
  let given = 0;
  async function* read({ from, signal }: ReadRequest): AsyncGenerator<LogRecord> {
    if (typeof from === 'string' || !('offsets' in from)) throw new Error('offsets are to be given');
    for (const partition of order ?? [...log.keys()])
      for (const [offset, timestamp] of log[partition]!.entries()) {
        if (signal.aborted) return;
        if (timestamp === null || offset < Number(from.offsets[partition] ?? Infinity)) continue;
        given++;
        yield { partition, offset: String(offset), timestamp, key: null, value: null, headers: [] };
      }
  }
  const parts = {
    splits,
    records: { read },
    broker: {
      positions: async () =>
        log.map((records, partition) => ({ partition, earliest: '0', latest: String(records.length) })),
    },
  } as unknown as ApiParts;
  return { ...(await leftSplits(parts, goal, signal)), given: () => given };
}

describe('the time up to which a source was read', () => {
  test.each([[[0, 1]], [[1, 0]]])(
    'is the earliest of all partitions that are read to their end, in whichever order %p they come',
    async (order) => {
      const { splits } = await left({
        log: [
          [800, 900],
          [1_100, 1_200],
        ],
        positions: [2, 2],
        order,
      });
      expect(splits.map(({ lastReadAt }) => lastReadAt)).toEqual([900, 1_200]);
      expect(reachedAt(splits)).toBe(900);
    },
  );

  test.each([[[0, 1]], [[1, 0]]])(
    'counts one that is read to its end beside one that waits, in order %p',
    async (order) => {
      const log = [[1_000, 1_100, 1_200], [300]];
      const { splits, waiting } = await left({ log, positions: [2, 1], order });
      expect(splits).toMatchObject([
        { lastReadAt: 1_100, waitsFrom: 1_200 },
        { lastReadAt: 300, waitsFrom: null },
      ]);
      expect(waiting.map(({ partition, offset }) => [partition, offset])).toEqual([[0, '2']]);
      expect(reachedAt(splits)).toBe(300);
    },
  );

  test('is found before the ends of transactions, which show no record', async () => {
    const { splits } = await left({ log: [[700, null, null]], positions: [3] });
    expect(splits).toMatchObject([{ lastReadAt: 700, isUntold: false }]);
  });

  test('is said to be unknown where nothing before a position can be seen', async () => {
    const { splits } = await left({ log: [[null, null], [500]], positions: [2, 1] });
    expect(splits.map(({ isUntold }) => isUntold)).toEqual([true, false]);
  });

  test('is looked for in few records, however many wait', async () => {
    const many = Array.from({ length: 10_000 }, (_, offset) => offset);
    const { given } = await left({ log: [many, many], positions: [5_000, 10_000] });
    expect(given()).toBeLessThan(200);
  });

  test('is not told by a reading that was broken off', async () => {
    const broken = left({ log: [[700]], positions: [1], signal: AbortSignal.abort() });
    await expect(broken).rejects.toMatchObject({ code: 'reading-cut-off', fault: 'external', retry: 'retry' });
  });
});
