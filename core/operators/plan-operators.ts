// Declare time: a route's chain before its last projection, checked and typed operator by operator.
import type {
  ExpressionProblem,
  FieldType,
  RouteExpressions,
  RoutePlanner,
  RouteProgram,
  RowType,
} from '#core/expression/index.ts';
import { formatType } from '#core/expression/index.ts';
import { formatFieldPath } from '#core/spec/field-path.ts';
import { didYouMean } from '#core/spec/nearest.ts';
import type { OperatorSpec } from '#core/spec/operators.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import type { HygieneField, OperatorProgram } from './operator.ts';
import { afterRule, changeAt, listBefore, taggedFields, typeAt } from './row-types.ts';

export interface ChainWish {
  readonly row: RowType | null;
  readonly validate: 'declared' | 'read';
  readonly where: string | null;
  readonly operators: readonly OperatorSpec[];
  /** Paths of tagged fields that the route passes on as they are. */
  readonly exposePii: readonly (readonly string[])[];
  /** What a worker has, and how many partitions it may come to hold. */
  readonly memoryMiB: number;
  readonly partitions: number;
}

export interface PlannedChain {
  /** Empty where the route's last program can do all by itself. */
  readonly operators: readonly OperatorProgram[];
  /** The type of the events that reach the last projection. */
  readonly row: RowType | null;
  readonly problems: readonly SpecProblem[];
}

interface Planning extends ChainWish {
  readonly plan: RoutePlanner;
  readonly problems: SpecProblem[];
}

/** One operator: what runs, and the type of what it passes on. */
interface Planned {
  readonly operator: OperatorProgram;
  readonly row: RowType | null;
}

export function planOperators(wish: ChainWish, plan: RoutePlanner): PlannedChain {
  const problems: SpecProblem[] = [];
  const planning: Planning = { ...wish, plan, problems };
  const tagged = checkedTags(planning);
  if (wish.operators.length === 0 && tagged.length === 0) return { operators: [], row: wish.row, problems };
  // First of all the source's events are checked as the stream declares them, and filtered as the route asks.
  const gate = wish.where === null ? {} : { where: wish.where };
  const first = program(planning, 'spec.where', gate, wish.row, wish.validate);
  const operators: OperatorProgram[] = first === null ? [] : [{ kind: 'project', program: first }];
  let row = wish.row;
  const steps: readonly (readonly [OperatorSpec, string])[] = [
    ...(tagged.length === 0 ? [] : [[{ kind: 'hygiene', fields: tagged }, 'spec.exposePii'] as const]),
    ...wish.operators.map((operator, index) => [operator, `spec.operators[${index}]`] as const),
  ];
  for (const [spec, path] of steps) {
    const planned = planOperator(planning, spec, row, path);
    if (planned === null) return { operators, row: null, problems };
    operators.push(planned.operator);
    row = planned.row;
  }
  return { operators, row, problems };
}

/**
 * The tagged fields that are treated: all, but for those that the route exposes by name. What lies within another that is
 * treated goes with it.
 */
function checkedTags({ row, exposePii, problems }: Planning): readonly HygieneField[] {
  const tagged = row === null ? [] : taggedFields(row);
  const exposed = exposePii.map(formatFieldPath);
  const known = tagged.map(({ path }) => formatFieldPath(path));
  for (const [index, name] of exposed.entries())
    if (!known.includes(name))
      problems.push({
        path: `spec.exposePii[${index}]`,
        message: `got ${JSON.stringify(name)}${didYouMean(name, known)}, expected a field that the stream tags as pii: ${known.join(', ') || 'it tags none'}`,
      });
  const treated = tagged.filter(({ path }) => !exposed.includes(formatFieldPath(path)));
  return treated.filter(({ path }) => !treated.some((other) => liesWithin(path, other.path)));
}

const liesWithin = (path: readonly string[], other: readonly string[]): boolean =>
  path.length > other.length && other.every((name, index) => path[index] === name);

function planOperator(planning: Planning, spec: OperatorSpec, row: RowType | null, path: string): Planned | null {
  switch (spec.kind) {
    case 'where':
    case 'select': {
      const text = spec.kind === 'where' ? { where: spec.where } : { select: spec.select };
      const planned = program(planning, `${path}.${spec.kind}`, text, row, 'read');
      return planned && { operator: { kind: 'project', program: planned }, row: planned.output };
    }
    case 'hygiene':
      return planHygiene(planning, spec.fields, row, path);
    case 'sample': {
      const by = spec.by === null ? null : keyProgram(planning, `${path}.sample.by`, spec.by, row);
      if (spec.by !== null && by === null) return null;
      return { operator: { kind: 'sample', fraction: spec.fraction, by }, row };
    }
    case 'dedup':
      return planDedup(planning, spec, row, path);
    case 'explode':
      return planExplode(planning, spec, row, path);
  }
}

function program(
  { plan, problems }: Planning,
  path: string,
  text: RouteExpressions,
  row: RowType | null,
  validate: 'declared' | 'read',
): RouteProgram | null {
  const planned = plan(text, row, { validate });
  if (planned.ok) return planned.value;
  problems.push(...planned.problem.map((problem) => specProblem(path, problem)));
  return null;
}

