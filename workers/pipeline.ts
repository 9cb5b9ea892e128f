// What happens to each record: the job's program decides, and its output is written to the sink, set aside or dropped.
import { messageOf } from '#core/errors.ts';
import {
  createByteSink,
  FILTERED,
  PASSED,
  POISON,
  type RecordProcessor,
  SCHEMA,
  type Verdict,
} from '#core/expression/index.ts';
import type { Decoded } from '#core/formats/record-decoder.ts';
import type { JobGoal } from '#core/job/job-goal.ts';
import { multiplies, passesNull, rememberedEvents } from '#core/operators/operator.ts';
import type { Chain, Outputs, RecordPlace } from '#core/operators/run/chain.ts';
import { DecompressionRefused } from '#core/record-batch/compression.ts';
import type { Aside, RecordFault } from './aside.ts';
import type { Brakes } from './brakes.ts';
import type { SourceDecoder } from './formats/source-decoder.ts';
import type { FetchedPartition } from './kafka/apis.ts';
import type { Slice } from './kafka/output-batch.ts';
import { RecordReader } from './kafka/record-reader.ts';
import type { ReplayGate } from './replay-gate.ts';
import type { Original, RecordView, Refusal, Sink } from './sinks/sink.ts';
import type { Split, Unit } from './split.ts';

export interface PipelineParts {
  readonly goal: JobGoal;
  readonly processor: RecordProcessor;
  /** Does all, the processor's part included, where the job has operators; else null. */
  readonly chain: Chain | null;
  /** Gives the event time alone; null where the stream has none. */
  readonly eventTime: RecordProcessor | null;
  readonly sink: Sink;
  readonly aside: Aside;
  /** Only in a replay of dead letters. */
  readonly gate: ReplayGate | null;
  /** Null where the source's records are JSON as they stand. */
  readonly decoder: SourceDecoder | null;
  readonly brakes: Brakes;
  readonly now: () => number;
  readonly onError: (code: string, message: string) => void;
}

/** `stop` ends the split's reading before the record; after `wait` it is read again when there is room. */
type Outcome = 'done' | 'stop' | 'wait';

/** known: worked on before. undecodable: not readable in the source's format. */
type Decision = 'known' | 'undecodable' | 'filtered' | 'passed' | 'poison' | 'schema' | 'drop' | 'wait';

const decisions = {
  [PASSED]: 'passed',
  [FILTERED]: 'filtered',
  [POISON]: 'poison',
  [SCHEMA]: 'schema',
} as const satisfies Readonly<Record<Verdict, Decision>>;

/** Everything of the record set was worked on. */
export const allWorked = -1;

/** Kafka refuses records from further in the future than an hour, by default: a time that no clock gave becomes now. */
const futureMsMax = 50 * 60_000;
const outputBytes = 4 * 1024;
/** Records of one batch, at most, between two looks at whether there is room for more. */
const looksEvery = 1_000;

interface WritableView extends RecordView {
  split: Split;
  offset: number;
  timestamp: number;
  element: string;
}

