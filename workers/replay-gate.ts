// In a replay, what stands before the pipeline: which dead letters are meant, and what they were before they became ones.
import { createByteSink, createProcessor, PASSED, type RecordProcessor } from '#core/expression/index.ts';
import type { ReplayGoal } from '#core/job/job-goal.ts';
import { deadLetterHeaders, replaysHeader } from '#core/names.ts';
import type { Slice } from './kafka/output-batch.ts';
import type { RecordReader } from './kafka/record-reader.ts';
import { type Cursor, readVarint, varintBytes, writeVarint } from './kafka/varint.ts';
import type { Split } from './split.ts';

/** Where a dead letter's record stood in the source of its job, and how often it has been replayed, this time included. */
export interface Origin {
  readonly topic: string;
  /** Empty: the letter is of an older version, which did not say. */
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly replays: number;
  /** Why it became a dead letter. */
  readonly errorClass: string;
}

const ours: ReadonlySet<string> = new Set([...Object.values(deadLetterHeaders), replaysHeader]);
/** However the clock jumps, a wait is looked at again after this long. */
const waitMsMax = 250;
/** So much of the rate may go at once. */
const overdrawnMs = 250;

export class ReplayGate {
  readonly #goal: ReplayGoal;
  readonly #where: RecordProcessor | null;
  readonly #out = createByteSink(1024);
  readonly #monotonicMs: () => number;
  /** When the records that were let through so far may have been, at the rate. */
  #dueMs = 0;
  /** Of the record that was admitted last. */
  headers: Slice = { bytes: new Uint8Array(1), start: 0, end: 1 };
  origin: Origin = { topic: '', topicId: '', partition: 0, offset: 0, replays: 1, errorClass: '' };

  constructor(goal: ReplayGoal, monotonicMs: () => number) {
    this.#goal = goal;
    this.#where = goal.where === null ? null : createProcessor(goal.where);
    this.#monotonicMs = monotonicMs;
  }

  /** Null when the next may be read; else resolves when it may be. What went at once is paid for afterwards. */
  room(): Promise<void> | null {
    const waitMs = this.#dueMs - this.#monotonicMs();
    if (waitMs <= 0) return null;
    return new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, waitMsMax)));
  }

  /** The rate is the reason that nothing moves. */
  get isWaiting(): boolean {
    return this.#dueMs > this.#monotonicMs();
  }

  /** More is let through already than may be for a while: the rest of what was fetched is to be left for later. */
  get isOverdrawn(): boolean {
    return this.#dueMs > this.#monotonicMs() + overdrawnMs;
  }

  /** Whether the record that the reader stands at, as JSON the event, is to be replayed; `headers` and `origin` are its own then. */
  admits(reader: RecordReader, { partition, topicId }: Pick<Split, 'partition' | 'topicId'>, event: Slice): boolean {
    const { errorClass, errorCode, ends } = this.#goal;
    if (reader.offset >= (ends[partition] ?? 0) || topicId !== (this.#goal.topicId ?? topicId)) return false;
    const { found, kept } = readHeaders(reader.bytes, reader.headersStart);
    if (errorClass !== null && found.get(deadLetterHeaders.errorClass) !== errorClass) return false;
    if (errorCode !== null && found.get(deadLetterHeaders.errorCode) !== errorCode) return false;
    if (!this.#matches(event)) return false;
    this.headers = encodeHeaders(reader.bytes, kept);
    const number = (name: string): number => Number(found.get(name) ?? 0) || 0;
    this.origin = {
      topic: found.get(deadLetterHeaders.topic) ?? '',
      topicId: found.get(deadLetterHeaders.topicId) ?? '',
      errorClass: found.get(deadLetterHeaders.errorClass) ?? '',
      partition: number(deadLetterHeaders.partition),
      offset: number(deadLetterHeaders.offset),
      replays: number(replaysHeader) + 1,
    };
    this.#dueMs = Math.max(this.#dueMs, this.#monotonicMs()) + 1_000 / this.#goal.recordsPerSecond;
    return true;
  }

  #matches({ bytes, start, end }: Slice): boolean {
    if (this.#where === null) return true;
    if (end < 0) return false;
    this.#out.length = 0;
    return this.#where.process(bytes, start, end, this.#out) === PASSED;
  }
}

interface Field {
  readonly start: number;
  readonly end: number;
}

/** Our headers' values by name, and where the record's own stand. */
function readHeaders(bytes: Buffer, start: number): { found: ReadonlyMap<string, string>; kept: readonly Field[] } {
  const cursor: Cursor = { at: start };
  const found = new Map<string, string>();
  const kept: Field[] = [];
  for (let left = readVarint(bytes, cursor); left > 0; left--) {
    const field = cursor.at;
    const nameBytes = readVarint(bytes, cursor);
    const name = bytes.toString('utf8', cursor.at, cursor.at + nameBytes);
    cursor.at += nameBytes;
    const valueBytes = readVarint(bytes, cursor);
    const value = cursor.at;
    if (valueBytes > 0) cursor.at += valueBytes;
    if (ours.has(name)) found.set(name, valueBytes < 0 ? '' : bytes.toString('utf8', value, cursor.at));
    else kept.push({ start: field, end: cursor.at });
  }
  return { found, kept };
}

function encodeHeaders(from: Buffer, fields: readonly Field[]): Slice {
  const size = fields.reduce((sum, { start, end }) => sum + end - start, varintBytes(fields.length));
  const bytes = Buffer.alloc(size);
  let at = writeVarint(bytes, fields.length, 0);
  for (const { start, end } of fields) at += from.copy(bytes, at, start, end);
  return { bytes, start: 0, end: at };
}
