// From PostgreSQL's parse tree to the typed tree: one function for each kind of node, everything else refused by name.
import type {
  A_Const,
  A_Indirection,
  BoolExpr,
  BooleanTest,
  CaseExpr,
  ColumnRef,
  Node,
  NullTest,
  TypeCast,
} from 'libpg-query';
import { limits } from '../../limits.ts';
import { EvaluationFault } from '../fault.ts';
import { truncateInterval } from '../functions/truncate.ts';
import { Refusal } from '../problem.ts';
import type { ExpressionNode, IsTest } from '../tree.ts';
import { formatInterval, parseInterval } from '../values/interval.ts';
import { arrayOf, commonType, elementOf, isArray } from '../values/type-rules.ts';
import { bindFunction } from './bind-function.ts';
import { bindOperator } from './bind-operator.ts';
import { type Bind, type Bound, bound, isUnknown, type Scope, typeOf } from './bound.ts';
import { canCoerce, castTo, coerce, requireReadable } from './coerce.ts';
import { bindNames, elementAt, memberNamed, stringOf } from './paths.ts';
import { refuseNode } from './refuse.ts';
import { resolveCall } from './resolve.ts';
import { readTypeName } from './type-name.ts';

export function bindNode(scope: Scope, node: Node, depth: number): Bound {
  if (++scope.nodeCount > limits.expressionNodesMax) {
    throw new Refusal('program_limit_exceeded', `more than ${limits.expressionNodesMax} parts`, -1);
  }
  if (depth > limits.expressionDepthMax) {
    throw new Refusal(
      'program_limit_exceeded',
      `nested deeper than ${limits.expressionDepthMax} levels`,
      locationOf(node),
    );
  }
  const bind: Bind = (child, childDepth) => bindNode(scope, child, childDepth);
  if ('ColumnRef' in node) return bindColumn(scope, node.ColumnRef);
  if ('A_Const' in node) return bindConstant(node.A_Const);
  if ('A_Expr' in node) return bindOperator(bind, node.A_Expr, depth);
  if ('BoolExpr' in node) return bindLogic(bind, node.BoolExpr, depth);
  if ('FuncCall' in node) return bindFunction(bind, node.FuncCall, depth);
  if ('TypeCast' in node) return bindCast(bind, node.TypeCast, depth);
  if ('NullTest' in node) return bindNullTest(bind, node.NullTest, depth);
  if ('BooleanTest' in node) return bindBooleanTest(bind, node.BooleanTest, depth);
  if ('CaseExpr' in node) return bindCase(bind, node.CaseExpr, depth);
  if ('CoalesceExpr' in node)
    return bindAlternatives(bind, 'coalesce', node.CoalesceExpr.args, at(node.CoalesceExpr), depth);
  if ('MinMaxExpr' in node) {
    const kind = node.MinMaxExpr.op === 'IS_LEAST' ? 'least' : 'greatest';
    return bindAlternatives(bind, kind, node.MinMaxExpr.args, at(node.MinMaxExpr), depth);
  }
  if ('A_ArrayExpr' in node) return bindArray(bind, node.A_ArrayExpr.elements ?? [], at(node.A_ArrayExpr), depth);
  if ('A_Indirection' in node) return bindIndirection(bind, node.A_Indirection, depth);
  if ('CollateClause' in node) {
    const name = node.CollateClause.collname?.map(stringOf).at(-1);
    if (name === 'C' && node.CollateClause.arg !== undefined) return bind(node.CollateClause.arg, depth + 1);
  }
  return refuseNode(node, locationOf(node));
}

export function at(node: { location?: number }): number {
  return node.location ?? 0;
}

export function locationOf(node: Node): number {
  const content = Object.values(node)[0] as { location?: number } | undefined;
  return content?.location ?? 0;
}

function bindColumn(scope: Scope, column: ColumnRef): Bound {
  const names = (column.fields ?? []).map(stringOf);
  if (names.includes(null)) throw new Refusal('syntax_error', '* stands only at the top of a select list', at(column));
  return bindNames(scope, names as string[], at(column));
}

function bindConstant(constant: A_Const): Bound {
  const location = at(constant);
  const literal = (type: string, text: string | null): Bound => bound({ kind: 'constant', type, text }, location);
  if (constant.isnull === true) return literal('unknown', null);
  if (constant.ival !== undefined) return literal('integer', String(constant.ival.ival ?? 0));
  if (constant.fval !== undefined) {
    const text = (constant.fval.fval ?? '0').replaceAll('_', '');
    const whole = /^[+-]?(\d+|0[xXoObB][0-9a-fA-F]+)$/.test(text) ? BigInt(text) : null;
    if (whole !== null && BigInt.asIntN(32, whole) === whole) return literal('integer', whole.toString());
    if (whole !== null && BigInt.asIntN(64, whole) === whole) return literal('bigint', whole.toString());
    const digits = whole === null ? text : whole.toString();
    requireReadable('numeric', digits, location);
    return literal('numeric', digits);
  }
  if (constant.boolval !== undefined) return literal('boolean', constant.boolval.boolval === true ? 'true' : 'false');
  if (constant.sval !== undefined) return literal('unknown', constant.sval.sval ?? '');
  throw new Refusal('feature_not_supported', 'bit strings are not supported', location);
}

