// A dead letter: the original record's bytes, with headers that say what failed, where it stood and why.
import type { ErrorClass } from '#core/job/error-class.ts';
import { limits } from '#core/limits.ts';
import { deadLetterHeaders, replaysHeader } from '#core/names.ts';
import type { Slice } from './kafka/output-batch.ts';
import { type Cursor, readVarint, varintBytes, writeVarint } from './kafka/varint.ts';

export interface DeadLetterReason {
  readonly job: string;
  readonly revision: number;
  readonly errorClass: ErrorClass;
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly topic: string;
  /** Empty: of a letter that an older version wrote, and that failed again. */
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly failedAt: number;
  /** How often it was replayed before it failed; 0: never. */
  readonly replays: number;
}

/** The record's own headers, untouched, followed by ours. */
export function deadLetterHeadersOf(original: Slice, reason: DeadLetterReason): Slice {
  const added = Object.entries(deadLetterHeaders).map(([field, name]) => {
    const value = reason[field as keyof typeof deadLetterHeaders];
    return [Buffer.from(name), field === 'errorMessage' ? cut(String(value)) : Buffer.from(String(value))] as const;
  });
  if (reason.replays > 0) added.push([Buffer.from(replaysHeader), Buffer.from(String(reason.replays))]);
  const from = Buffer.from(original.bytes.buffer, original.bytes.byteOffset, original.bytes.length);
  const cursor: Cursor = { at: original.start };
  const count = readVarint(from, cursor) + added.length;
  const kept = original.end - cursor.at;
  const size = added.reduce(
    (sum, [name, value]) => sum + fieldBytes(name) + fieldBytes(value),
    varintBytes(count) + kept,
  );
  const bytes = Buffer.alloc(size);
  let at = writeVarint(bytes, count, 0);
  at += from.copy(bytes, at, cursor.at, original.end);
  for (const field of added.flat())
    at += field.copy(bytes, writeVarint(bytes, field.length, at)) + varintBytes(field.length);
  return { bytes, start: 0, end: at };
}

const ellipsis = Buffer.from('…');

/** Its beginning, where it is longer than a reason may be. */
function cut(message: string): Buffer {
  const max = limits.deadLetterMessageBytesMax;
  const bytes = Buffer.from(message.slice(0, max + 1));
  if (bytes.length <= max) return bytes;
  let end = max - ellipsis.length;
  while (isInCharacter(bytes[end]!)) end--;
  return Buffer.concat([bytes.subarray(0, end), ellipsis]);
}

/** No first byte of a character in UTF-8. */
const isInCharacter = (byte: number): boolean => (byte & 0xc0) === 0x80;

const fieldBytes = (field: Buffer): number => varintBytes(field.length) + field.length;
