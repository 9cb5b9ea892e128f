// A split whose records are not what they were: what is gone is counted or told, and a topic is followed once.
import { describe, expect, test } from '@jest/globals';
import { noRecords } from '#core/job/accounting.ts';
import type { ReplayGoal } from '#core/job/job-goal.ts';
import { silent } from '#test/support/silent-logger.ts';
import { ErrorsSeen } from '#workers/errors-seen.ts';
import { type Cluster, idOfMost } from '#workers/kafka/cluster.ts';
import { errorCodes } from '#workers/kafka/error-codes.ts';
import { Split } from '#workers/split.ts';
import { resolveUnreadable } from '#workers/unreadable-split.ts';

const clock = { now: () => 1_000, monotonicMs: () => 0 };

const clusterOf = (topicId: string, first: number, end: number, known: string | null = topicId): Cluster =>
  ({
    topic: () => ({ topic: 'plays', topicId, leaders: [1, 1, 1, 1] }),
    offset: async (_topic: string, _partition: number, at: number) => (at === -2 ? first : end),
    topicIdOfMost: async () => known,
  }) as unknown as Cluster;

/** A partition that begins at 60 by now, read from 40. */
async function resolved(replay?: ReplayGoal) {
  const record = { split: 'plays/3', owner: 'w', epoch: 2, position: '40', topicId: 'id', accounting: noRecords };
  const split = new Split(record, clock, 0);
  const cluster = clusterOf('id', 60, 90);
  const errors = new ErrorsSeen(silent, clock);
  await resolveUnreadable(split, errorCodes.offsetOutOfRange, cluster, errors, replay);
  return {
    position: split.done.position,
    accounting: split.done.accounting,
    codes: errors.latest().map(({ code }) => code),
  };
}

const replayUntil = (end: number): ReplayGoal => ({
  ...{ errorClass: null, errorCode: null, where: null, topicId: 'id', recordsPerSecond: 50 },
  ends: { 3: end },
});

test('what retention deleted before it was read is passed over, told, and counted as dropped', async () => {
  expect(await resolved()).toMatchObject({
    ...{ position: 60, accounting: { in: 20, dropped: { retention: 20 } } },
    codes: ['source-data-lost'],
  });
});

test('of a replay those are dropped that were meant, and not the dead letters behind its end', async () => {
  expect(await resolved(replayUntil(45))).toMatchObject({
    ...{ position: 60, accounting: { in: 5, dropped: { retention: 5 } } },
  });
  expect(await resolved(replayUntil(40))).toMatchObject({ position: 60, accounting: { in: 0, dropped: {} } });
});

describe('a partition that ends before what was done with', () => {
  /** Done with until 100, of which the operators see the last 20 again, and nothing stands behind `end` by now. */
  async function cutAt(end: number, fetchOffset: number) {
    const record = { split: 'plays/3', owner: 'w', epoch: 2, position: '100', topicId: 'id', accounting: noRecords };
    const split = new Split(record, clock, 20);
    split.fetchOffset = fetchOffset;
    const errors = new ErrorsSeen(silent, clock);
    await resolveUnreadable(split, errorCodes.offsetOutOfRange, clusterOf('id', 0, end), errors);
    return { split, told: errors.latest() };
  }

  test.each([[60], [90], [99]])(
    'stops the split also where its operators would see it again (cut at %d)',
    async (end) => {
      const { split, told } = await cutAt(end, 80);
      expect(split.state).toBe('stuck');
      expect(told).toMatchObject([{ code: 'source-truncated' }]);
      expect(told[0]!.message).toContain(`the position is 100, but the partition ends at ${end}`);
    },
  );

  test('is no cut where it ends at the position: what the operators see again is read', async () => {
    const { split, told } = await cutAt(100, 80);
    expect([split.state, split.fetchOffset, told]).toEqual(['reading', 80, []]);
  });
});

describe('a topic that has another id', () => {
  async function followed(idInMetadata: string, known: string | null) {
    const record = { split: 'plays/3', owner: 'w', epoch: 2, position: '5000', topicId: 'new', accounting: noRecords };
    const split = new Split(record, clock);
    const errors = new ErrorsSeen(silent, clock);
    await resolveUnreadable(split, errorCodes.unknownTopicId, clusterOf(idInMetadata, 7, 9, known), errors);
    const { topicId, position } = split.done;
    return { topicId, position, codes: errors.latest().map(({ code }) => code) };
  }

  test('is followed to its beginning where most brokers know it by that', async () => {
    expect(await followed('newer', 'newer')).toEqual({ topicId: 'newer', position: 7, codes: ['source-recreated'] });
  });

  test.each(['new', null])('is not followed on the word of one broker that is behind (most know %s)', async (known) => {
    expect(await followed('deleted', known)).toEqual({ topicId: 'new', position: 5_000, codes: [] });
  });

  test('is known by an id to most brokers, or to none', () => {
    expect(idOfMost(['a'])).toBe('a');
    expect(idOfMost(['a', 'b', 'b'])).toBe('b');
    expect(idOfMost(['a', 'b'])).toBeNull();
    expect(idOfMost(['a', null, null])).toBeNull();
    expect(idOfMost([])).toBeNull();
  });
});
