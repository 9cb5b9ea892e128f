// Operators: plain ones by the function table, and those of SQL's own grammar (IN, BETWEEN, LIKE, ANY, DISTINCT FROM, NULLIF).
import type { A_Expr, Node } from 'libpg-query';
import { Refusal } from '../problem.ts';
import { readsEvent } from '../run/compile.ts';
import type { CallNode, ExpressionNode, TypeName } from '../tree.ts';
import { arrayOf, commonType, elementOf, isArray } from '../values/type-rules.ts';
import { type Bind, type Bound, bound, isUnknown, typeOf } from './bound.ts';
import { castTo, coerce } from './coerce.ts';
import { followJson, integerConstant, stringOf } from './paths.ts';
import { resolveCall } from './resolve.ts';

export function bindOperator(bind: Bind, expression: A_Expr, depth: number): Bound {
  const at = expression.location ?? 0;
  const name = operatorName(expression, at);
  switch (expression.kind) {
    case 'AEXPR_OP':
      return bindPlain(bind, expression, name, at, depth);
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
    case 'AEXPR_SIMILAR':
      return call(name, operands(bind, expression, depth), at);
    case 'AEXPR_IN':
      return bindIn(bind, expression, name === '<>', at, depth);
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return bindBetween(bind, expression, at, depth);
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
      return bindDistinct(bind, expression, at, depth);
    case 'AEXPR_NULLIF':
      return bindNullIf(bind, expression, at, depth);
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL':
      return bindQuantified(bind, expression, name, at, depth);
    default:
      throw new Refusal('feature_not_supported', `${expression.kind ?? 'this operator'} is not supported`, at);
  }
}

function operatorName(expression: A_Expr, at: number): string {
  const names = (expression.name ?? []).map(stringOf);
  if (names.length > 1)
    throw new Refusal('feature_not_supported', 'OPERATOR(schema.op) is not supported', at, 'write the operator');
  return names[0] ?? '';
}

function call(name: string, args: readonly Bound[], at: number): Bound {
  return bound(resolveCall(name, args, at, true), at);
}

function operands(bind: Bind, expression: A_Expr, depth: number): readonly [Bound, Bound] {
  return [bindOperand(bind, expression.lexpr!, depth), bindOperand(bind, expression.rexpr!, depth)];
}

function bindOperand(bind: Bind, node: Node, depth: number): Bound {
  return bind(node, depth + 1);
}

function bindPlain(bind: Bind, expression: A_Expr, name: string, at: number, depth: number): Bound {
  const right = bindOperand(bind, expression.rexpr!, depth);
  if (expression.lexpr === undefined) return call(name, [right], at);
  const left = bindOperand(bind, expression.lexpr, depth);
  if (name === '->' || name === '->>') {
    const followed = bindArrow(name, left, right, at);
    if (followed !== null) return followed;
  }
  if (name === '||') return call(name, joinOperands(left, right), at);
  return call(name, [left, right], at);
}

/** `->` with a constant step becomes a longer path; `->>` the text of what lies there. */
function bindArrow(name: string, left: Bound, right: Bound, at: number): Bound | null {
  const step = integerConstant(right) ?? (right.node.kind === 'constant' && isUnknown(right) ? right.node.text : null);
  const followed = step === null ? null : followJson(left, step, at);
  if (followed === null || name === '->') return followed;
  const value: ExpressionNode = {
    kind: 'path',
    type: 'dynamic',
    path: (followed.node as { path: readonly (string | number)[] }).path,
  };
  return bound({ kind: 'cast', type: 'text', from: 'dynamic', explicit: true, argument: value }, at);
}

/** A dynamic value is joined by its text, unless the other side is an array. */
function joinOperands(left: Bound, right: Bound): readonly [Bound, Bound] {
  const asText = (value: Bound, other: Bound): Bound =>
    typeOf(value) === 'dynamic' && !isArray(typeOf(other)) ? castTo(value, 'text', [], value.at) : value;
  return [asText(left, right), asText(right, left)];
}

function bindIn(bind: Bind, expression: A_Expr, negated: boolean, at: number, depth: number): Bound {
  const list = (expression.rexpr as { List?: { items?: Node[] } }).List?.items ?? [];
  const left = bindOperand(bind, expression.lexpr!, depth);
  const items = list.map((item) => bindOperand(bind, item, depth));
  return inList(left, items, negated, at);
}

/** Constants that share a type are one comparison with an array, before the others, each on its own terms. */
function inList(left: Bound, items: readonly Bound[], negated: boolean, at: number): Bound {
  const constants = items.filter((item) => !readsEvent(item.node));
  const type = constants.length > 1 ? commonType([left, ...constants].map(typeOf)) : null;
  const others = type === null ? items : items.filter((item) => readsEvent(item.node));
  const tests: readonly ExpressionNode[] = [
    ...(type === null ? [] : [inConstants(left, constants, type, negated, at).node]),
    ...others.map((item) => resolveCall(negated ? '<>' : '=', [left, item], at, true)),
  ];
  if (tests.length === 1) return bound(tests[0]!, at);
  return bound({ kind: negated ? 'and' : 'or', type: 'boolean', arguments: tests }, at);
}

