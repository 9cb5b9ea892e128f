// An expression while it is being typed.

import type { Node } from 'libpg-query';
import type { ExpressionNode, TypeName } from '../tree.ts';
import type { FieldType, RowType } from '../types.ts';

/** `declared` is the field's whole type where the expression is a bare path to a declared field. */
export interface Bound {
  readonly node: ExpressionNode;
  readonly declared: FieldType | null;
  /** Byte offset in the parsed statement. */
  readonly at: number;
}

/** Binds one node; `depth` is how many nodes are around it. */
export type Bind = (node: Node, depth: number) => Bound;

/** What a text is bound against. */
export interface Scope {
  /** null = a stream without schema. */
  readonly row: RowType | null;
  /** Nodes bound so far; bounded by limits.expressionNodesMax. */
  nodeCount: number;
}

export function bound(node: ExpressionNode, at: number, declared: FieldType | null = null): Bound {
  return { node, declared, at };
}

export function typeOf(of: Bound): TypeName {
  return of.node.type;
}

export function isUnknown(of: Bound): boolean {
  return of.node.type === 'unknown';
}
