// One expression over one row, for trying things out by hand.
import type { ResTarget } from 'libpg-query';
import { ok, type Result, refuse } from '../result.ts';
import { parseText } from './parser.ts';
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
  const parsed = parseText(text, 'list');
  if (!parsed.ok) return parsed;
  const [target, second] = parsed.value.nodes as readonly { ResTarget: ResTarget }[];
  const oneExpression = () => refuse(problemAt(text, 0, 'syntax_error', 'expected one expression'));
  if (target === undefined || second !== undefined) return oneExpression();
  // A name is given behind the text, on a line of its own in case that it ends in a comment.
  const isNamed = target.ResTarget.name !== undefined || isStar(target.ResTarget);
  const planned = planRoute({ select: isNamed ? text : `${text}\nAS value` }, row);
  if (!planned.ok) return refuse(planned.problem[0]!);
  const [item] = planned.value.select ?? [];
  if (planned.value.select?.length !== 1 || item?.kind !== 'column') return oneExpression();
  const processor = createProcessor(planned.value);
  const out = createByteSink(1024);
  const bytes = encoder.encode(rowJson);
  if (processor.process(bytes, 0, bytes.length, out) !== PASSED) {
    const { code, message } = processor.fault!;
    return refuse({ code, message });
  }
  const members = decoder.decode(out.bytes.subarray(0, out.length));
  const json = members.slice(`{${JSON.stringify(item.name)}:`.length, -1);
  return ok({ type: formatType(planned.value.output?.[0]?.type ?? { kind: 'dynamic' }), json });
}

function isStar(target: ResTarget): boolean {
  const fields = target.val !== undefined && 'ColumnRef' in target.val ? (target.val.ColumnRef.fields ?? []) : [];
  return fields.some((field) => 'A_Star' in field);
}
