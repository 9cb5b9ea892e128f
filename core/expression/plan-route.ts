// Declare time: the texts of a route, checked and typed against a stream's row, to the program that workers run.
import type { Node, ResTarget } from 'libpg-query';
import { ok, type Result, refuse } from '../result.ts';
import { asCondition, bindNode, settleLiteral } from './bind/bind.ts';
import { type Bound, type Scope, typeOf } from './bind/bound.ts';
import { columnName } from './bind/column-name.ts';
import { bindNames, stringOf } from './bind/paths.ts';
import { type ParsedText, parseText, refusalProblem } from './parser.ts';
import { type ExpressionProblem, Refusal } from './problem.ts';
import { childrenOf } from './run/compile.ts';
import {
  type ExpressionNode,
  type FieldCheck,
  type OutputItem,
  programVersion,
  type RouteProgram,
  type Step,
} from './tree.ts';
import type { FieldType, RowType } from './types.ts';
import { fieldTypeOf } from './values/type-rules.ts';

/** `key` names an output column or, without `select`, a field of the event. */
export interface RouteExpressions {
  readonly where?: string;
  readonly select?: string;
  readonly key?: string;
}

export interface PlanOptions {
  /** Which declared fields every event must fit: those that the route reads, or all. */
  readonly validate: 'declared' | 'read';
}

/** `planRoute`, or a memoized form of it. */
export type RoutePlanner = (
  text: RouteExpressions,
  row: RowType | null,
  options: PlanOptions,
) => Result<RouteProgram, readonly ExpressionProblem[]>;

interface Column {
  readonly item: OutputItem;
  readonly type: FieldType;
}

/** `row` null is a stream without schema: every field is dynamic. Needs `loadParser()` first. */
export function planRoute(
  text: RouteExpressions,
  row: RowType | null,
  options: PlanOptions = { validate: 'read' },
): Result<RouteProgram, readonly ExpressionProblem[]> {
  const problems: ExpressionProblem[] = [];
  const scope: Scope = { row, nodeCount: 0 };
  const where = text.where === undefined ? null : planCondition(text.where, scope, problems);
  const columns = text.select === undefined ? null : planSelect(text.select, scope, problems);
  const key = text.key === undefined || problems.length > 0 ? null : planKey(text.key, columns, scope, problems);
  if (problems.length > 0) return refuse(problems);
  return ok(assemble(where, columns, key, row, options));
}

function assemble(
  where: ExpressionNode | null,
  columns: readonly Column[] | null,
  key: RouteProgram['key'],
  row: RowType | null,
  options: PlanOptions,
): RouteProgram {
  const select = columns?.map((column) => column.item) ?? null;
  const fields = uniquePaths([
    ...(where === null ? [] : pathsOf(where)),
    ...(select ?? []).flatMap((item) => (item.kind === 'column' ? pathsOf(item.node) : [])),
    ...(key?.kind === 'field' ? [key.path] : []),
  ]);
  const identity = select === null || (select.length === 1 && select[0]!.kind === 'star');
  return {
    version: programVersion,
    where,
    select: identity ? null : select,
    key,
    identity,
    output: identity ? row : outputRow(columns!, row),
    fields,
    checks: row === null ? [] : checksOf(row, fields, options.validate),
  };
}

function outputRow(columns: readonly Column[], row: RowType | null): RowType | null {
  if (row === null && columns.some((column) => column.item.kind === 'star')) return null;
  return columns.flatMap(({ item, type }) => (item.kind === 'star' ? (row ?? []) : [{ name: item.name, type }]));
}

/** Runs a step of binding; a refusal becomes a problem with its place. */
function attempt<Value>(parsed: ParsedText, problems: ExpressionProblem[], run: () => Value): Value | null {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    problems.push(refusalProblem(error, parsed.text, parsed.prefixBytes));
    return null;
  }
}

function planCondition(text: string, scope: Scope, problems: ExpressionProblem[]): ExpressionNode | null {
  const parsed = parseText(text, 'condition');
  if (!parsed.ok) {
    problems.push(parsed.problem);
    return null;
  }
  const condition = attempt(parsed.value, problems, () =>
    asCondition(bindNode(scope, parsed.value.nodes[0]!, 0), 'the condition'),
  );
  return condition?.node ?? null;
}

function planSelect(text: string, scope: Scope, problems: ExpressionProblem[]): readonly Column[] {
  const parsed = parseText(text, 'list');
  if (!parsed.ok) {
    problems.push(parsed.problem);
    return [];
  }
  const taken = new Set<string>();
  const columns: Column[] = [];
  for (const node of parsed.value.nodes) {
    attempt(parsed.value, problems, () => {
      const target = (node as { ResTarget: ResTarget }).ResTarget;
      for (const column of planItem(target, scope)) {
        takeNames(column, scope.row, taken, target.location ?? 0);
        columns.push(column);
      }
    });
  }
  return columns;
}

function takeNames(column: Column, row: RowType | null, taken: Set<string>, at: number): void {
  const names = column.item.kind === 'star' ? ['*', ...(row ?? []).map((field) => field.name)] : [column.item.name];
  for (const name of names) {
    if (taken.has(name)) {
      const message = name === '*' ? '* occurs twice' : `two output columns are named "${name}"`;
      throw new Refusal('duplicate_column', message, at, 'give one of them another name with AS');
    }
    taken.add(name);
  }
}

const forbiddenNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

function planItem(target: ResTarget, scope: Scope): readonly Column[] {
  const node = target.val!;
  const at = target.location ?? 0;
  const star = starOf(node);
  if (star !== null)
    return star.length === 0 ? [{ item: { kind: 'star' }, type: { kind: 'dynamic' } }] : membersOf(star, scope, at);
  const value = settleLiteral(bindNode(scope, node, 0));
  const name = target.name ?? columnName(node);
  if (name === null) throw new Refusal('unnamed_column', 'this output column has no name', at, 'add AS and a name');
  if (forbiddenNames.has(name)) throw new Refusal('reserved_name', `an output column may not be named ${name}`, at);
  return [column(name, value)];
}

function column(name: string, value: Bound): Column {
  const item: OutputItem = { kind: 'column', name, node: value.node };
  return { item, type: value.declared ?? fieldTypeOf(typeOf(value)) };
}

/** The names before `.*`; null when the node is no star. */
function starOf(node: Node): readonly string[] | null {
  const fields = 'ColumnRef' in node ? (node.ColumnRef.fields ?? []) : [];
  const last = fields.at(-1);
  if (last === undefined || !('A_Star' in last)) return null;
  return fields.slice(0, -1).map((field) => stringOf(field) ?? '');
}

/** `device.*`: the declared members of an object. */
function membersOf(names: readonly string[], scope: Scope, at: number): readonly Column[] {
  const base = bindNames(scope, names, at);
  if (base.declared?.kind !== 'object') {
    throw new Refusal(
      'feature_not_supported',
      `${names.join('.')}.* needs a declared object`,
      at,
      'name the fields that you want',
    );
  }
  return base.declared.fields.map((field) => column(field.name, bindNames(scope, [...names, field.name], at)));
}

function planKey(
  text: string,
  columns: readonly Column[] | null,
  scope: Scope,
  problems: ExpressionProblem[],
): RouteProgram['key'] {
  const parsed = parseText(text, 'list');
  if (!parsed.ok) {
    problems.push(parsed.problem);
    return null;
  }
  return attempt(parsed.value, problems, () => {
    const names = keyNames(parsed.value.nodes);
    if (columns === null) return fieldKey(names, scope);
    const index = columns.findIndex(
      ({ item }) => item.kind === 'column' && names.length === 1 && item.name === names[0],
    );
    if (index >= 0) return { kind: 'column', index } as const;
    if (columns.some(({ item }) => item.kind === 'star')) return fieldKey(names, scope);
    const known = columns.flatMap(({ item }) => (item.kind === 'column' ? [item.name] : []));
    throw new Refusal(
      'undefined_column',
      `the key ${names.join('.')} is not an output column`,
      0,
      `there is ${known.join(', ')}`,
    );
  });
}

function keyNames(nodes: readonly Node[]): readonly string[] {
  const target = nodes.length === 1 ? (nodes[0] as { ResTarget: ResTarget }).ResTarget : undefined;
  const names =
    target?.val !== undefined && 'ColumnRef' in target.val ? (target.val.ColumnRef.fields ?? []).map(stringOf) : [];
  if (names.length === 0 || names.includes(null) || target?.name !== undefined) {
    throw new Refusal(
      'feature_not_supported',
      'the key must be the name of one column',
      0,
      'compute it in select and name it here',
    );
  }
  return names as string[];
}

function fieldKey(names: readonly string[], scope: Scope): { readonly kind: 'field'; readonly path: readonly Step[] } {
  const field = bindNames(scope, names, 0);
  if (field.declared?.kind === 'object' || field.declared?.kind === 'array') {
    throw new Refusal('datatype_mismatch', `the key ${names.join('.')} must be a single value`, 0);
  }
  return { kind: 'field', path: names };
}

function pathsOf(node: ExpressionNode): readonly (readonly Step[])[] {
  return node.kind === 'path' ? [node.path] : childrenOf(node).flatMap(pathsOf);
}

function uniquePaths(paths: readonly (readonly Step[])[]): readonly (readonly Step[])[] {
  return [...new Map(paths.map((path) => [JSON.stringify(path), path])).values()];
}

/** Declared leaves (and the objects around them); with `read` only those on the way of a path that is read. */
function checksOf(
  row: RowType,
  fields: readonly (readonly Step[])[],
  validate: PlanOptions['validate'],
): readonly FieldCheck[] {
  const all = row.flatMap((field) => leavesOf([field.name], field.type));
  if (validate === 'declared') return all;
  return all.filter((check) => fields.some((path) => overlaps(path, check.path)));
}

function leavesOf(path: readonly string[], type: FieldType): readonly FieldCheck[] {
  if (type.kind === 'dynamic') return [];
  if (type.kind !== 'object') return [{ path, type }];
  return [{ path, type }, ...type.fields.flatMap((field) => leavesOf([...path, field.name], field.type))];
}

/** Whether one of two paths begins with the other. */
function overlaps(left: readonly Step[], right: readonly Step[]): boolean {
  return left.slice(0, right.length).every((step, index) => step === right[index]);
}