function inConstants(left: Bound, items: readonly Bound[], type: TypeName, negated: boolean, at: number): Bound {
  const value = coerce(left, type);
  const { signature } = resolveCall(negated ? '<>' : '=', [value, coerce(items[0]!, type)], at, true);
  const array: ExpressionNode = {
    kind: 'array',
    type: arrayOf(type),
    arguments: items.map((item) => coerce(item, type).node),
  };
  return bound(
    { kind: 'quantified', type: 'boolean', quantifier: negated ? 'all' : 'any', signature, left: value.node, array },
    at,
  );
}

function bindBetween(bind: Bind, expression: A_Expr, at: number, depth: number): Bound {
  const edges = (expression.rexpr as { List?: { items?: Node[] } }).List?.items ?? [];
  const value = bindOperand(bind, expression.lexpr!, depth);
  const [low, high] = edges.map((edge) => bindOperand(bind, edge, depth)) as [Bound, Bound];
  const negated = expression.kind === 'AEXPR_NOT_BETWEEN' || expression.kind === 'AEXPR_NOT_BETWEEN_SYM';
  const within = (from: Bound, to: Bound): ExpressionNode => ({
    kind: negated ? 'or' : 'and',
    type: 'boolean',
    arguments: [
      resolveCall(negated ? '<' : '>=', [value, from], at, true),
      resolveCall(negated ? '>' : '<=', [value, to], at, true),
    ],
  });
  if (expression.kind === 'AEXPR_BETWEEN' || expression.kind === 'AEXPR_NOT_BETWEEN')
    return bound(within(low, high), at);
  const either: ExpressionNode = {
    kind: negated ? 'and' : 'or',
    type: 'boolean',
    arguments: [within(low, high), within(high, low)],
  };
  return bound(either, at);
}

function bindDistinct(bind: Bind, expression: A_Expr, at: number, depth: number): Bound {
  const equals = resolveCall('=', operands(bind, expression, depth), at, true);
  return bound({ kind: 'distinct', type: 'boolean', negated: expression.kind === 'AEXPR_NOT_DISTINCT', equals }, at);
}

/** Types that PostgreSQL has comparisons between; we cast one to the other. */
const comparedAsTheyAre: readonly (readonly TypeName[])[] = [
  ['smallint', 'integer', 'bigint'],
  ['real', 'double precision'],
  ['date', 'timestamp', 'timestamptz'],
];

function comparesAsItIs(left: TypeName, right: TypeName): boolean {
  return comparedAsTheyAre.some((types) => types.includes(left) && types.includes(right));
}

function bindNullIf(bind: Bind, expression: A_Expr, at: number, depth: number): Bound {
  const [left, right] = operands(bind, expression, depth);
  const equals: CallNode = resolveCall('=', [left, right], at, true);
  // The result has the type in which PostgreSQL compares the left side: its own, where types compare without a cast.
  const value = comparesAsItIs(typeOf(left), typeOf(right)) ? left.node : equals.arguments[0]!;
  return bound({ kind: 'nullif', type: value.type, value, equals }, at);
}

function bindQuantified(bind: Bind, expression: A_Expr, name: string, at: number, depth: number): Bound {
  const left = bindOperand(bind, expression.lexpr!, depth);
  const array = arrayOperand(bindOperand(bind, expression.rexpr!, depth), left, at);
  const element = elementOf(typeOf(array));
  const sample = bound({ kind: 'constant', type: element, text: null }, at);
  const compare = resolveCall(name, [left, sample], at, true);
  if (compare.type !== 'boolean') {
    throw new Refusal('datatype_mismatch', 'op ANY/ALL (array) requires operator to yield boolean', at);
  }
  const [leftNode, sampleNode] = compare.arguments as readonly [ExpressionNode, ExpressionNode];
  const items = coerce(array, arrayOf(sampleNode.type));
  const quantifier = expression.kind === 'AEXPR_OP_ALL' ? 'all' : 'any';
  return bound(
    {
      kind: 'quantified',
      type: 'boolean',
      quantifier,
      signature: compare.signature,
      left: leftNode,
      array: items.node,
    },
    at,
  );
}

function arrayOperand(array: Bound, left: Bound, at: number): Bound {
  const type = typeOf(array);
  if (type === 'dynamic') return coerce(array, 'dynamic[]');
  if (isUnknown(array)) return coerce(array, arrayOf(isUnknown(left) ? 'text' : typeOf(left)));
  if (!isArray(type))
    throw new Refusal('datatype_mismatch', `op ANY/ALL requires an array on the right, got ${type}`, at);
  return array;
}
