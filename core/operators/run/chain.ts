// Runs a job's whole chain over a record: the operators in their order, then the last filter and projection.
import {
  type ByteSink,
  createByteSink,
  createProcessor,
  FILTERED,
  PASSED,
  POISON,
  type RecordProcessor,
  type RouteProgram,
  SCHEMA,
  type Verdict,
} from '#core/expression/index.ts';
import { writeSlice } from '#core/expression/run/byte-sink.ts';
import { decodeText } from '#core/expression/run/decode.ts';
import { limits } from '#core/limits.ts';
import type { OperatorProgram } from '../operator.ts';
import { createExplode, type Explode } from './explode.ts';
import { createHygiene, type Salts } from './hygiene.ts';
import type { Rewrite } from './rewrite.ts';
import { isChosen, isChosenByPosition } from './sample.ts';
import { SeenKeys } from './seen-keys.ts';

/** What the operators remember of one partition; null for those that remember nothing. */
export type ChainMemory = readonly (SeenKeys | null)[];

/** Where a record stands, and what is remembered there. */
export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly memory: ChainMemory;
}

/** What came of one record, one behind the other. */
export interface Outputs {
  count: number;
  readonly values: ByteSink;
  readonly valueEnds: number[];
  readonly keys: ByteSink;
  readonly keyStarts: number[];
  /** -1: no key. */
  readonly keyEnds: number[];
  /**
   * Of which element each was made: its place in the list, those of several lists in a row with dots between (`2.0`); empty where
   * nothing was exploded. It depends on the record alone, not on what else is made of it or left out.
   */
  readonly elements: string[];
}

interface Fault {
  readonly code: string;
  readonly message: string;
}

type Stage =
  | {
      readonly kind: 'project';
      readonly processor: RecordProcessor;
      readonly isIdentity: boolean;
      readonly sink: ByteSink;
    }
  | { readonly kind: 'hygiene'; readonly rewrite: Rewrite; readonly sink: ByteSink }
  | { readonly kind: 'sample'; readonly fraction: number; readonly by: RecordProcessor | null; readonly sink: ByteSink }
  | { readonly kind: 'dedup'; readonly key: RecordProcessor; readonly sink: ByteSink }
  | { readonly kind: 'explode'; readonly explode: Explode };

/**
 * All or nothing: where one of the events that a record becomes cannot be made, none is, and the record as a whole is at
 * fault. PASSED with at least one output, FILTERED with none.
 */
export class Chain {
  readonly outputs: Outputs = {
    count: 0,
    values: createByteSink(4096),
    valueEnds: [],
    keys: createByteSink(256),
    keyStarts: [],
    keyEnds: [],
    elements: [],
  };
  fault: Fault | null = null;
  readonly #operators: readonly OperatorProgram[];
  readonly #stages: readonly Stage[];
  readonly #final: RecordProcessor;
  readonly #isIdentity: boolean;
  readonly #finalSink = createByteSink(4096);
  #place: RecordPlace = { partition: 0, offset: 0, timestamp: 0, memory: [] };
  #verdict: Verdict = FILTERED;
  /** How many events of this record have reached each `dedup`. */
  readonly #ordinals: number[];
  /** Of what is run now. */
  #element = '';

  /** Throws where a program cannot be run or a salt is missing. */
  constructor(operators: readonly OperatorProgram[], program: RouteProgram, salts: Salts) {
    this.#operators = operators;
    this.#stages = operators.map((operator) => createStage(operator, salts));
    this.#final = createProcessor(program);
    this.#isIdentity = program.identity;
    this.#ordinals = operators.map(() => 0);
  }

