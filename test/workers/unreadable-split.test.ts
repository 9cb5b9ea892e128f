// A split whose records are not what they were: what retention has taken is counted, and of a replay only what was meant.
import { expect, test } from '@jest/globals';
import { noRecords } from '#core/job/accounting.ts';
import type { ReplayGoal } from '#core/job/job-goal.ts';
import { silent } from '#test/support/silent-logger.ts';
import { ErrorsSeen } from '#workers/errors-seen.ts';
import type { Cluster } from '#workers/kafka/cluster.ts';
import { errorCodes } from '#workers/kafka/error-codes.ts';
import { Split } from '#workers/split.ts';
import { resolveUnreadable } from '#workers/unreadable-split.ts';

const clock = { now: () => 1_000, monotonicMs: () => 0 };

/** A partition that begins at 60 by now, read from 40. */
async function resolved(replay?: ReplayGoal) {
  const record = { split: 'plays/3', owner: 'w', epoch: 2, position: '40', topicId: 'id', accounting: noRecords };
  const split = new Split(record, clock, 0);
  const cluster = {
    topic: () => ({ topic: 'plays', topicId: 'id', leaders: [1, 1, 1, 1] }),
    offset: async (_topic: string, _partition: number, at: number) => (at === -2 ? 60 : 90),
  } as unknown as Cluster;
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
