// Checkpoints: read only when whole and ours, tried newest first, pruned oldest first.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { CheckpointManifest } from '#core/checkpoint/manifest.ts';
import { keysToRemove, newestFirst, readManifest, splitIn } from '#core/checkpoint/read-manifest.ts';
import { objectKeys } from '#core/names.ts';

const manifest: CheckpointManifest = {
  formatVersion: 1,
  minReaderVersion: 1,
  job: 'default/plays.out@u1',
  uid: 'u1',
  revision: 3,
  sequence: 12,
  takenAt: 1_800_000_000_000,
  worker: 'default/plays.out@u1/00000001/0',
  splits: [
    {
      split: 't/0',
      topicId: 'x',
      epoch: 4,
      position: '123',
      accounting: { in: 3, out: 1, filtered: 1, deadLettered: 0, dropped: { poison: 1 } },
    },
  ],
};
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const read = (value: Uint8Array) => readManifest(value, manifest.job, manifest.uid);
const keyOf = (sequence: number): string => objectKeys.checkpoint(manifest.job, manifest.uid, sequence);

describe('a manifest', () => {
  test('is read as it was written', () => {
    expect(read(bytes(manifest))).toEqual({ ok: true, value: manifest });
    expect(splitIn(manifest, 't/0')?.position).toBe('123');
    expect(splitIn(manifest, 't/9')).toBeNull();
  });

  test.each([
    ['a newer format', { ...manifest, formatVersion: 2 }],
    ['a newer reader’s', { ...manifest, minReaderVersion: 2 }],
    ['another life of the job', { ...manifest, uid: 'u2' }],
    ['a position that is no number', { ...manifest, splits: [{ ...manifest.splits[0], position: '-1' }] }],
    ['no splits', { ...manifest, splits: undefined }],
  ])('of %s is refused [fault 73] [fault 121]', (_what, value) => expect(read(bytes(value)).ok).toBe(false));

  test('that is cut short is refused, wherever [fault 70]', () => {
    const whole = bytes(manifest);
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), (length) =>
        expect(read(whole.subarray(0, length)).ok).toBe(false),
      ),
    );
  });
});

describe('the keys of checkpoints', () => {
  test('are tried newest first, and what is no checkpoint is passed over [fault 76]', () => {
    expect(newestFirst([keyOf(9), `${keyOf(1)}.tmp`, keyOf(100), keyOf(10)])).toEqual([
      keyOf(100),
      keyOf(10),
      keyOf(9),
    ]);
  });

  test('beyond the newest few are removed, oldest first', () => {
    const keys = [1, 2, 3, 4, 5].map(keyOf);
    expect(keysToRemove(keys, 2)).toEqual([1, 2, 3].map(keyOf));
    expect(keysToRemove(keys, 9)).toEqual([]);
  });
});