  get mismatchCount(): number {
    const counts = this.#stages.map((stage) => {
      if (stage.kind === 'project') return stage.processor.mismatchCount;
      if (stage.kind === 'dedup') return stage.key.mismatchCount;
      return stage.kind === 'sample' ? (stage.by?.mismatchCount ?? 0) : 0;
    });
    return counts.reduce((sum, count) => sum + count, this.#final.mismatchCount);
  }

  createMemory(): ChainMemory {
    return this.#operators.map((operator) =>
      operator.kind === 'dedup' ? new SeenKeys(operator.events, operator.withinMs) : null,
    );
  }

  /** Of a record that is at fault nothing is written, so nothing of it is remembered: what comes later is no duplicate of it. */
  process(bytes: Uint8Array, start: number, end: number, place: RecordPlace): Verdict {
    const verdict = this.#judge(bytes, start, end, place);
    for (const keys of place.memory) {
      if (this.fault === null) keys?.keep();
      else keys?.takeBack();
    }
    return verdict;
  }

  /**
   * For a record that was worked on before: what was remembered of it then is remembered again. The whole chain says what that
   * is, since a record may be found at fault at its very end. Where a fault had been hidden by a duplicate of an event further
   * back than is read again, the record's keys are not known: what would have been filtered may pass.
   */
  remember(bytes: Uint8Array, start: number, end: number, place: RecordPlace): void {
    this.process(bytes, start, end, place);
  }

  #judge(bytes: Uint8Array, start: number, end: number, place: RecordPlace): Verdict {
    const { outputs } = this;
    outputs.count = 0;
    outputs.values.length = 0;
    outputs.keys.length = 0;
    this.fault = null;
    this.#place = place;
    this.#verdict = FILTERED;
    this.#ordinals.fill(0);
    this.#element = '';
    this.#run(0, bytes, start, end);
    const verdict = this.#verdict as Verdict;
    if (verdict !== PASSED) outputs.count = 0;
    return verdict;
  }

  /** False when the record is at fault: nothing more of it is looked at. */
  #run(index: number, bytes: Uint8Array, start: number, end: number): boolean {
    const stage = this.#stages[index];
    if (stage === undefined) return this.#finish(bytes, start, end);
    switch (stage.kind) {
      case 'project': {
        stage.sink.length = 0;
        const verdict = stage.processor.process(bytes, start, end, stage.sink);
        if (verdict === FILTERED) return true;
        if (verdict !== PASSED) return this.#fail(verdict, stage.processor.fault);
        if (stage.isIdentity) return this.#run(index + 1, bytes, start, end);
        return this.#run(index + 1, stage.sink.bytes, 0, stage.sink.length);
      }
      case 'hygiene':
        stage.sink.length = 0;
        stage.rewrite(bytes, start, end, stage.sink);
        return this.#run(index + 1, stage.sink.bytes, 0, stage.sink.length);
      case 'sample':
        return this.#sample(stage, index, bytes, start, end);
      case 'dedup':
        return this.#dedup(stage, index, bytes, start, end);
      case 'explode': {
        const outer = this.#element;
        const fault = stage.explode(bytes, start, end, (sink, place) => {
          this.#element = place < 0 ? outer : `${outer}${outer === '' ? '' : '.'}${place}`;
          return this.#run(index + 1, sink.bytes, 0, sink.length);
        });
        this.#element = outer;
        return fault === null ? this.fault === null : this.#fail(POISON, fault);
      }
    }
  }

  #sample(stage: Stage & { kind: 'sample' }, index: number, bytes: Uint8Array, start: number, end: number): boolean {
    const key = stage.by === null ? null : this.#keyOf(stage.by, stage.sink, bytes, start, end);
    if (key === 'fault') return false;
    const { partition, offset } = this.#place;
    const chosen =
      key === null
        ? isChosenByPosition(partition, offset, stage.fraction)
        : isChosen(key.bytes, 0, key.length, stage.fraction);
    return chosen ? this.#run(index + 1, bytes, start, end) : true;
  }

  /** An event whose key is NULL is nobody's duplicate. */
  #dedup(stage: Stage & { kind: 'dedup' }, index: number, bytes: Uint8Array, start: number, end: number): boolean {
    const key = this.#keyOf(stage.key, stage.sink, bytes, start, end);
    if (key === 'fault') return false;
    if (key !== null) {
      const { offset, timestamp, memory } = this.#place;
      const ordinal = this.#ordinals[index]!++;
      const text = decodeText(key.bytes, 0, key.length);
      if (memory[index]!.isDuplicate(text, offset, ordinal, timestamp)) return true;
    }
    return this.#run(index + 1, bytes, start, end);
  }

  #keyOf(
    processor: RecordProcessor,
    sink: ByteSink,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ByteSink | null | 'fault' {
    sink.length = 0;
    const verdict = processor.process(bytes, start, end, sink);
    if (verdict === PASSED) return processor.key;
    this.#fail(verdict, processor.fault);
    return 'fault';
  }

  #finish(bytes: Uint8Array, start: number, end: number): boolean {
    const sink = this.#finalSink;
    sink.length = 0;
    const verdict = this.#final.process(bytes, start, end, sink);
    if (verdict === FILTERED) return true;
    if (verdict !== PASSED) return this.#fail(verdict, this.#final.fault);
    const { outputs } = this;
    if (this.#isIdentity) writeSlice(outputs.values, bytes, start, end);
    else writeSlice(outputs.values, sink.bytes, 0, sink.length);
    if (outputs.values.length > limits.explodedBytesMax) {
      const message = `the event would become more than ${limits.explodedBytesMax} bytes of events`;
      return this.#fail(POISON, { code: 'program_limit_exceeded', message });
    }
    outputs.valueEnds[outputs.count] = outputs.values.length;
    const { key } = this.#final;
    outputs.keyStarts[outputs.count] = outputs.keys.length;
    if (key !== null) writeSlice(outputs.keys, key.bytes, 0, key.length);
    outputs.keyEnds[outputs.count] = key === null ? -1 : outputs.keys.length;
    outputs.elements[outputs.count] = this.#element;
    outputs.count++;
    this.#verdict = PASSED;
    return true;
  }

  #fail(verdict: Verdict, fault: Fault | null): boolean {
    this.#verdict = verdict === SCHEMA ? SCHEMA : POISON;
    this.fault = fault ?? { code: 'internal_error', message: 'the record cannot be processed' };
    return false;
  }
}

function createStage(operator: OperatorProgram, salts: Salts): Stage {
  const sink = createByteSink(4096);
  switch (operator.kind) {
    case 'project': {
      const { program } = operator;
      return { kind: 'project', processor: createProcessor(program), isIdentity: program.identity, sink };
    }
    case 'hygiene':
      return { kind: 'hygiene', rewrite: createHygiene(operator.fields, salts), sink };
    case 'sample': {
      const by = operator.by === null ? null : createProcessor(operator.by);
      return { kind: 'sample', fraction: operator.fraction, by, sink };
    }
    case 'dedup':
      return { kind: 'dedup', key: createProcessor(operator.key), sink };
    case 'explode':
      return { kind: 'explode', explode: createExplode(operator) };
  }
}
