// What the source does with answers that it may not work on, or that tell of less than was there: nothing is skipped by it.
import { afterEach, describe, expect, test } from '@jest/globals';
import { noRecords } from '#core/job/accounting.ts';
import { until } from '#test/support/until.ts';
import type { FetchResponse } from '#workers/kafka/apis.ts';
import type { Cluster } from '#workers/kafka/cluster.ts';
import { errorCodes } from '#workers/kafka/error-codes.ts';
import { Source } from '#workers/kafka/source.ts';
import { allWorked } from '#workers/pipeline.ts';
import { Split } from '#workers/split.ts';
import { clock, partitionOf, records, topicId } from './fetched.ts';

describe('the source', () => {
  let source: Source | null = null;
  afterEach(async () => await source?.close());

  /** One broker that leads one partition, which is read from `position` on; the nth request may end the right to read. */
  function read(
    position: number,
    remembers: number,
    answer: (request: number, from: number, seen: { mayRead: boolean }) => FetchResponse | null,
  ) {
    const place = { split: 't/0', owner: 'w', epoch: 1, position: `${position}`, topicId, accounting: noRecords };
    const split = new Split(place, clock, remembers);
    const seen = { worked: [] as number[], unreadable: [] as number[], mayRead: true, asked: 0 };
    const request = async (): Promise<FetchResponse> =>
      answer(seen.asked++, split.fetchOffset, seen) ?? (await new Promise<never>(() => {}));
    const topic = () => ({ topic: 't', topicId, leaders: [1] });
    const cluster = { topic, link: () => ({ request }), refresh: async () => {} } as unknown as Cluster;
    source = new Source(
      cluster,
      { topic: 't', fetchWaitMs: 50, fetchBytesMax: 1_000_000 },
      {
        room: () => null,
        work: (_split, _partition, at) => {
          seen.worked.push(at);
          return allWorked;
        },
        worked: () => {},
        unreadable: async (_split, code) => void seen.unreadable.push(code),
        onTrouble: () => {},
        mayRead: () => seen.mayRead,
      },
    );
    source.add(split);
    return { split, seen };
  }

  const answerOf = (bytes: Buffer, end: number): FetchResponse => ({
    ...{ throttleMs: 0, errorCode: 0, partitions: [partitionOf(0, bytes, end)] },
  });

  test('reads again what it had fetched while it might not work on it', async () => {
    const { split, seen } = read(0, 0, (request, from, right) => {
      right.mayRead = request > 0;
      return from < 6 ? answerOf(records(3, from), 6) : null;
    });
    await until(() => (split.generation > 0 ? true : null), 'records that may not be worked on');
    expect([seen.worked, split.fetchOffset]).toEqual([[], 0]);
    seen.mayRead = true;
    await until(() => (seen.worked.length === 2 ? true : null), 'the records to be worked on');
    expect(seen.worked).toEqual([0, 3]);
  });

  test.each(['with records', 'without records'])(
    'does not work on what stands before the position where the partition ends before it, %s',
    async (what) => {
      const bytes = what === 'with records' ? records(3, 30) : Buffer.alloc(0);
      const { seen } = read(40, 10, (request) => (request === 0 ? answerOf(bytes, 33) : null));
      await until(() => (seen.unreadable.length > 0 ? true : null), 'the partition to be looked into');
      expect([seen.worked, seen.unreadable]).toEqual([[], [errorCodes.offsetOutOfRange]]);
    },
  );
});
