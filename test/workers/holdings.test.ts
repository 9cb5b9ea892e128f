// How a worker lets go of a split: read to the end by its data path, committed, and only then free for others.
import { expect, test } from '@jest/globals';
import { noRecords } from '#core/job/accounting.ts';
import type { SplitRecord, SplitRef, SplitStore } from '#core/ports/split-store.ts';
import { settleMicrotasks } from '#test/simulation/virtual-time.ts';
import { aJobEntry, aPathReport } from '#test/support/builders.ts';
import { createMemorySplitStore } from '#test/support/memory-split-store.ts';
import { silent } from '#test/support/silent-logger.ts';
import { Commits } from '#workers/commits.ts';
import { ErrorsSeen } from '#workers/errors-seen.ts';
import { Holdings } from '#workers/holdings.ts';
import { Lease } from '#workers/lease.ts';
import type { WorkerParts } from '#workers/parts.ts';
import type { FromPath, OpenPath, SplitReport, ToPath } from '#workers/path-messages.ts';

const { goal } = aJobEntry();
const split = `${goal.source.topic}/0`;
const me = 'worker-1';

/** A worker that holds one split, and the hand that plays its data path. */
async function aHolder(splits: SplitStore = createMemorySplitStore()) {
  const clock = { now: () => 1_000, monotonicMs: () => 1_000 };
  const worker = {
    ...{ goal, splits, clock, log: silent },
    identity: { job: goal.id, worker: me },
  } as unknown as WorkerParts;
  const errors = new ErrorsSeen(silent, clock);
  const lease = new Lease(10_000, clock.monotonicMs);
  lease.renew(clock.monotonicMs());
  const posted: ToPath[] = [];
  let hear: (message: FromPath) => void = () => {};
  const path: OpenPath = (listen) => {
    hear = listen;
    return { post: (message) => posted.push(message) };
  };
  const onFenced = (lost: SplitRef): void => holdings.drop(lost);
  const commits = new Commits(worker, lease, errors, onFenced);
  const holdings: Holdings = new Holdings({ worker, commits, errors, paths: [path], onFenced });
  const item: SplitRecord = { split, owner: null, epoch: 3, position: '10', topicId: 'id', accounting: noRecords };
  await splits.create(goal.id, item);
  await holdings.claim([item]);
  const stored = async (): Promise<SplitRecord | undefined> => (await splits.list(goal.id))[0];
  const readTo = (position: number, count: number): SplitReport => ({
    ...holdings.all[0]!.report,
    durable: { position, topicId: 'id', accounting: { ...noRecords, in: count, out: count } },
  });
  return { holdings, commits, errors, posted, stored, readTo, tell: (message: FromPath) => hear(message) };
}

test('a split is nobody else’s until its data path has done with it, and what it read is committed', async () => {
  const { holdings, posted, stored, readTo, tell } = await aHolder();
  const done = holdings.letGo(split, 5_000);
  await settleMicrotasks();
  expect(posted.at(-1)).toEqual({ kind: 'let-go', split: { name: split, epoch: 4 }, withinMs: 5_000 });
  expect(await stored()).toMatchObject({ owner: me, epoch: 4, position: '10' });

  tell({ kind: 'left', split: readTo(25, 15), inOrder: true });
  expect(await done).toBe(true);
  expect(await stored()).toMatchObject({ owner: null, epoch: 4, position: '25', accounting: { in: 15, out: 15 } });
  expect(holdings.all).toEqual([]);
});

test('asked twice it lets go once, and both hear whether something was left to the next owner', async () => {
  const { holdings, posted, readTo, tell } = await aHolder();
  const both = [holdings.letGo(split, 5_000), holdings.letGo(split, 5_000)];
  tell({ kind: 'left', split: readTo(12, 2), inOrder: false });
  expect(await Promise.all(both)).toEqual([false, false]);
  expect(posted.filter(({ kind }) => kind === 'let-go')).toHaveLength(1);
});

test('what a data path says of an epoch that is over changes nothing', async () => {
  const { holdings, stored, readTo, tell } = await aHolder();
  const done = holdings.letGo(split, 5_000);
  tell({ kind: 'left', split: { ...readTo(99, 89), epoch: 3 }, inOrder: true });
  await settleMicrotasks();
  expect(await stored()).toMatchObject({ owner: me, position: '10' });
  tell({ kind: 'left', split: readTo(11, 1), inOrder: true });
  await done;
  expect(await stored()).toMatchObject({ owner: null, position: '11' });
});

test('a split that somebody else took meanwhile is neither committed nor freed', async () => {
  const splits = createMemorySplitStore();
  const { holdings, stored, readTo, tell } = await aHolder(splits);
  const done = holdings.letGo(split, 5_000);
  await splits.claim(goal.id, (await stored())!, 'worker-2');
  tell({ kind: 'left', split: readTo(25, 15), inOrder: true });
  await done;
  expect(await stored()).toMatchObject({ owner: 'worker-2', epoch: 5, position: '10' });
});

test('a commit that is refused tells at once that the split is another’s, and its data path forgets it', async () => {
  const splits = createMemorySplitStore();
  const { holdings, commits, posted, stored, readTo, tell } = await aHolder(splits);
  tell({ kind: 'report', report: aPathReport({ splits: [readTo(25, 15)] }) });
  await splits.claim(goal.id, (await stored())!, 'worker-2');
  await commits.commitAll(holdings.all);
  expect(holdings.all).toEqual([]);
  expect(posted.at(-1)).toEqual({ kind: 'drop', split: { name: split, epoch: 4 } });
  expect(await stored()).toMatchObject({ owner: 'worker-2', position: '10' });
});

test('one that cannot be freed now is told of, and is freed by a later round', async () => {
  const splits = createMemorySplitStore();
  let isAway = true;
  const release: SplitStore['release'] = async (job, held) => {
    if (isAway) throw new Error('the table is away');
    return await splits.release(job, held);
  };
  const { holdings, errors, stored, readTo, tell } = await aHolder({ ...splits, release });
  const done = holdings.letGo(split, 5_000);
  tell({ kind: 'left', split: readTo(25, 15), inOrder: true });
  await done;
  expect(errors.latest()).toMatchObject([{ code: 'release-failed' }]);
  isAway = false;
  await holdings.free([(await stored())!]);
  expect(await stored()).toMatchObject({ owner: null, position: '25' });
});
