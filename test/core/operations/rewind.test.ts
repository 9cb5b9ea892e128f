// Where a rewind puts each split, and what it refuses: never past what is there, never forward, never into another life of a topic.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CheckpointManifest } from '#core/checkpoint/manifest.ts';
import { noRecords } from '#core/job/accounting.ts';
import { planRewind, type RewindFacts, readRewindTarget, rewindReceipt } from '#core/operations/rewind.ts';
import type { SplitRecord } from '#core/ports/split-store.ts';
import { aJobGoal, theTime } from '#test/support/builders.ts';

const aRecord = (partition: number, position: string, changes: Partial<SplitRecord> = {}): SplitRecord => ({
  ...{ split: `playback-events/${partition}`, owner: 'w', epoch: 3, position, topicId: 't1', accounting: noRecords },
  ...changes,
});

function planned(asked: string, changes: Partial<RewindFacts> = {}) {
  const target = readRewindTarget(asked, theTime);
  if (!target.ok) return target;
  return planRewind({
    ...{ asked, target: target.value, goal: aJobGoal(), topicId: 't1' },
    splits: [aRecord(0, '100'), aRecord(1, '40')],
    positions: [
      { partition: 0, earliest: '0', latest: '120' },
      { partition: 1, earliest: '30', latest: '40' },
    ],
    offsetsAt: new Map(),
    checkpoint: null,
    checkpoints: [],
    ...changes,
  });
}

const placesOf = (result: ReturnType<typeof planned>): unknown =>
  result.ok && 'splits' in result.value ? result.value.splits.map(({ split, to }) => [split, to]) : result;

describe('what is asked for', () => {
  test.each([
    ['earliest', { kind: 'earliest' }],
    ['2026-01-31T12:00:00Z', { kind: 'time', at: Date.UTC(2026, 0, 31, 12) }],
    ['2026-01-31T12:00:00+01:00', { kind: 'time', at: Date.UTC(2026, 0, 31, 11) }],
    ['15m', { kind: 'time', at: theTime - 900_000 }],
    ['1200', { kind: 'offset', offset: '1200' }],
    ['9223372036854775807', { kind: 'offset', offset: '9223372036854775807' }],
    ['0:1200,3:40', { kind: 'offsets', offsets: { 0: '1200', 3: '40' } }],
    ['checkpoint:12', { kind: 'checkpoint', sequence: 12 }],
  ])('%s is understood', (text, target) => {
    expect(readRewindTarget(text, theTime)).toEqual({ ok: true, value: target });
  });

  test.each([
    'latest',
    'yesterday',
    '-5',
    '1.5',
    '0:1,0:2',
    'checkpoint:',
    '2026-13-45T00:00:00Z',
    '',
    '0:',
    '2026-01-31',
  ])('%j is refused with the forms there are', (text) => {
    expect(readRewindTarget(text, theTime)).toMatchObject({
      ok: false,
      problem: { code: 'target-invalid', fix: expect.stringContaining('checkpoint:N') },
    });
  });
});

