// Whether a goal store is the one that passes have gone by.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { judgeHistory } from '#core/plan/goal-history.ts';

/** Histories that begin alike and go apart: each change is told by all that came before it, as hashes do. */
const hashAt = (changes: string, sequence: number): string | null =>
  sequence > 0 && sequence <= changes.length ? changes.slice(0, sequence) : null;

const markOf = (changes: string) => ({ sequence: changes.length, hash: changes });

describe('a goal store', () => {
  test.each([
    ['of which nothing was seen', null, 'abc', 'continues'],
    ['that is as it was seen', 'abc', 'abc', 'continues'],
    ['that has new changes', 'abc', 'abcde', 'continues'],
    ['that lacks the newest', 'abc', 'ab', 'went-back'],
    ['that has others in their place', 'abc', 'abx', 'went-back'],
    ['that has others in their place, and more', 'abc', 'abxyz', 'went-back'],
    ['that is empty', 'abc', '', 'empty'],
  ])('%s', (_what, seen, now, kind) => {
    const mark = seen === null ? null : markOf(seen);
    expect(judgeHistory(mark, now.length, mark && hashAt(now, mark.sequence)).kind).toBe(kind);
  });

  test('continues exactly where all that was seen is still in it', () => {
    const changes = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(changes, changes, (seen, now) => {
        const verdict = judgeHistory(markOf(seen), now.length, hashAt(now, seen.length));
        expect(verdict.kind).toBe(now.startsWith(seen) ? 'continues' : 'went-back');
      }),
    );
  });
});