/** NOT, AND, OR want booleans, and so do conditions. */
export function asCondition(value: Bound, what: string): Bound {
  if (!isUnknown(value) && !canCoerce(typeOf(value), 'boolean')) {
    throw new Refusal('datatype_mismatch', `${what} must be boolean, got ${typeOf(value)}`, value.at);
  }
  return coerce(value, 'boolean');
}

function bindLogic(bind: Bind, expression: BoolExpr, depth: number): Bound {
  const kind = expression.boolop === 'NOT_EXPR' ? 'not' : expression.boolop === 'OR_EXPR' ? 'or' : 'and';
  const parts = (expression.args ?? []).map((part) =>
    asCondition(bind(part, depth + 1), `argument of ${kind.toUpperCase()}`),
  );
  return bound({ kind, type: 'boolean', arguments: parts.map((part) => part.node) }, at(expression));
}

function bindCast(bind: Bind, cast: TypeCast, depth: number): Bound {
  const location = cast.location === -1 || cast.location === undefined ? (cast.typeName?.location ?? 0) : cast.location;
  const { type, modifiers, unit } = readTypeName(cast.typeName!, cast.typeName?.location ?? location);
  const argument = cast.arg!;
  if (isArray(type) && 'A_ArrayExpr' in argument) {
    const items = bindArrayOf(bind, argument.A_ArrayExpr.elements ?? [], elementOf(type), modifiers, location, depth);
    if (items !== null) return items;
  }
  const value = bind(argument, depth + 1);
  if (unit === null) return castTo(value, type, modifiers, location);
  if (isUnknown(value)) return castTo(inUnit(value, unit), type, modifiers, location);
  const whole = castTo(value, type, modifiers, location);
  if (unit === 'second') return whole;
  const unitText = bound({ kind: 'constant', type: 'unknown', text: unit }, location);
  return bound(resolveCall('date_trunc', [unitText, whole], location, false), location);
}

/** The literal of `interval '5' day`: the unit is that of its last number, and the least that is kept. What cannot be read is refused by the cast. */
function inUnit(value: Bound, unit: string): Bound {
  if (value.node.kind !== 'constant' || value.node.text === null) return value;
  try {
    const whole = parseInterval(value.node.text, unit);
    // Seconds keep their fraction.
    const cut = unit === 'second' ? whole : truncateInterval(unit, whole);
    return bound({ ...value.node, text: formatInterval(cut) }, value.at);
  } catch (error) {
    if (error instanceof EvaluationFault) return value;
    throw error;
  }
}

/** `ARRAY[…]::type[]` casts each element, so that an empty array and NULLs have a type. */
function bindArrayOf(
  bind: Bind,
  elements: readonly Node[],
  type: string,
  modifiers: readonly number[],
  location: number,
  depth: number,
): Bound | null {
  if (elements.some((element) => 'A_ArrayExpr' in element)) return null;
  const items = elements.map((element) => castTo(bind(element, depth + 1), type, modifiers, locationOf(element)).node);
  return bound({ kind: 'array', type: arrayOf(type), arguments: items }, location);
}

function bindNullTest(bind: Bind, test: NullTest, depth: number): Bound {
  const argument = bind(test.arg!, depth + 1);
  const kind: IsTest = test.nulltesttype === 'IS_NOT_NULL' ? 'not null' : 'null';
  return bound({ kind: 'is', type: 'boolean', test: kind, argument: settleLiteral(argument).node }, at(test));
}

const booleanTests: Readonly<Record<string, IsTest>> = {
  IS_TRUE: 'true',
  IS_NOT_TRUE: 'not true',
  IS_FALSE: 'false',
  IS_NOT_FALSE: 'not false',
  IS_UNKNOWN: 'unknown',
  IS_NOT_UNKNOWN: 'not unknown',
};

function bindBooleanTest(bind: Bind, test: BooleanTest, depth: number): Bound {
  const kind = booleanTests[test.booltesttype ?? 'IS_TRUE']!;
  const argument = asCondition(bind(test.arg!, depth + 1), `argument of IS ${kind.toUpperCase()}`);
  return bound({ kind: 'is', type: 'boolean', test: kind, argument: argument.node }, at(test));
}