describe('a plan', () => {
  test('to the earliest goes back to what each partition still holds', () => {
    expect(placesOf(planned('earliest'))).toEqual([
      ['playback-events/0', '0'],
      ['playback-events/1', '30'],
    ]);
  });

  test('says how many records come again, and that a stream takes them as new ones', () => {
    expect(planned('earliest')).toMatchObject({ value: { records: 110, duplicates: { absorbed: false } } });
  });

  test('to a time leaves splits that stand before it where they are, and partitions without a later record', () => {
    const offsetsAt = new Map([
      [0, '70'],
      [1, null],
    ]);
    expect(placesOf(planned('15m', { offsetsAt }))).toEqual([['playback-events/0', '70']]);
  });

  test('to a time that retention has passed is refused, with what there is', () => {
    const offsetsAt = new Map([
      [0, '70'],
      [1, '30'],
    ]);
    expect(planned('15m', { offsetsAt })).toMatchObject({
      problem: {
        code: 'retention-passed',
        message: expect.stringContaining('30'),
        fix: expect.stringContaining('earliest'),
      },
    });
  });

  test('to an offset that retention has passed is refused', () => {
    expect(planned('1:29')).toMatchObject({ problem: { code: 'retention-passed' } });
    expect(placesOf(planned('1:30'))).toEqual([['playback-events/1', '30']]);
  });

  test('that would go forward, or beyond the end, is refused: records would be left out', () => {
    expect(planned('0:101')).toMatchObject({
      problem: {
        code: 'beyond-position',
        message: expect.stringContaining('1 record(s)'),
        fix: expect.stringContaining('0 to 100'),
      },
    });
    expect(planned('60')).toMatchObject({ problem: { code: 'beyond-position' } });
    expect(planned('7:1')).toMatchObject({ problem: { code: 'target-invalid' } });
  });

  test('to a checkpoint goes back to its positions, as far as it knows the splits', () => {
    const checkpoint: CheckpointManifest = {
      ...{ formatVersion: 1, minReaderVersion: 1, job: 'j', uid: 'u1', revision: 1, sequence: 4, takenAt: 0 },
      ...{ worker: 'w', splits: [aRecord(0, '55'), aRecord(1, '35', { topicId: 'another' })] },
    };
    expect(placesOf(planned('checkpoint:4', { checkpoint }))).toEqual([['playback-events/0', '55']]);
    expect(planned('checkpoint:9', { checkpoints: [5, 4] })).toMatchObject({
      problem: { code: 'no-checkpoint', fix: 'there are 5, 4' },
    });
  });

  test('is refused while a split stands in an earlier life of the topic, before anything was read, and for nothing', () => {
    const old = [aRecord(0, '100', { topicId: 't0' })];
    expect(planned('earliest', { splits: old })).toMatchObject({ problem: { code: 'topic-new' } });
    expect(planned('earliest', { splits: [] })).toMatchObject({ problem: { code: 'nothing-read' } });
    const done = [aRecord(0, '0'), aRecord(1, '30')];
    expect(planned('earliest', { splits: done })).toMatchObject({ problem: { code: 'nothing-to-rewind' } });
  });

  test('whatever is asked, goes back, within what the broker holds, or is refused', () => {
    const bounds = fc
      .tuple(fc.nat(1_000), fc.nat(1_000), fc.nat(1_000))
      .map(([earliest, more, most]) => ({ earliest, position: earliest + more, latest: earliest + more + most }));
    const asked = fc.oneof(
      fc.constant('earliest'),
      fc.constant('1h'),
      fc.nat(3_000).map(String),
      fc.tuple(fc.nat(3), fc.nat(3_000)).map(([partition, offset]) => `${partition}:${offset}`),
    );
    fc.assert(
      fc.property(
        asked,
        fc.array(bounds, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(3_000)),
        (text, all, times) => {
          const result = planned(text, {
            splits: all.map(({ position }, partition) => aRecord(partition, String(position))),
            positions: all.map(({ earliest, latest }, partition) => ({
              partition,
              earliest: String(earliest),
              latest: String(latest),
            })),
            offsetsAt: new Map(
              all.map(({ earliest, latest }, partition) => {
                const at = Math.max(earliest, times[partition] ?? latest);
                return [partition, at < latest ? String(at) : null];
              }),
            ),
          });
          if (!result.ok || !('splits' in result.value)) return;
          for (const { split, from, to, records } of result.value.splits) {
            const { earliest, position } = all[Number(split.split('/')[1])]!;
            expect(Number(to)).toBeGreaterThanOrEqual(earliest);
            expect(Number(to)).toBeLessThan(position);
            expect([Number(from), records]).toEqual([position, position - Number(to)]);
          }
        },
      ),
    );
  });
});

test('a receipt tells what was done, not what was planned', () => {
  const plan = planned('earliest');
  if (!plan.ok || !('splits' in plan.value)) throw new Error('refused');
  const placed = { operation: 'op', sequence: 3, from: '110', to: '0', rewoundRecords: 110 };
  const records = [aRecord(0, '0', { placed }), aRecord(1, '40', { placed: { ...placed, operation: 'another' } })];
  expect(rewindReceipt(plan.value, 'op', records, 1_500)).toMatchObject({
    splits: [{ split: 'playback-events/0', from: '110', to: '0' }],
    ...{ records: 110, tookMs: 1_500 },
  });
});
