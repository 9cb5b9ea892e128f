// The expression language of Millrace: PostgreSQL's expressions, planned at declare time, run over the bytes of events.
export { evaluateExpression } from './evaluate-expression.ts';
export { loadParser } from './parser.ts';
export { type PlanOptions, planRoute, type RouteExpressions, type RoutePlanner } from './plan-route.ts';
export type { ExpressionProblem } from './problem.ts';
export { type ByteSink, createByteSink, ensureRoom } from './run/byte-sink.ts';
export {
  createProcessor,
  FILTERED,
  PASSED,
  POISON,
  type RecordProcessor,
  SCHEMA,
  type Verdict,
} from './run/processor.ts';
export { createRowReader, RowFault, type RowObject, type RowReader, type RowValue } from './run/row-reader.ts';
export type { RouteProgram } from './tree.ts';
export type { FieldType, RowType, ScalarType } from './types.ts';
export { formatType } from './values/type-rules.ts';
