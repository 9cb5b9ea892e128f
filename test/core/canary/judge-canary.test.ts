// A revision on trial is judged by what it did beside what the one that runs did in the same time; and nothing else is.
import { describe, expect, test } from '@jest/globals';
import { recordsEnough, recordsMin } from '#core/canary/compare-revisions.ts';
import { type CanaryFacts, judgeCanary } from '#core/canary/judge-canary.ts';
import { type Accounting, noRecords } from '#core/job/accounting.ts';
import type { Heartbeat } from '#core/job/heartbeat.ts';
import { aHeartbeat, aJobEntry, aSplit, theTime } from '#test/support/builders.ts';

const entry = aJobEntry();
const account = (read: number, bad = 0): Accounting => ({ ...noRecords, in: read, out: read - bad, deadLettered: bad });
const beat = (incarnation: number, accounting: Accounting, changes: Partial<Heartbeat> = {}): Heartbeat =>
  aHeartbeat(entry, incarnation, { accounting, ...changes });

const facts = (changes: Partial<CanaryFacts>): CanaryFacts => ({
  ...{ canary: [beat(2, account(100))], running: [beat(1, account(9_100))], baseline: { 1: account(9_000) } },
  ...{ ownFault: null, now: theTime, since: theTime - 20_000, leaseMs: 5_000, deadlineMs: 60_000 },
  ...changes,
});
const kindOf = (changes: Partial<CanaryFacts>): string => judgeCanary(facts(changes)).kind;

describe('a revision on trial', () => {
  test('has to show more until it has read enough, or its time is over', () => {
    expect(kindOf({})).toBe('open');
    expect(kindOf({ canary: [beat(2, account(recordsEnough))] })).toBe('promoted');
    expect(kindOf({ since: theTime - 60_000 })).toBe('promoted');
  });

  test('is not judged before it has lived for a lease, reports, and reads what waits', () => {
    const late = { since: theTime - 60_000 };
    expect(kindOf({ ...late, canary: [beat(2, account(100), { startedAt: theTime - 1_000 })] })).toBe('open');
    expect(kindOf({ ...late, canary: [] })).toBe('open');
    expect(kindOf({ ...late, canary: [beat(2, noRecords, { splits: [] })] })).toBe('open');
    expect(kindOf({ ...late, canary: [beat(2, noRecords, { splits: [aSplit({ lagRecords: 3 })] })] })).toBe('open');
    expect(kindOf({ ...late, canary: [beat(2, noRecords)] })).toBe('promoted');
  });

  test('makes room where more of its records are bad than by chance, and more than beside it', () => {
    expect(kindOf({ canary: [beat(2, account(100, 20))] })).toBe('rejected');
    expect(kindOf({ canary: [beat(2, account(30, 30))] })).toBe('rejected');
    expect(kindOf({ canary: [beat(2, account(10, 10))] })).toBe('open');
    expect(kindOf({ canary: [beat(2, account(30, 3))] })).toBe('open');
    expect(kindOf({ canary: [beat(2, account(100, 20))], running: [beat(1, account(9_200, 60))] })).toBe('open');
  });

  test('does not answer for what retention took before it was read, nor has it read that', () => {
    const half = { ...account(100), in: 100, out: 50, dropped: { retention: 50 } };
    expect(kindOf({ canary: [beat(2, half)] })).toBe('open');
    const all = { ...noRecords, in: recordsEnough, dropped: { retention: recordsEnough } };
    expect(judgeCanary(facts({ canary: [beat(2, all)] }))).toMatchObject({ kind: 'open' });
    expect(kindOf({ canary: [beat(2, { ...half, deadLettered: 20, out: 30 })] })).toBe('rejected');
  });

  test('makes room where less than half as many of its records succeed, however many are bad beside it', () => {
    const kindBeside = (share: number, read: number, bad = read) =>
      kindOf({
        canary: [beat(2, account(read, bad))],
        running: [beat(1, account(10_000, share * 10_000))],
        baseline: {},
      });
    for (const share of [0.4, 0.49, 0.5, 0.6, 0.9, 0.98])
      expect([share, kindBeside(share, recordsEnough)]).toEqual([share, 'rejected']);
    expect(kindBeside(0.6, recordsEnough, 750)).toBe('promoted');
    expect(kindBeside(0.6, recordsEnough, 850)).toBe('rejected');
    // All of few are bad by chance there.
    expect(kindBeside(0.9, recordsMin)).toBe('open');
    expect(kindBeside(1, recordsEnough)).toBe('promoted');
  });

  test('is not rejected beside one that has read nothing yet: it may be the records’ own fault; at its deadline it makes room', () => {
    const beside = { canary: [beat(2, account(100, 20))], running: [], baseline: {} };
    expect(kindOf(beside)).toBe('open');
    expect(kindOf({ ...beside, since: theTime - 60_000 })).toBe('rejected');
  });

  test('is compared with what was done since it began, not with what was before', () => {
    const running = [beat(1, account(10_000, 5_000))];
    const baseline = { 1: account(9_000, 5_000) };
    expect(kindOf({ canary: [beat(2, account(100, 30))], running, baseline })).toBe('rejected');
  });

  test('makes room where its books do not balance, or its worker is at fault', () => {
    expect(kindOf({ canary: [beat(2, { ...account(100), filtered: 1 })] })).toBe('rejected');
    expect(judgeCanary(facts({ ownFault: 'a worker ended 2 times' }))).toMatchObject({
      ...{ kind: 'rejected', why: 'a worker ended 2 times' },
    });
  });

  test('that falls behind, or takes many times as long, gets its time to get over it, and no more', () => {
    const behind = [beat(2, account(5_000), { splits: [aSplit({ lagRecords: 50_000 })] })];
    const slow = [beat(2, account(5_000), { busyRatio: 1, inPerSecond: 60 })];
    const running = [beat(1, account(20_000), { busyRatio: 0.2, inPerSecond: 600 })];
    for (const canary of [behind, slow]) {
      expect(kindOf({ canary, running })).toBe('open');
      expect(kindOf({ canary, running, since: theTime - 60_000 })).toBe('rejected');
    }
  });

  test('that leaves more out is not judged for it: that may be what it is for', () => {
    expect(kindOf({ canary: [beat(2, { ...account(recordsEnough), out: 0, filtered: recordsEnough })] })).toBe(
      'promoted',
    );
  });
});