export class Pipeline implements Original {
  readonly #parts: PipelineParts;
  readonly #reader = new RecordReader();
  readonly #output = createByteSink(outputBytes);
  /** The record that was read last as JSON; its end is -1 where it has no value, or none that can be read. */
  readonly #event: Slice = emptySlice();
  readonly #timeOutput = createByteSink(256);
  /** Of the record that was read last, once something has to keep it. */
  #kept: RecordView | null = null;
  /** A program that changes and filters nothing passes even a record without a value. */
  readonly #passesNull: boolean;
  readonly #isIdentity: boolean;
  readonly #remembers: boolean;
  readonly #multiplies: boolean;
  #isHeldUp = false;
  /** Reused for each record, so that none is made for it. */
  readonly #outgoing: WritableView = emptyView();
  /** Event time of the newest record that was worked on, else its timestamp; null before the first. */
  newestAt: number | null = null;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    const { program, operators = [] } = parts.goal;
    this.#isIdentity = program.identity;
    this.#passesNull = passesNull(operators, program);
    this.#remembers = rememberedEvents(operators) > 0;
    this.#multiplies = multiplies(operators);
  }

  /**
   * Works on a record set at once, whole unless it is held up; the split's unit ends where reading goes on. Gives the offset
   * from which to work on once there is room, or `allWorked`.
   */
  work(split: Split, fetched: FetchedPartition, fetchOffset: number): number {
    const unit = split.openUnit();
    const { aside, brakes } = this.#parts;
    this.#isHeldUp = false;
    const end = this.#workUnit(split, unit, fetched, fetchOffset);
    brakes.spend(unit.in);
    aside.noteRead(unit.in);
    if (unit.in > 0) this.#noteTime();
    unit.close(Math.max(end, split.knownUntil));
    return this.#isHeldUp ? end : allWorked;
  }

  /** Gives the unit's end. */
  #workUnit(split: Split, unit: Unit, fetched: FetchedPartition, fetchOffset: number): number {
    const reader = this.#reader;
    const { gate, brakes } = this.#parts;
    const latestTimestamp = this.#parts.now() + futureMsMax;
    const recordsMax = brakes.allowance;
    brakes.beginTurn();
    this.#outgoing.split = split;
    reader.open(fetched.records, fetchOffset, fetched.aborted);
    try {
      while (this.#next()) {
        if (reader.timestamp < 0 || reader.timestamp > latestTimestamp) reader.timestamp = this.#parts.now();
        const decoded = this.#decode();
        const isMissing = decoded === 'missing';
        const isAsked = isMissing || gate === null || gate.admits(reader, split, this.#event);
        const outcome = isMissing ? 'wait' : isAsked ? this.#record(unit, decoded) : 'done';
        if (outcome !== 'done') {
          if (outcome === 'stop') this.#stopAt(split, reader.offset);
          else this.#isHeldUp = true;
          return reader.offset;
        }
        if (unit.in >= recordsMax || brakes.isOverdrawn || (this.#isTimeToLook(unit) && this.#isTurnOver)) {
          this.#isHeldUp = true;
          reader.pause();
          break;
        }
      }
    } catch (error) {
      if (!(error instanceof UnreadableRecords)) throw error;
      return this.#unreadable(split, unit, reader.readTo, error.cause);
    }
    return reader.readTo;
  }

  /** Not at each record, unless it may have become thousands. */
  #isTimeToLook(unit: Unit): boolean {
    return this.#reader.isBehindBatch || this.#multiplies || unit.in % looksEvery === 0;
  }

  get #isTurnOver(): boolean {
    return !this.#reader.isAtEnd && this.#parts.brakes.isTurnOver;
  }

  /** The record that was read last, as it stands in the source: copied once, however many outputs it has. */
  keep(): RecordView {
    this.#kept ??= this.#copy();
    return this.#kept;
  }

  #copy(): RecordView {
    const reader = this.#reader;
    const { gate } = this.#parts;
    const { split } = this.#outgoing;
    const end = Math.max(reader.keyEnd, reader.valueEnd, reader.headersEnd);
    const start = Math.min(reader.keyStart, reader.valueStart, reader.headersStart);
    const bytes = Buffer.from(reader.bytes.subarray(start, end));
    const slice = (from: number, to: number): Slice =>
      to < 0 ? { bytes, start: 0, end: -1 } : { bytes, start: from - start, end: to - start };
    return {
      split,
      offset: reader.offset,
      timestamp: reader.timestamp,
      key: slice(reader.keyStart, reader.keyEnd),
      value: slice(reader.valueStart, reader.valueEnd),
      headers: gate === null ? slice(reader.headersStart, reader.headersEnd) : gate.headers,
      ...(gate === null ? {} : { origin: gate.origin }),
    };
  }

  /** Whatever reading stumbles over lies in the bytes; any other error is a bug and must not pass for bad data. */
  #next(): boolean {
    this.#kept = null;
    try {
      return this.#reader.next();
    } catch (error) {
      throw new UnreadableRecords('the records cannot be read', { cause: error });
    }
  }

  /** Points the event at the record's JSON. */
  #decode(): Decoded {
    const { bytes, valueStart, valueEnd } = this.#reader;
    const event = this.#event;
    const { decoder } = this.#parts;
    if (decoder === null || valueEnd < 0) {
      event.bytes = bytes;
      event.start = valueStart;
      event.end = valueEnd;
      return 'decoded';
    }
    const decoded = decoder.decode(bytes, valueStart, valueEnd);
    event.bytes = decoder.out.bytes;
    event.start = 0;
    event.end = decoded === 'decoded' ? decoder.out.length : -1;
    return decoded;
  }

  /** A record counts once, as what was decided of it; as out when all that it became is taken. */
  #record(unit: Unit, decoded: Decoded): Outcome {
    const decision = this.#decide(decoded);
    switch (decision) {
      case 'known':
        return 'done';
      case 'wait':
        return 'wait';
      case 'undecodable':
        return this.#setAside(unit, this.#parts.decoder!.fault!);
      case 'poison':
      case 'schema':
        return this.#fail(unit, decision);
      case 'filtered':
        unit.filtered++;
        break;
      case 'drop':
        unit.drop('overload', 1);
        break;
      case 'passed': {
        const refusal = this.#write(unit);
        if (refusal !== null) return this.#setAside(unit, refusal);
        unit.out++;
      }
    }
    unit.in++;
    return 'done';
  }

  #decide(decoded: Decoded): Decision {
    const event = this.#event;
    const { processor, chain } = this.#parts;
    if (this.#remembers && this.#reader.offset < this.#outgoing.split.knownUntil) return this.#remember();
    if (decoded === 'fault') return this.#affordAside('undecodable', this.#parts.decoder!.fault!.errorClass);
    if (event.end < 0) return this.#passesNull ? this.#afford() : 'filtered';
    if (chain !== null) {
      // Before the operators, which remember what they have seen.
      const afforded = this.#afford();
      if (afforded !== 'passed') return afforded;
      return decisions[chain.process(event.bytes, event.start, event.end, this.#place())];
    }
    this.#output.length = 0;
    const decision = decisions[processor.process(event.bytes, event.start, event.end, this.#output)];
    if (decision === 'passed') return this.#afford();
    return decision === 'filtered' ? decision : this.#affordAside(decision, decision);
  }

  #affordAside<Fault extends Decision>(fault: Fault, errorClass: RecordFault['errorClass']): Fault | 'drop' | 'wait' {
    const { aside, brakes } = this.#parts;
    const decision = aside.writes(errorClass) ? brakes.affordAside(this.#outgoing.split) : 'take';
    return decision === 'take' ? fault : decision;
  }

  /** Done with before, by this worker or another: only what operators compare with is taken from it. */
  #remember(): 'known' {
    const { bytes, start, end } = this.#event;
    if (end >= 0) this.#parts.chain!.remember(bytes, start, end, this.#place());
    return 'known';
  }

  #place(): RecordPlace {
    const { split } = this.#outgoing;
    split.memory ??= this.#parts.chain!.createMemory();
    const { offset, timestamp } = this.#reader;
    return { partition: split.partition, offset, timestamp, memory: split.memory };
  }

  /** Where loss is allowed, what the sink has no room for is dropped, as long as the budget lasts. */
  #afford(): 'passed' | 'drop' | 'wait' {
    const decision = this.#parts.brakes.afford(this.#outgoing.split);
    return decision === 'take' ? 'passed' : decision;
  }

  #write(unit: Unit): Refusal | null {
    const { chain, sink } = this.#parts;
    if (chain === null || this.#event.end < 0) {
      this.#describeOutput();
      return sink.take(this.#outgoing, unit, this);
    }
    const { outputs } = chain;
    const foreseen = outputs.count > 1 ? this.#checkAll(outputs) : null;
    if (foreseen !== null) return foreseen;
    for (let index = 0; index < outputs.count; index++) {
      this.#describeOne(outputs, index);
      const refusal = sink.take(this.#outgoing, unit, this);
      if (refusal !== null) return refusal;
    }
    if (this.#multiplies) unit.emitted += outputs.count;
    return null;
  }

  /** What a sink has taken cannot be had back: one event that it refuses must be known before it takes any of the record's. */
  #checkAll(outputs: Outputs): Refusal | null {
    const { sink } = this.#parts;
    if (sink.check === undefined) return null;
    for (let index = 0; index < outputs.count; index++) {
      this.#describeOne(outputs, index);
      const refusal = sink.check(this.#outgoing);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  #describeOne(outputs: Outputs, index: number): void {
    this.#describeOriginal();
    outgoingOutput(this.#outgoing, outputs, index, this.#parts.goal.sink.keyed);
  }

  /** Points the reused slices at what is to be written. */
  #describeOutput(): void {
    const event = this.#event;
    const outgoing = this.#outgoing;
    const { processor, goal } = this.#parts;
    this.#describeOriginal();
    if (goal.sink.keyed) {
      const key = event.end < 0 ? null : processor.key;
      outgoing.key.bytes = key?.bytes ?? event.bytes;
      outgoing.key.start = 0;
      outgoing.key.end = key?.length ?? -1;
    }
    if (this.#isIdentity || event.end < 0) {
      outgoing.value.bytes = event.bytes;
      outgoing.value.start = event.start;
      outgoing.value.end = event.end;
    } else {
      outgoing.value.bytes = this.#output.bytes;
      outgoing.value.start = 0;
      outgoing.value.end = this.#output.length;
    }
  }

  #describeOriginal(): void {
    const reader = this.#reader;
    const outgoing = this.#outgoing;
    outgoing.offset = reader.offset;
    outgoing.timestamp = reader.timestamp;
    const { gate } = this.#parts;
    if (gate === null) this.#point(outgoing.headers, reader.headersStart, reader.headersEnd);
    else Object.assign(outgoing.headers, gate.headers);
    this.#point(outgoing.key, reader.keyStart, reader.keyEnd);
  }

  #point(slice: Slice, start: number, end: number): void {
    slice.bytes = this.#reader.bytes;
    slice.start = start;
    slice.end = end;
  }

  #fail(unit: Unit, errorClass: 'poison' | 'schema'): Outcome {
    const { chain, processor } = this.#parts;
    const fault = (chain ?? processor).fault ?? { code: errorClass, message: 'the record cannot be processed' };
    return this.#setAside(unit, { errorClass, code: fault.code, message: fault.message });
  }

  #setAside(unit: Unit, fault: RecordFault): Outcome {
    if (!this.#parts.aside.put(this.keep(), unit, fault)) return 'stop';
    unit.in++;
    return 'done';
  }

  /** What stands before the record is still delivered and committed; the split is not read on. */
  #stopAt(split: Split, offset: number): void {
    split.generation++;
    split.state = 'stuck';
    split.fetchOffset = offset;
  }

  /** Gives where the unit ends. A batch that cannot be read is fetched again: the fault may have been on the way. It counts as a stall if it stays. */
  #unreadable(split: Split, unit: Unit, readTo: number, error: unknown): number {
    if (error instanceof DecompressionRefused && this.#parts.goal.errors.poison === 'drop') {
      return this.#passOver(split, unit, readTo, error);
    }
    split.generation++;
    split.fetchOffset = readTo;
    split.unreadableCount = readTo === split.unreadableAt ? split.unreadableCount + 1 : 1;
    split.unreadableAt = readTo;
    if (split.unreadableCount >= unreadableTriesMax) split.state = 'stuck';
    const advice =
      error instanceof DecompressionRefused ? '; with errors.poison: drop the route passes over it and counts it' : '';
    this.#parts.onError('source-unreadable', `${split.name} offset ${readTo}: ${messageOf(error)}${advice}`);
    return readTo;
  }

  /** A batch that will never be unpacked, as the route asks: each of its offsets is counted as a record. */
  #passOver(split: Split, unit: Unit, readTo: number, error: DecompressionRefused): number {
    const end = this.#reader.batchEnd;
    split.generation++;
    split.fetchOffset = end;
    if (end > split.knownUntil) {
      unit.in += end - readTo;
      unit.drop('too-large', end - readTo);
    }
    this.#parts.onError('too-large', `${split.name} offset ${readTo}: ${error.message}; it is passed over and counted`);
    return end;
  }

  #noteTime(): void {
    const reader = this.#reader;
    this.newestAt = this.#eventTime() ?? reader.timestamp;
  }

  /** The event time of the record that was read last; null where it has none that can be read. */
  #eventTime(): number | null {
    const { eventTime } = this.#parts;
    const event = this.#event;
    if (eventTime === null || event.end < 0) return null;
    this.#timeOutput.length = 0;
    if (eventTime.process(event.bytes, event.start, event.end, this.#timeOutput) !== PASSED) return null;
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

/** Points the view at one of the events that a record became. */
function outgoingOutput(outgoing: WritableView, outputs: Outputs, index: number, keyed: boolean): void {
  const { key, value } = outgoing;
  outgoing.element = outputs.elements[index]!;
  const { values, valueEnds, keys, keyStarts, keyEnds } = outputs;
  value.bytes = values.bytes;
  value.start = index === 0 ? 0 : valueEnds[index - 1]!;
  value.end = valueEnds[index]!;
  if (!keyed) return;
  key.bytes = keys.bytes;
  key.start = keyStarts[index]!;
  key.end = keyEnds[index]!;
}

const emptySlice = (): Slice => ({ bytes: new Uint8Array(0), start: 0, end: -1 });
/** Its split is set before it is used. */
const emptyView = (): WritableView => ({
  split: null as unknown as Split,
  offset: 0,
  timestamp: 0,
  element: '',
  key: emptySlice(),
  value: emptySlice(),
  headers: emptySlice(),
});
