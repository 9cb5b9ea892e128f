// A journal entry comes back as it was written, its account with every count in it.
import { describe, expect, test } from '@jest/globals';
import { type JournalEntry, readJournalEntry } from '#core/warehouse/journal-entry.ts';

const entry: JournalEntry = {
  ...{ formatVersion: 1, kind: 'files', split: 'plays/3', epoch: 2, worker: 'w2', at: 1_000 },
  ...{ first: '10', position: '20', topicId: 'A', placement: 1 },
  accounting: { in: 12, out: 9, filtered: 1, deadLettered: 1, dropped: { poison: 1 }, emitted: 27 },
  files: [{ staged: 'staging/a', key: 'tables/a', folder: 'day=2026-01-01', rows: 27, bytes: 500 }],
};

const read = (written: object) => readJournalEntry(Buffer.from(JSON.stringify(written)), 'plays/3');

describe('an entry of the journal', () => {
  test('reads as it was written, what the records became included', () => {
    expect(read(entry)).toEqual({ ok: true, value: entry });
  });

  test('of a route that makes nothing more of its records has no such count, nor gets one', () => {
    const { emitted: _, ...accounting } = entry.accounting;
    expect(read({ ...entry, accounting })).toEqual({ ok: true, value: { ...entry, accounting } });
  });

  test('of another split, or one that is cut short, is refused', () => {
    expect(read({ ...entry, split: 'plays/4' })).toMatchObject({ ok: false });
    expect(readJournalEntry(Buffer.from('{"formatVersion": 1'), 'plays/3')).toMatchObject({ ok: false });
  });
});
