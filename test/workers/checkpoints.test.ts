// The leader's checkpoints: one of a higher number is never older than one of a lower, whoever took them.
import { expect, test } from '@jest/globals';
import { newestFirst, readManifest } from '#core/checkpoint/read-manifest.ts';
import { noRecords } from '#core/job/accounting.ts';
import { objectKeys } from '#core/names.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { aJobGoal, theTime } from '#test/support/builders.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { silent } from '#test/support/silent-logger.ts';
import { Checkpoints } from '#workers/checkpoints.ts';
import type { WorkerParts } from '#workers/parts.ts';

const goal = aJobGoal();

/** A job whose one split stands where `position` says, and its leaders. */
function rig() {
  const objects = createMemoryObjectStore();
  const job = { position: '0', epoch: 1, onListing: async (): Promise<void> => {} };
  const record = (): SplitRecord => ({
    ...{
      split: 'events/0',
      topicId: 't',
      owner: null,
      epoch: job.epoch,
      position: job.position,
      accounting: noRecords,
    },
  });
  const leader = (worker: string, isHeldUp = false): Checkpoints =>
    new Checkpoints({
      ...{ goal, log: silent, clock: { now: () => theTime, monotonicMs: () => 0 }, identity: { job: goal.id, worker } },
      splits: { list: async () => [record()] },
      objects: {
        ...objects,
        list: async (prefix: string) => {
          if (isHeldUp) await job.onListing();
          return await objects.list(prefix);
        },
      },
    } as unknown as WorkerParts);
  const stored = async () => {
    const keys = newestFirst(await objects.list(objectKeys.checkpointPrefix(goal.id, goal.uid)));
    const read = readManifest((await objects.get(keys[0]!))!, goal.id, goal.uid);
    if (!read.ok) throw new Error(read.problem);
    const { sequence, worker, splits } = read.value;
    return { sequence, worker, position: splits[0]!.position, epoch: splits[0]!.epoch };
  };
  return { job, leader, stored };
}

test('a leader that stood still while another led does not hide that one’s checkpoints behind what it had read before', async () => {
  const { job, leader, stored } = rig();
  const [old, successor] = [leader('w1', true), leader('w2')];
  job.position = '33';
  // It stands still while it asks which numbers there are; the other goes on, and nothing happens after that.
  job.onListing = async () => {
    Object.assign(job, { position: '42', epoch: 2, onListing: async () => {} });
    await successor.take();
  };
  await old.take();
  expect(await stored()).toMatchObject({ position: '42', epoch: 2 });
});

test('where another was quicker with a number, its checkpoint stands, and the next has the number behind it', async () => {
  const { job, leader, stored } = rig();
  const [first, second] = [leader('w1'), leader('w2')];
  await first.take();
  await second.take();
  job.position = '10';
  await first.take();
  job.position = '20';
  await second.take();
  expect(await stored()).toMatchObject({ sequence: 2, worker: 'w1', position: '10' });
  await second.take();
  expect(await stored()).toMatchObject({ sequence: 3, worker: 'w2', position: '20' });
});