/** A literal that no context has typed is text. */
export function settleLiteral(value: Bound): Bound {
  return isUnknown(value) ? coerce(value, 'text') : value;
}

/** Brings values to their common type, as CASE, COALESCE, IN and ARRAY do. */
export function unify(
  values: readonly Bound[],
  what: string,
): { readonly type: string; readonly nodes: readonly ExpressionNode[] } {
  const type = commonType(values.map(typeOf));
  if (type === null) {
    const [first, other] = differing(values);
    const message = `${what} types ${typeOf(first)} and ${typeOf(other)} cannot be matched`;
    throw new Refusal('datatype_mismatch', message, other.at, 'cast one of them');
  }
  return { type, nodes: values.map((value) => coerce(value, type).node) };
}

function differing(values: readonly Bound[]): readonly [Bound, Bound] {
  const known = values.filter((value) => !isUnknown(value));
  for (const other of known) if (commonType([typeOf(known[0]!), typeOf(other)]) === null) return [known[0]!, other];
  return [known[0]!, known.at(-1)!];
}

function bindCase(bind: Bind, expression: CaseExpr, depth: number): Bound {
  const operand = expression.arg === undefined ? null : settleLiteral(bind(expression.arg, depth + 1));
  const conditions: ExpressionNode[] = [];
  const results: Bound[] = [];
  for (const part of expression.args ?? []) {
    if (!('CaseWhen' in part)) continue;
    const when = bind(part.CaseWhen.expr!, depth + 1);
    const condition =
      operand === null
        ? asCondition(when, 'argument of CASE/WHEN').node
        : resolveCall('=', [operand, when], at(part.CaseWhen), true);
    conditions.push(condition);
    results.push(bind(part.CaseWhen.result!, depth + 1));
  }
  const otherwise =
    expression.defresult === undefined
      ? bound({ kind: 'constant', type: 'unknown', text: null }, at(expression))
      : bind(expression.defresult, depth + 1);
  const { type, nodes } = unify([otherwise, ...results], 'CASE');
  const branches = conditions.map((when, index) => ({ when, result: nodes[index + 1]! }));
  return bound({ kind: 'case', type, branches, otherwise: nodes[0]! }, at(expression));
}

function bindAlternatives(
  bind: Bind,
  kind: 'coalesce' | 'greatest' | 'least',
  args: readonly Node[] | undefined,
  location: number,
  depth: number,
): Bound {
  const values = (args ?? []).map((argument) => bind(argument, depth + 1));
  const { type, nodes } = unify(values, kind.toUpperCase());
  return bound({ kind, type, arguments: nodes }, location);
}

function bindArray(bind: Bind, elements: readonly Node[], location: number, depth: number): Bound {
  if (elements.length === 0) {
    throw new Refusal(
      'indeterminate_datatype',
      'the type of an empty array is not known',
      location,
      'write ARRAY[]::text[]',
    );
  }
  if (elements.some((element) => 'A_ArrayExpr' in element)) {
    throw new Refusal('feature_not_supported', 'arrays of more than one dimension are not supported', location);
  }
  const { type, nodes } = unify(
    elements.map((element) => bind(element, depth + 1)),
    'ARRAY',
  );
  return bound({ kind: 'array', type: arrayOf(type), arguments: nodes }, location);
}

function bindIndirection(bind: Bind, expression: A_Indirection, depth: number): Bound {
  let current = bind(expression.arg!, depth + 1);
  for (const step of expression.indirection ?? []) {
    const name = stringOf(step);
    if (name !== null) current = memberNamed(current, name, current.at);
    else if ('A_Indices' in step && step.A_Indices.is_slice === true) {
      const { lidx, uidx } = step.A_Indices;
      current = slice(current, lidx && bind(lidx, depth + 1), uidx && bind(uidx, depth + 1));
    } else if ('A_Indices' in step) current = elementAt(current, bind(step.A_Indices.uidx!, depth + 1), current.at);
    else throw new Refusal('feature_not_supported', '.* cannot be used here', current.at);
  }
  return current;
}

function slice(base: Bound, lower: Bound | undefined, upper: Bound | undefined): Bound {
  const type = typeOf(base) === 'dynamic' ? 'dynamic[]' : typeOf(base);
  if (!isArray(type)) throw new Refusal('datatype_mismatch', `a value of type ${type} cannot be sliced`, base.at);
  const index = (edge: Bound | undefined): ExpressionNode | null =>
    edge === undefined ? null : coerce(edge, 'integer').node;
  return bound(
    { kind: 'slice', type, base: coerce(base, type).node, lower: index(lower), upper: index(upper) },
    base.at,
  );
}
