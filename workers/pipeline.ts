// What happens to each record: the job's program decides, and its output is written to the sink, set aside or dropped.
import { messageOf } from '#core/errors.ts';
import { createByteSink, FILTERED, PASSED, POISON, type RecordProcessor } from '#core/expression/index.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { partitionOfKey } from '#core/partition-of-key.ts';
import type { RecordErrorAction } from '#core/spec/route-spec.ts';
import { type DeadLetterReason, deadLetterHeadersOf } from './dead-letter.ts';
import type { FetchedPartition } from './kafka/apis.ts';
import type { Slice } from './kafka/output-batch.ts';
import type { Producer } from './kafka/producer.ts';
import { RecordReader } from './kafka/record-reader.ts';
import type { TopicWriter } from './kafka/topic-writer.ts';
import type { Split, Unit } from './split.ts';

export interface PipelineParts {
  readonly goal: JobGoal;
  readonly processor: RecordProcessor;
  /** Gives the event time alone; null where the stream has none. */
  readonly eventTime: RecordProcessor | null;
  readonly producer: Producer;
  readonly sink: TopicWriter;
  readonly deadLetters: TopicWriter;
  readonly now: () => number;
  readonly onError: (code: string, message: string) => void;
}

/** What is to be done with a record that can never succeed; `stop` ends the split's reading before it. */
type Aside = 'set-aside' | 'stop';

