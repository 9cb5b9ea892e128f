// Where the new source of a switched job begins: never behind what was read, never where events are gone.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { noRecords } from '#core/job/accounting.ts';
import {
  type LeftSplit,
  planSink,
  planSourceByTime,
  planSourceEarliest,
  reachedAt,
  type SourceFacts,
  switchReceipt,
} from '#core/operations/switch.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { aJobGoal } from '#test/support/builders.ts';

const facts: SourceFacts = {
  ...{
    goal: aJobGoal(),
    to: { stream: 'mirror', topic: 'mirror', topicId: 't2' },
    left: [],
    overlapMs: 0,
    revision: 4,
  },
  positions: [
    { partition: 1, earliest: '0', latest: '7' },
    { partition: 0, earliest: '50', latest: '90' },
  ],
};
const left = (lastReadAt: number | null, waitsFrom: number | null): LeftSplit => ({
  ...{ split: 'playback-events/0', position: '1', lastReadAt, waitsFrom },
});

describe('the time that a source was read to', () => {
  test('is before every event that waits, whichever partition it is in', () => {
    const time = fc.option(fc.nat(10_000));
    fc.assert(
      fc.property(fc.array(fc.tuple(time, time), { minLength: 1, maxLength: 8 }), (pairs) => {
        const at = reachedAt(pairs.map(([lastReadAt, waitsFrom]) => left(lastReadAt, waitsFrom)));
        for (const [, waitsFrom] of pairs) if (waitsFrom !== null) expect(at).toBeLessThanOrEqual(waitsFrom);
        expect(at === null).toBe(pairs.every(([lastReadAt, waitsFrom]) => lastReadAt === null && waitsFrom === null));
      }),
    );
  });

  test('is that of the last event read where none waits: its like may be among those that are read', () => {
    expect(reachedAt([left(500, null), left(700, null)])).toBe(500);
    expect(reachedAt([left(500, null), left(700, 900)])).toBe(500);
  });
});

describe('a new source', () => {
  test('is begun by time, at its end where nothing is so new, split by split', () => {
    const planned = planSourceByTime(
      facts,
      1_000,
      new Map([
        [0, '60'],
        [1, null],
      ]),
    );
    expect(planned).toMatchObject({
      ok: true,
      value: {
        ...{ what: 'source', from: 'playback-events', to: 'mirror', revision: 4, readFrom: 1_000 },
        splits: [
          { split: 'mirror/0', topicId: 't2', to: '60' },
          { split: 'mirror/1', topicId: 't2', to: '7' },
        ],
        duplicates: { absorbed: false },
      },
    });
  });

  test('is refused where retention may have taken what was not read', () => {
    const planned = planSourceByTime(
      facts,
      1_000,
      new Map([
        [0, '50'],
        [1, '0'],
      ]),
    );
    expect(planned).toMatchObject({ ok: false, problem: { code: 'retention-passed' } });
  });

  test('is begun at its earliest event where that is asked for', () => {
    expect(planSourceEarliest(facts).splits.map(({ to }) => to)).toEqual(['50', '0']);
  });
});

describe('a receipt', () => {
  const record = (split: string, position: string): SplitRecord => ({
    ...{ split, owner: null, epoch: 1, position, topicId: 't', accounting: noRecords },
  });

  test('says where the old source was left and the new one begun', () => {
    const plan = planSourceEarliest(facts);
    const records = [record('playback-events/0', '400'), record('mirror/0', '55'), record('mirror/1', '2')];
    expect(switchReceipt(plan, 'mirror', records, 900)).toMatchObject({
      left: [{ split: 'playback-events/0', at: '400' }],
      begun: [
        { split: 'mirror/0', at: '50' },
        { split: 'mirror/1', at: '0' },
      ],
    });
  });

  test('says of a sink from where on events go to the new one', () => {
    const placed = { operation: 'op', sequence: 3, from: '400', to: '400', rewoundRecords: 0 };
    const records = [{ ...record('playback-events/0', '480'), placed }];
    expect(switchReceipt(planSink('plays', 'plays-2', 4), 'playback-events', records, 900)).toMatchObject({
      begun: [{ split: 'playback-events/0', at: '400' }],
    });
  });
});