/** A program that passes every event and says its key. */
function keyProgram(planning: Planning, path: string, text: string, row: RowType | null): RouteProgram | null {
  // The name stands on a line of its own, in case that the text ends in a comment.
  const planned = program(planning, path, { select: `${text}\nAS key`, key: 'key' }, row, 'read');
  if (planned === null || planned.select?.length === 1) return planned;
  planning.problems.push({ path, message: 'expected one expression', fix: "join several: id || '/' || country" });
  return null;
}

function planHygiene(
  { problems }: Planning,
  fields: readonly HygieneField[],
  row: RowType | null,
  path: string,
): Planned | null {
  const before = problems.length;
  let after = row;
  for (const { path: field, rule } of fields) {
    const name = formatFieldPath(field);
    const type = after === null ? null : typeAt(after, field);
    if (after !== null && type === null) problems.push(unknownField(`${path}.hygiene`, name, after));
    else if (type !== null && rule.kind === 'truncate' && !isText(type))
      problems.push({
        path: `${path}.hygiene`,
        message: `${name} is ${formatType(type)}, and only text can be truncated`,
        fix: 'mask, hash or drop it, or compute what is to be kept in a select',
      });
    else if (after !== null) after = changeAt(after, field, (found) => afterRule(found, rule));
  }
  return problems.length > before ? null : { operator: { kind: 'hygiene', fields }, row: after };
}

const isText = (type: FieldType): boolean =>
  type.kind === 'dynamic' ||
  (type.kind === 'array' && isText(type.element)) ||
  (type.kind === 'scalar' && ['text', 'uuid', 'jsonb', 'date', 'timestamptz', 'timestamp'].includes(type.type));

const unknownField = (path: string, name: string, row: RowType): SpecProblem => {
  const names = row.map((field) => field.name);
  return {
    path,
    message: `there is no field ${JSON.stringify(name)}${didYouMean(name, names)}, expected one of ${names.join(', ')}`,
  };
};

/** A remembered event costs about this much, its key of usual length included. */
const rememberedBytes = 300;
const eventsDefaultMax = 100_000;

function planDedup(
  planning: Planning,
  spec: Extract<OperatorSpec, { kind: 'dedup' }>,
  row: RowType | null,
  path: string,
): Planned | null {
  const { memoryMiB, partitions, problems } = planning;
  const key = keyProgram(planning, `${path}.dedup.key`, spec.key, row);
  // One worker alone may come to hold all partitions.
  const eventsMax = Math.floor((memoryMiB * 1024 * 1024) / 4 / rememberedBytes / partitions);
  const events = spec.events ?? Math.min(eventsDefaultMax, eventsMax);
  if (events > eventsMax || events === 0)
    problems.push({
      path: `${path}.dedup.events`,
      message: `${events} events of each of ${partitions} partitions do not fit in a quarter of ${memoryMiB}MiB (about ${eventsMax} would)`,
      fix: 'remember fewer, or raise resources.memory',
    });
  if (key === null || events > eventsMax) return null;
  return { operator: { kind: 'dedup', key, withinMs: spec.withinMs, events }, row };
}

function planExplode(
  { problems }: Planning,
  spec: Extract<OperatorSpec, { kind: 'explode' }>,
  row: RowType | null,
  path: string,
): Planned | null {
  const name = formatFieldPath(spec.path);
  const operator: OperatorProgram = { kind: 'explode', path: spec.path, as: spec.as, keepEmpty: spec.keepEmpty };
  if (['__proto__', 'constructor', 'prototype'].includes(spec.as)) {
    problems.push({ path: `${path}.explode.as`, message: `a field may not be named ${spec.as}` });
    return null;
  }
  if (row === null) return { operator, row };
  const type = typeAt(row, spec.path);
  const list = listBefore(row, spec.path);
  if (list !== null) problems.push(throughList(`${path}.explode.field`, name, formatFieldPath(list)));
  else if (type === null) problems.push(unknownField(`${path}.explode.field`, name, row));
  else if (type.kind !== 'array' && type.kind !== 'dynamic' && !(type.kind === 'scalar' && type.type === 'jsonb'))
    problems.push({ path: `${path}.explode.field`, message: `${name} is ${formatType(type)}, expected a list` });
  else {
    const rest = changeAt(row, spec.path, () => null);
    const element: FieldType = type.kind === 'array' ? elementOf(type) : { kind: 'dynamic' };
    if (!rest.some((field) => field.name === spec.as))
      return { operator, row: [...rest, { name: spec.as, type: element }] };
    problems.push({
      path: `${path}.explode.as`,
      message: `the events have a field ${JSON.stringify(spec.as)} already`,
      fix: 'give the element another name with `as`',
    });
  }
  return null;
}

const throughList = (path: string, name: string, list: string): SpecProblem => ({
  path,
  message: `${name} lies in the list ${list}, expected a list that an event has once`,
  fix: `explode ${list} first, then the list in its elements`,
});

/** An element is as personal as its list. */
const elementOf = ({ element, pii }: Extract<FieldType, { kind: 'array' }>): FieldType =>
  pii === undefined || element.kind === 'object' || element.kind === 'dynamic' ? element : { ...element, pii };

export const specProblem = (path: string, problem: ExpressionProblem): SpecProblem => ({
  path,
  message: problem.message,
  line: problem.line,
  column: problem.column,
  ...(problem.hint === undefined ? {} : { fix: problem.hint }),
});
