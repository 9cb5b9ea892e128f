// The leader's items: which splits there are, and where one that has none begins.
import { expect, test } from '@jest/globals';
import type { CheckpointManifest } from '#core/checkpoint/manifest.ts';
import { noRecords } from '#core/job/accounting.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { aJobEntry } from '#test/support/builders.ts';
import { createMemorySplitStore } from '#test/support/memory-split-store.ts';
import type { Checkpoints } from '#workers/checkpoints.ts';
import { Leader } from '#workers/leader.ts';
import type { WorkerParts } from '#workers/parts.ts';

const { goal } = aJobEntry();
const { topic } = goal.source;
const ends = { earliest: 5, latest: 500 };

/** Of a topic of two partitions; `saved`: what the newest checkpoint says of splits. */
function aLeader(saved: CheckpointManifest['splits'] | null, start: 'earliest' | 'latest' = 'earliest') {
  const parts = {
    ...{ goal: { ...goal, source: { ...goal.source, start: { kind: start } } }, splits: createMemorySplitStore() },
    cluster: {
      topic: () => ({ topic, topicId: 'id', leaders: [1, 1] }),
      offset: async (_topic: string, _partition: number, at: number) => (at === -2 ? ends.earliest : ends.latest),
    },
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  } as unknown as WorkerParts;
  const load = async () => (saved === null ? null : ({ splits: saved } as CheckpointManifest));
  return new Leader(parts, { load } as unknown as Checkpoints);
}

const anItem = (split: string, position: string): SplitRecord => ({
  ...{ split, owner: null, epoch: 3, position, topicId: 'id', accounting: noRecords },
});
const placesOf = (records: readonly SplitRecord[]): Readonly<Record<string, string>> =>
  Object.fromEntries(records.map(({ split, position }) => [split, position]));

test('an item that was lost begins where the newest checkpoint has it, with a newer epoch', async () => {
  const saved = { split: `${topic}/1`, topicId: 'id', epoch: 7, position: '120', accounting: noRecords };
  const records = await aLeader([saved]).ensureItems([anItem(`${topic}/0`, '80')]);
  expect(placesOf(records)).toEqual({ [`${topic}/0`]: '80', [`${topic}/1`]: '120' });
  expect(records.find(({ split }) => split === `${topic}/1`)?.epoch).toBe(8);
});

test('a partition that was added later is read from its earliest record', async () => {
  const records = await aLeader([]).ensureItems([anItem(`${topic}/0`, '80')]);
  expect(placesOf(records)).toEqual({ [`${topic}/0`]: '80', [`${topic}/1`]: '5' });
});

test('items of a source that the route had before are nobody’s', async () => {
  const former = anItem('another-topic/0', '9');
  const records = await aLeader([]).ensureItems([former, anItem(`${topic}/0`, '80'), anItem(`${topic}/1`, '81')]);
  expect(placesOf(records)).toEqual({ [`${topic}/0`]: '80', [`${topic}/1`]: '81' });
});

test('another source is begun where the route says, whatever was read of the one before', async () => {
  const records = await aLeader(null, 'latest').ensureItems([anItem('another-topic/0', '9')]);
  expect(placesOf(records)).toEqual({ [`${topic}/0`]: `${ends.latest}`, [`${topic}/1`]: `${ends.latest}` });
});

test('an item of a partition that the topic made anew has not any more is kept, and is nobody’s', async () => {
  const gone = anItem(`${topic}/2`, '9');
  const records = await aLeader([]).ensureItems([gone, anItem(`${topic}/0`, '80'), anItem(`${topic}/1`, '81')]);
  expect(placesOf(records)).toEqual({ [`${topic}/0`]: '80', [`${topic}/1`]: '81' });
});
