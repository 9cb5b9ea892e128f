// Runs a route's program over records: bytes in, a verdict and projected bytes out.
import { EvaluationFault } from '../fault.ts';
import { type OutputItem, programVersion, type RouteProgram, type Step } from '../tree.ts';
import { type ByteSink, createByteSink, writeSlice, writeText } from './byte-sink.ts';
import { type Check, compileCheck } from './checks.ts';
import { compile } from './compile.ts';
import { decodeJsonString } from './decode.ts';
import { compileOutput, type OutputWriter } from './output.ts';
import type { CompileScope, Evaluate } from './read.ts';
import { createRow, createScanner, MISSING, NULL, type Row } from './scanner.ts';
import { buildTrie } from './trie.ts';

export const PASSED = 0;
export const FILTERED = 1;
export const POISON = 2;
export const SCHEMA = 3;
export type Verdict = typeof PASSED | typeof FILTERED | typeof POISON | typeof SCHEMA;

export interface RecordProcessor {
  /**
   * Appends the projected JSON to `out` when PASSED and the program is not `identity`; on any other verdict `out` is as it
   * was. `bytes[start, end)` is only read, and nothing of it is kept after the next call.
   */
  process(bytes: Uint8Array, start: number, end: number, out: ByteSink): Verdict;
  /** After PASSED: the key's text, a JSON string unescaped, anything else as written; null when there is none. */
  readonly key: ByteSink | null;
  /** After POISON or SCHEMA. */
  readonly fault: { readonly code: string; readonly message: string } | null;
  /** Uses of a dynamic value as a type that it does not have, since the processor was made. */
  readonly mismatchCount: number;
}

/** Needs no parser and does no I/O. Throws when the program is of a version that it does not know. */
export function createProcessor(program: RouteProgram): RecordProcessor {
  if (program.version !== programVersion) {
    throw new Error(`the program has version ${String(program.version)}, this worker runs version ${programVersion}`);
  }
  const trie = buildTrie([
    ...program.fields,
    ...program.checks.map((check) => check.path),
    ...starNames(program.select),
  ]);
  const row = createRow(trie.slotCount);
  const scope: CompileScope = { row, slotOf: trie.slotOf };
  const output = program.select === null ? null : compileOutput(program.select, scope, trie.root.slot);
  const steps: Steps = {
    scan: createScanner(trie, row),
    checks: program.checks.map((check) => compileCheck(check, scope)),
    where: program.where === null ? null : compile(program.where, scope),
    output,
    writeKey: keyWriter(program, row, trie.slotOf, output),
  };
  return new RouteProcessor(steps, row);
}

/** The names that a star must not repeat. */
function starNames(select: readonly OutputItem[] | null): readonly (readonly Step[])[] {
  if (select?.some((item) => item.kind === 'star') !== true) return [];
  return select.flatMap((item) => (item.kind === 'column' ? [[item.name]] : []));
}

interface Steps {
  readonly scan: (bytes: Uint8Array, start: number, end: number) => boolean;
  readonly checks: readonly Check[];
  readonly where: Evaluate | null;
  readonly output: OutputWriter | null;
  readonly writeKey: WriteKey | null;
}

class RouteProcessor implements RecordProcessor {
  key: ByteSink | null = null;
  fault: { readonly code: string; readonly message: string } | null = null;
  readonly #steps: Steps;
  readonly #row: Row;
  readonly #keySink = createByteSink(64);

  constructor(steps: Steps, row: Row) {
    this.#steps = steps;
    this.#row = row;
  }

  get mismatchCount(): number {
    return this.#row.mismatchCount;
  }

  process(bytes: Uint8Array, start: number, end: number, out: ByteSink): Verdict {
    this.fault = null;
    this.key = null;
    if (!this.#steps.scan(bytes, start, end)) {
      this.fault = this.#row.fault;
      return POISON;
    }
    const length = out.length;
    try {
      const verdict = this.#evaluate(out);
      if (verdict !== PASSED) out.length = length;
      return verdict;
    } catch (error) {
      out.length = length;
      this.fault = faultOf(error);
      return POISON;
    }
  }

  #evaluate(out: ByteSink): Verdict {
    const { checks, where, output, writeKey } = this.#steps;
    for (let index = 0; index < checks.length; index++) {
      const fault = checks[index]!();
      if (fault !== null) {
        this.fault = fault;
        return SCHEMA;
      }
    }
    if (where !== null && where() !== true) return FILTERED;
    if (output !== null) output.write(out);
    if (writeKey !== null) {
      this.#keySink.length = 0;
      if (writeKey(out, this.#keySink)) this.key = this.#keySink;
    }
    return PASSED;
  }
}

/** Writes the key's text of the record that has just passed; false when it is NULL. */
type WriteKey = (out: ByteSink, key: ByteSink) => boolean;

function keyWriter(
  program: RouteProgram,
  row: Row,
  slotOf: CompileScope['slotOf'],
  output: OutputWriter | null,
): WriteKey | null {
  const { key } = program;
  if (key === null) return null;
  if (key.kind === 'field') {
    const slot = slotOf(key.path);
    return (_out, sink) => {
      const kind = row.kinds[slot];
      if (kind === MISSING || kind === NULL) return false;
      writeKeyText(sink, row.bytes, row.starts[slot]!, row.ends[slot]!);
      return true;
    };
  }
  const { index } = key;
  return (out, sink) => {
    const start = output!.starts[index]!;
    const end = output!.ends[index]!;
    if (out.bytes[start] === 0x6e) return false;
    writeKeyText(sink, out.bytes, start, end);
    return true;
  };
}

/** A JSON string without quotes and escapes; any other value as it is written. */
function writeKeyText(sink: ByteSink, bytes: Uint8Array, start: number, end: number): void {
  if (bytes[start] !== 0x22) writeSlice(sink, bytes, start, end);
  else if (!hasEscape(bytes, start, end)) writeSlice(sink, bytes, start + 1, end - 1);
  else writeText(sink, decodeJsonString(bytes, start + 1, end - 1, true));
}

function hasEscape(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === 0x5c) return true;
  return false;
}

function faultOf(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof EvaluationFault) return error;
  // A record must never stop its worker: what is unforeseen is a poison record with its message.
  return { code: 'internal_error', message: error instanceof Error ? error.message : String(error) };
}
