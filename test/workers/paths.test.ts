// A worker's data paths as its main part sees them: asked, told, added up, and how many there are.
import { describe, expect, test } from '@jest/globals';
import { aPathReport } from '#test/support/builders.ts';
import { mergeErrors } from '#workers/errors-seen.ts';
import { Lease } from '#workers/lease.ts';
import type { FromPath, OpenPath, ToPath } from '#workers/path-messages.ts';
import { Paths } from '#workers/paths.ts';
import { threadCount } from '#workers/threads.ts';

/** Paths that answer when they are told to. */
function openPaths(count: number): { paths: Paths; heard: ToPath[][]; say: (path: number, message: FromPath) => void } {
  const heard: ToPath[][] = Array.from({ length: count }, () => []);
  const ears: ((message: FromPath) => void)[] = [];
  const open = heard.map(
    (messages): OpenPath =>
      (hear) => {
        ears.push(hear);
        return { post: (message) => messages.push(message) };
      },
  );
  const paths = new Paths(open, { onSplits: () => {}, onLeft: () => {}, onFenced: () => {} });
  return { paths, heard, say: (path, message) => ears[path]!(message) };
}

describe('asking', () => {
  test('is over when every path has answered, and whoever asks meanwhile waits for the same answers', async () => {
    const { paths, heard, say } = openPaths(2);
    let answered = 0;
    const asked = [paths.look(), paths.look()].map((each) => each.then(() => answered++));
    expect(heard).toEqual([[{ kind: 'report' }], [{ kind: 'report' }]]);
    say(0, { kind: 'report', report: aPathReport() });
    say(0, { kind: 'report', report: aPathReport() });
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(0);
    say(1, { kind: 'report', report: aPathReport() });
    await Promise.all(asked);
    void paths.look();
    expect(heard[0]).toHaveLength(2);
  });

  test('adds up what they say: the newest event, the oldest row that waits, whoever is refused', () => {
    const { paths, say } = openPaths(3);
    const gathering = { records: 1, bytes: 10, oldestAt: 5, dueAt: 50 };
    say(0, { kind: 'report', report: aPathReport({ newestAt: 7, mismatchCount: 1, gathering }) });
    say(1, {
      kind: 'report',
      report: aPathReport({ isRefused: true, gathering: { ...gathering, oldestAt: 3, dueAt: 30 } }),
    });
    say(2, { kind: 'report', report: aPathReport({ newestAt: 9, mismatchCount: 2 }) });
    expect(paths.state).toMatchObject({
      ...{ isRefused: true, newestAt: 9, mismatchCount: 3 },
      gathering: { records: 2, bytes: 20, oldestAt: 3, dueAt: 30 },
    });
  });

  test('closing is over when the last has closed', async () => {
    const { paths, say } = openPaths(2);
    let isClosed = false;
    const closing = paths.close().then(() => {
      isClosed = true;
    });
    say(1, { kind: 'closed' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    say(0, { kind: 'closed' });
    await closing;
  });
});

test('errors of several are told as if one had seen them all', () => {
  const error = (code: string, at: number, count: number, message = code) => ({ code, at, count, message });
  expect(
    mergeErrors([[error('replay', 9, 2, 'later')], [error('poison', 5, 1), error('replay', 4, 3, 'earlier')]]),
  ).toEqual([error('replay', 9, 5, 'later'), error('poison', 5, 1)]);
});

test('the lease that one renews holds for all who see its memory, and is over for all', () => {
  let nowMs = 1_000;
  const mine = new Lease(100, () => nowMs);
  const theirs = new Lease(100, () => nowMs, mine.memory);
  expect([theirs.isHeld, theirs.isOver]).toEqual([false, false]);
  mine.renew(1_000);
  nowMs = 1_099;
  expect([mine.isHeld, theirs.isHeld]).toEqual([true, true]);
  mine.renew(1_050);
  mine.renew(1_020);
  nowMs = 1_149;
  expect(theirs.isHeld).toBe(true);
  nowMs = 1_150;
  expect([theirs.isHeld, theirs.isOver]).toEqual([false, true]);
});

test.each(['seen', 'not seen'])(
  'a lease that was over, %s by anybody, is not renewed by an answer that comes late',
  (by) => {
    let nowMs = 1_000;
    const mine = new Lease(100, () => nowMs);
    const theirs = new Lease(100, () => nowMs, mine.memory);
    mine.renew(1_000);
    nowMs = 1_100;
    if (by === 'seen') expect(theirs.isHeld).toBe(false);
    mine.renew(1_050);
    expect([mine.isHeld, theirs.isHeld, mine.isOver, theirs.isOver]).toEqual([false, false, true, true]);
  },
);

test.each([
  [0.25, 512, 1],
  [1, 2_048, 1],
  [1.9, 4_096, 1],
  [2, 512, 2],
  [4, 512, 2],
  [4, 16_384, 4],
  [2, 256, 1],
])('with %d processors and %d MiB a worker has %d data threads', (cpu, memoryMiB, threads) => {
  const resources = { workers: 1, cpu, memoryMiB };
  expect(threadCount({ resources })).toBe(threads);
  const replay = { errorClass: null, errorCode: null, where: null, ends: {}, recordsPerSecond: 10 };
  expect(threadCount({ resources, replay })).toBe(1);
});
