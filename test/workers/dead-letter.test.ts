// A dead letter's headers: its reason is told, and never takes the room of the record that it is about.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deadLetterHeadersOf } from '#workers/dead-letter.ts';
import { noHeaders } from '#workers/kafka/output-batch.ts';
import { type Cursor, readVarint } from '#workers/kafka/varint.ts';

function headersOf(errorMessage: string): ReadonlyMap<string, string> {
  const { bytes } = deadLetterHeadersOf(noHeaders, {
    ...{ job: 'plays.out', revision: 3, errorClass: 'poison', errorCode: 'bad', errorMessage },
    ...{ topic: 'plays', topicId: 'life-1', partition: 2, offset: 70, timestamp: 5, failedAt: 9, replays: 0 },
  });
  const from = Buffer.from(bytes);
  const cursor: Cursor = { at: 0 };
  const next = (): string => {
    const length = readVarint(from, cursor);
    cursor.at += length;
    return from.toString('utf8', cursor.at - length, cursor.at);
  };
  return new Map(Array.from({ length: readVarint(from, cursor) }, () => [next(), next()] as const));
}

const reasonOf = (errorMessage: string): string => headersOf(errorMessage).get('millrace-error-message')!;

test('a reason that quotes millions of digits is cut, so that the dead letter is no larger than its topic takes', () => {
  const digits = '9'.repeat(2_700_000);
  const reason = reasonOf(`value "${digits}" is out of range for type bigint`);
  expect(reason).toBe(`value "${'9'.repeat(1_014)}…`);
  expect(Buffer.byteLength(reason)).toBe(1_024);
});

test('a reason is told whole up to a kibibyte, and else is its beginning, with no character cut in two', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 1_500, minLength: 200, size: 'max' });
  fc.assert(
    fc.property(text, (message) => {
      const reason = reasonOf(message);
      const isWhole = Buffer.byteLength(message) <= 1_024;
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(1_024);
      if (isWhole) expect(reason).toBe(message);
      else expect([message.startsWith(reason.slice(0, -1)), reason.at(-1)]).toEqual([true, '…']);
    }),
  );
});
