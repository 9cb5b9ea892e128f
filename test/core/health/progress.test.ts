// Progress is health: what counts as a stall, and what does not.
import { describe, expect, test } from '@jest/globals';
import { judgeProgress, type ProgressFacts } from '#core/health/progress.ts';

const facts = (changes: Partial<ProgressFacts> = {}): ProgressFacts => ({
  nowMs: 100_000,
  stalledAfterMs: 30_000,
  splits: [{ split: 't/0', lagRecords: 5, movedMs: 69_000 }],
  refusedMs: null,
  ...changes,
});

describe('a worker', () => {
  test('with lag that has not moved for the time allowed is stalled [fault 56]', () =>
    expect(judgeProgress(facts())).toEqual({ kind: 'stalled', splits: ['t/0'], forMs: 31_000 }));
  test('without lag is idle, however long nothing moved', () =>
    expect(judgeProgress(facts({ splits: [{ split: 't/0', lagRecords: 0, movedMs: 0 }] })).kind).toBe('idle'));
  test('without splits is idle', () => expect(judgeProgress(facts({ splits: [] })).kind).toBe('idle'));
  test('of whose lagging splits one moves is moving', () => {
    const splits = [...facts().splits, { split: 't/1', lagRecords: 9, movedMs: 99_000 }];
    expect(judgeProgress(facts({ splits })).kind).toBe('moving');
  });
  test('is stalled although a split without lag counts as moved', () => {
    const splits = [...facts().splits, { split: 't/1', lagRecords: 0, movedMs: 99_999 }];
    expect(judgeProgress(facts({ splits })).kind).toBe('stalled');
  });
  test('is held up while the sink refuses, and for the time allowed after', () => {
    expect(judgeProgress(facts({ refusedMs: 99_900 })).kind).toBe('held-up');
    expect(judgeProgress(facts({ refusedMs: 70_001 })).kind).toBe('held-up');
    expect(judgeProgress(facts({ refusedMs: 69_999 })).kind).toBe('stalled');
  });
});
