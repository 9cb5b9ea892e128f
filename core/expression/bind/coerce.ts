// Makes a bound expression be of a type: literals are read, values cast, or it is refused.
import { EvaluationFault } from '../fault.ts';
import { Refusal } from '../problem.ts';
import type { ExpressionNode, TypeName } from '../tree.ts';
import { castsExplicitly, castsImplicitly, dynamic } from '../values/type-rules.ts';
import { readText } from '../values/type-text.ts';
import { type Bound, bound, typeOf } from './bound.ts';

/** Whether a value of `from` may stand where `to` is wanted, without a written cast. */
export function canCoerce(from: TypeName, to: TypeName): boolean {
  return from === dynamic || to === dynamic || castsImplicitly(from, to);
}

export function coerce(from: Bound, to: TypeName): Bound {
  const type = typeOf(from);
  if (type === to) return from;
  if (from.node.kind === 'constant' && type === 'unknown') return readLiteral(from, to);
  if (!canCoerce(type, to)) {
    throw new Refusal('datatype_mismatch', `expected ${to}, got ${type}`, from.at, `cast it: (…)::${to}`);
  }
  return bound(castNode(from.node, to, false), from.at);
}

/** A quoted literal takes the type of its context, and must read as that type now rather than at every event. */
function readLiteral(literal: Bound, to: TypeName): Bound {
  if (literal.node.kind !== 'constant') return literal;
  const { text } = literal.node;
  if (text !== null && to !== dynamic) requireReadable(to, text, literal.at);
  return bound({ kind: 'constant', type: to, text }, literal.at);
}

/** What no worker could read is refused when it is declared. */
export function requireReadable(type: TypeName, text: string, at: number): void {
  try {
    readText(type, text);
  } catch (error) {
    if (error instanceof EvaluationFault) throw new Refusal(error.code, error.message, at);
    throw error;
  }
}

function castNode(argument: ExpressionNode, to: TypeName, explicit: boolean): ExpressionNode {
  return { kind: 'cast', type: to, from: argument.type, explicit, argument };
}

/** `value::type`, with the type's modifiers. */
export function castTo(from: Bound, to: TypeName, modifiers: readonly number[], at: number): Bound {
  const type = typeOf(from);
  const plain =
    from.node.kind === 'constant' && type === 'unknown'
      ? readLiteral(from, to)
      : type === to
        ? from
        : bound(explicitCast(from, to, at), from.at);
  if (modifiers.length === 0) return bound(plain.node, at);
  const node: ExpressionNode = { kind: 'cast', type: to, from: to, explicit: true, modifiers, argument: plain.node };
  return bound(node, at);
}

function explicitCast(from: Bound, to: TypeName, at: number): ExpressionNode {
  const type = typeOf(from);
  if (!castsExplicitly(type, to)) throw new Refusal('cannot_coerce', `cannot cast type ${type} to ${to}`, at);
  return castNode(from.node, to, true);
}
