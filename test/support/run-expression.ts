// Runs a route over one event given as text, for tests: the verdict, the output and the key as text.
import {
  createByteSink,
  createProcessor,
  planRoute,
  type RouteExpressions,
  type RouteProgram,
  type RowType,
} from '#core/expression/index.ts';

export interface RunResult {
  readonly verdict: 'passed' | 'filtered' | 'poison' | 'schema';
  readonly out: string;
  readonly key: string | null;
  readonly fault: string | null;
  readonly mismatchCount: number;
}

const verdicts = ['passed', 'filtered', 'poison', 'schema'] as const;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function planned(
  text: RouteExpressions,
  row: RowType | null = null,
  validate: 'declared' | 'read' = 'read',
): RouteProgram {
  const result = planRoute(text, row, { validate });
  if (!result.ok) throw new Error(JSON.stringify(result.problem));
  return result.value;
}

export function runProgram(program: RouteProgram, event: string | Uint8Array): RunResult {
  const processor = createProcessor(program);
  const bytes = typeof event === 'string' ? encoder.encode(event) : event;
  // The event lies in the middle of other bytes, as in a record batch.
  const batch = new Uint8Array(bytes.length + 14).fill(0x7b);
  batch.set(bytes, 7);
  const out = createByteSink(4);
  out.length = 2;
  const verdict = verdicts[processor.process(batch, 7, 7 + bytes.length, out)];
  const text = decoder.decode(out.bytes.subarray(2, out.length));
  const { key } = processor;
  return {
    verdict,
    out: text,
    key: key === null ? null : decoder.decode(key.bytes.subarray(0, key.length)),
    fault: processor.fault?.code ?? null,
    mismatchCount: processor.mismatchCount,
  };
}

export function runRoute(text: RouteExpressions, event: string | Uint8Array, row: RowType | null = null): RunResult {
  return runProgram(planned(text, row), event);
}
