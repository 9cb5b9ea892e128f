// One expression over one row, for trying things out by hand.
import { ok, type Result, refuse } from '../result.ts';
import { planRoute } from './plan-route.ts';
import { type ExpressionProblem, problemAt } from './problem.ts';
import { createByteSink } from './run/byte-sink.ts';
import { createProcessor, PASSED } from './run/processor.ts';
import type { RowType } from './types.ts';
import { formatType } from './values/type-rules.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Evaluates over `rowJson`, a JSON object; `json` is the value as an output column would carry it. Needs `loadParser()`. */
export function evaluateExpression(
  text: string,
  rowJson: string,
  row: RowType | null,
): Result<{ type: string; json: string }, ExpressionProblem | { code: string; message: string }> {
  // A name is given behind the text, on a line of its own in case that it ends in a comment.
  const planned = planRoute({ select: `${text}\nAS value` }, row);
  if (!planned.ok) return refuse(unnamed(text, row, planned.problem[0]!));
  const { select, output } = planned.value;
  const [item] = select ?? [];
  if (select?.length !== 1 || item?.kind !== 'column') {
    return refuse(problemAt(text, 0, 'syntax_error', 'expected one expression'));
  }
  const processor = createProcessor(planned.value);
  const out = createByteSink(1024);
  const bytes = encoder.encode(rowJson);
  if (processor.process(bytes, 0, bytes.length, out) !== PASSED) {
    const { code, message } = processor.fault!;
    return refuse({ code, message });
  }
  const json = decoder.decode(out.bytes.subarray('{"value":'.length, out.length - 1));
  const type = output?.[0]?.type;
  return ok({ type: type === undefined ? 'dynamic' : formatType(type), json });
}

/** Problems of the text as the person wrote it: without the name that was added, where the name itself is in the way. */
function unnamed(text: string, row: RowType | null, problem: ExpressionProblem): ExpressionProblem {
  const plain = planRoute({ select: text }, row);
  return plain.ok ? problem : plain.problem[0]!.code === 'unnamed_column' ? problem : plain.problem[0]!;
}