/** Kafka refuses records from further in the future than an hour, by default: a time that no clock gave becomes now. */
const futureMsMax = 50 * 60_000;
const outputBytes = 4 * 1024;

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #reader = new RecordReader();
  readonly #output = createByteSink(outputBytes);
  readonly #timeOutput = createByteSink(256);
  /** A program that changes and filters nothing passes even a record without a value. */
  readonly #passesNull: boolean;
  readonly #isIdentity: boolean;
  /** Reused for each record, so that none is made for it. */
  readonly #key: Slice = { bytes: new Uint8Array(0), start: 0, end: -1 };
  readonly #value: Slice = { bytes: new Uint8Array(0), start: 0, end: -1 };
  readonly #headers: Slice = { bytes: new Uint8Array(1), start: 0, end: 1 };
  /** Event time of the newest record that was worked on, else its timestamp; null before the first. */
  newestAt: number | null = null;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    const { program } = parts.goal;
    this.#isIdentity = program.identity;
    this.#passesNull = program.identity && program.where === null;
  }

  /** Works on a whole record set at once; the split's unit ends where reading goes on. */
  work(split: Split, fetched: FetchedPartition, fetchOffset: number): void {
    const unit = split.openUnit();
    const reader = this.#reader;
    const sinkPartitions = this.#parts.sink.partitionCount;
    const latestTimestamp = this.#parts.now() + futureMsMax;
    reader.open(fetched.records, fetchOffset, fetched.aborted);
    try {
      while (this.#next()) {
        if (reader.timestamp < 0 || reader.timestamp > latestTimestamp) reader.timestamp = this.#parts.now();
        if (this.#record(split, unit, sinkPartitions) === 'stop') {
          this.#stopAt(split, reader.offset);
          unit.close(reader.offset);
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof UnreadableRecords)) throw error;
      this.#unreadable(split, unit, reader.readTo, error.cause);
      return;
    }
    if (unit.in > 0) this.#noteTime();
    unit.close(reader.readTo);
  }

  /** Whatever reading stumbles over lies in the bytes; any other error is a bug and must not pass for bad data. */
  #next(): boolean {
    try {
      return this.#reader.next();
    } catch (error) {
      throw new UnreadableRecords('the records cannot be read', { cause: error });
    }
  }

  #record(split: Split, unit: Unit, sinkPartitions: number): Aside {
    const reader = this.#reader;
    const { processor, producer, sink, goal } = this.#parts;
    if (reader.valueEnd < 0 && !this.#passesNull) {
      unit.in++;
      unit.filtered++;
      return 'set-aside';
    }
    this.#output.length = 0;
    const verdict =
      reader.valueEnd < 0 ? PASSED : processor.process(reader.bytes, reader.valueStart, reader.valueEnd, this.#output);
    if (verdict === FILTERED) {
      unit.in++;
      unit.filtered++;
      return 'set-aside';
    }
    if (verdict !== PASSED) return this.#fail(split, unit, verdict === POISON ? 'poison' : 'schema');
    this.#describeOutput();
    const key = this.#key;
    const partition =
      key.end < 0 ? split.partition % sinkPartitions : partitionOfKey(key.bytes, key.start, key.end, sinkPartitions);
    if (!producer.append(sink, partition, reader.timestamp, key, this.#value, this.#headers, unit)) {
      const message = `the output is larger than the sink's topic takes (max.message.bytes = ${sink.bytesMax})`;
      return this.#setAside(split, unit, 'too-large', goal.errors.poison, 'record-too-large', message);
    }
    unit.in++;
    unit.out++;
    return 'set-aside';
  }

  /** Points the reused slices at what is to be written. */
  #describeOutput(): void {
    const reader = this.#reader;
    const { processor, goal } = this.#parts;
    this.#headers.bytes = reader.bytes;
    this.#headers.start = reader.headersStart;
    this.#headers.end = reader.headersEnd;
    if (goal.sink.keyed) {
      const key = reader.valueEnd < 0 ? null : processor.key;
      this.#key.bytes = key?.bytes ?? reader.bytes;
      this.#key.start = 0;
      this.#key.end = key?.length ?? -1;
    } else this.#point(this.#key, reader.keyStart, reader.keyEnd);
    if (this.#isIdentity || reader.valueEnd < 0) this.#point(this.#value, reader.valueStart, reader.valueEnd);
    else {
      this.#value.bytes = this.#output.bytes;
      this.#value.start = 0;
      this.#value.end = this.#output.length;
    }
  }

  #point(slice: Slice, start: number, end: number): void {
    slice.bytes = this.#reader.bytes;
    slice.start = start;
    slice.end = end;
  }

  #fail(split: Split, unit: Unit, errorClass: 'poison' | 'schema'): Aside {
    const { processor, goal } = this.#parts;
    const fault = processor.fault ?? { code: errorClass, message: 'the record cannot be processed' };
    return this.#setAside(split, unit, errorClass, goal.errors[errorClass], fault.code, fault.message);
  }

  #setAside(
    split: Split,
    unit: Unit,
    errorClass: DeadLetterReason['errorClass'],
    action: RecordErrorAction,
    errorCode: string,
    errorMessage: string,
  ): Aside {
    const { onError } = this.#parts;
    const where = `${split.name} offset ${this.#reader.offset}`;
    onError(errorClass, `${where}: ${errorMessage} (${errorCode}); ${actionWords[action]}`);
    if (action === 'stop') return 'stop';
    unit.in++;
    if (action === 'drop') unit.drop(errorClass, 1);
    else if (this.#writeDeadLetter(split, unit, errorClass, errorCode, errorMessage)) unit.deadLettered++;
    else {
      unit.drop('too-large', 1);
      onError(
        'dead-letter-too-large',
        `${where}: the record is larger than the dead-letter topic takes; it was dropped and counted`,
      );
    }
    return 'set-aside';
  }

  #writeDeadLetter(
    split: Split,
    unit: Unit,
    errorClass: DeadLetterReason['errorClass'],
    errorCode: string,
    errorMessage: string,
  ): boolean {
    const reader = this.#reader;
    const { goal, producer, deadLetters, now } = this.#parts;
    this.#point(this.#headers, reader.headersStart, reader.headersEnd);
    const headers = deadLetterHeadersOf(this.#headers, {
      job: goal.name,
      revision: goal.revision,
      errorClass,
      errorCode,
      errorMessage,
      topic: split.topic,
      partition: split.partition,
      offset: reader.offset,
      timestamp: reader.timestamp,
      failedAt: now(),
    });
    this.#point(this.#key, reader.keyStart, reader.keyEnd);
    this.#point(this.#value, reader.valueStart, reader.valueEnd);
    const partition = split.partition % deadLetters.partitionCount;
    return producer.append(deadLetters, partition, reader.timestamp, this.#key, this.#value, headers, unit);
  }

  /** What stands before the record is still delivered and committed; the split is not read on. */
  #stopAt(split: Split, offset: number): void {
    split.generation++;
    split.state = 'stuck';
    split.fetchOffset = offset;
  }

  /** A batch that cannot be read is fetched again: the fault may have been on the way. It counts as a stall if it stays. */
  #unreadable(split: Split, unit: Unit, readTo: number, error: unknown): void {
    split.generation++;
    split.fetchOffset = readTo;
    split.unreadableCount = readTo === split.unreadableAt ? split.unreadableCount + 1 : 1;
    split.unreadableAt = readTo;
    if (split.unreadableCount >= unreadableTriesMax) split.state = 'stuck';
    this.#parts.onError('source-unreadable', `${split.name} offset ${readTo}: ${messageOf(error)}`);
    unit.close(readTo);
  }

  #noteTime(): void {
    const reader = this.#reader;
    this.newestAt = this.#eventTime() ?? reader.timestamp;
  }

  /** The event time of the record that was read last; null where it has none that can be read. */
  #eventTime(): number | null {
    const { eventTime } = this.#parts;
    const reader = this.#reader;
    if (eventTime === null || reader.valueEnd < 0) return null;
    this.#timeOutput.length = 0;
    if (eventTime.process(reader.bytes, reader.valueStart, reader.valueEnd, this.#timeOutput) !== PASSED) return null;
    const text = Buffer.from(this.#timeOutput.bytes.buffer, 0, this.#timeOutput.length).toString();
    const value: unknown = Object.values(JSON.parse(text) as object)[0];
    const at = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN;
    return Number.isFinite(at) ? at : null;
  }
}

class UnreadableRecords extends Error {
  override readonly name = 'UnreadableRecords';
}

const unreadableTriesMax = 5;

const actionWords: Readonly<Record<RecordErrorAction, string>> = {
  'dead-letter': 'it is set aside as a dead letter',
  drop: 'it is dropped and counted',
  stop: 'the split stops before it, as the route asks',
};
