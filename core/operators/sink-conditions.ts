// Content-based routing: each sink's last program is given the condition that its events must meet.
import type { RoutePlanner, RouteProgram, RowType } from '#core/expression/index.ts';
import type { ExpressionNode } from '#core/expression/tree.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import type { SinkCondition } from '#core/spec/sinks/condition.ts';
import { specProblem } from './plan-operators.ts';

/** A sink's filter as a program of its own; null for a sink that takes all. */
export type SinkFilter = RouteProgram | null;

export function planConditions(
  conditions: readonly SinkCondition[],
  row: RowType | null,
  plan: RoutePlanner,
  problems: SpecProblem[],
): readonly SinkFilter[] {
  const own = conditions.map((condition, index): SinkFilter => {
    if (condition.kind !== 'where') return null;
    const planned = plan({ where: condition.where }, row, { validate: 'read' });
    if (planned.ok) return planned.value;
    problems.push(...planned.problem.map((problem) => specProblem(`spec.to[${index}].where`, problem)));
    return null;
  });
  const rest = own
    .filter((filter) => filter !== null)
    .map(isNotTrue)
    .reduce<SinkFilter>(both, null);
  return conditions.map((condition, index) => (condition.kind === 'otherwise' ? rest : own[index]!));
}

/** The program, for those events only that the filter takes. */
export const withFilter = (program: RouteProgram, filter: SinkFilter): RouteProgram =>
  filter === null ? program : combine(program, filter);

/** NULL counts as not true, so that every event goes somewhere. */
const isNotTrue = (filter: RouteProgram): RouteProgram => ({
  ...filter,
  where: { kind: 'is', type: 'boolean', test: 'not true', argument: filter.where! },
});

const both = (left: SinkFilter, right: RouteProgram): RouteProgram => (left === null ? right : combine(left, right));

function combine(program: RouteProgram, filter: RouteProgram): RouteProgram {
  const conditions = [program.where, filter.where].filter((node): node is ExpressionNode => node !== null);
  return {
    ...program,
    where: conditions.length === 1 ? conditions[0]! : { kind: 'and', type: 'boolean', arguments: conditions },
    fields: unique([...program.fields, ...filter.fields]),
    checks: unique([...program.checks, ...filter.checks]),
  };
}

const unique = <Item>(items: readonly Item[]): readonly Item[] => [
  ...new Map(items.map((item) => [JSON.stringify(item), item])).values(),
];
