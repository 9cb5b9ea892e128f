// What a committed transaction says of its split, and whether it or the split's item is the newer.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newerProgress, readNote, type TransactionNote, writeNote } from '#core/checkpoint/transaction-note.ts';
import { limits } from '#core/limits.ts';

const note: TransactionNote = {
  job: 'default/plays.out@u1',
  epoch: 7,
  topicId: 'a',
  accounting: { in: 9, out: 4, filtered: 3, deadLettered: 1, dropped: { poison: 1 } },
  placed: 0,
};

describe('a note', () => {
  test('is read back as it was written', () => {
    expect(readNote(writeNote(note), note.job)).toMatchObject(note);
  });

  test('of another life of the job, or of anybody else, is none', () => {
    expect(readNote(writeNote(note), 'default/plays.out@u2')).toBeNull();
    for (const text of ['', 'offset 4', '{}', '{"version":2}', writeNote(note).slice(0, -2)])
      expect(readNote(text, note.job)).toBeNull();
  });

  test('is no larger than what a broker keeps with an offset', () => {
    const most = 2 ** 53 - 1;
    const dropped = { poison: most, schema: most, 'too-large': most, retention: most };
    const accounting = { in: most, out: most, filtered: most, deadLettered: most, dropped };
    const job = `${'t'.repeat(limits.nameCharsMax)}/${'r'.repeat(80)}@${'u'.repeat(64)}`;
    expect(writeNote({ job, epoch: most, topicId: 'x'.repeat(36), accounting, placed: most }).length).toBeLessThan(
      4_096,
    );
  });
});

describe('of a transaction and an item, the newer', () => {
  const at = (position: number, topicId = 'a', placed = 0) => ({ position, topicId, placed });

  test('is the one that is further in the same topic', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (item, committed) => {
        const newer = newerProgress(at(item), at(committed), 'a');
        expect(newer === 'item' ? item : committed).toBe(Math.max(item, committed));
      }),
    );
  });

  test('is the one in the topic that is there now, where the topic was made anew', () => {
    expect(newerProgress(at(900), at(3, 'b'), 'b')).toBe('committed');
    expect(newerProgress(at(3, 'b'), at(900), 'b')).toBe('item');
  });

  test('is the item where it was rewound since, wherever it stands', () => {
    expect(newerProgress(at(3, 'a', 2), at(900, 'a', 1), 'a')).toBe('item');
    expect(newerProgress(at(3, 'a', 1), at(900, 'a', 1), 'a')).toBe('committed');
    expect(newerProgress(at(900, 'a', 0), at(3, 'a', 1), 'a')).toBe('committed');
  });

  test('is the transaction where neither topic is there any more', () => {
    expect(newerProgress(at(900), at(3, 'b'), null)).toBe('committed');
  });
});
