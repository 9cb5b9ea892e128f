// The typed tree of an expression and the program of a route: plain JSON, independent of the engine that runs it.
import type { FieldType, RowType } from './types.ts';

/** A member's name or a 0-based index. */
export type Step = string | number;

/** A type as text: a scalar's PostgreSQL name, `element[]`, or `dynamic`. */
export type TypeName = string;

export type ExpressionNode =
  /** `text` is read by the type's input function; null is NULL. */
  | { readonly kind: 'constant'; readonly type: TypeName; readonly text: string | null }
  /** `keepsNull`: JSON's null is a jsonb value and not NULL. */
  | { readonly kind: 'path'; readonly type: TypeName; readonly path: readonly Step[]; readonly keepsNull?: true }
  /** `signature` names a row of the function table. */
  | {
      readonly kind: 'call';
      readonly type: TypeName;
      readonly signature: string;
      readonly arguments: readonly ExpressionNode[];
    }
  | {
      readonly kind: 'cast';
      readonly type: TypeName;
      readonly from: TypeName;
      /** implicit: a dynamic value that is not of the type gives NULL; explicit: it is converted or is an error. */
      readonly explicit: boolean;
      /** numeric(precision, scale), varchar(length), timestamp(precision). */
      readonly modifiers?: readonly number[];
      readonly argument: ExpressionNode;
    }
  | { readonly kind: 'and' | 'or' | 'not'; readonly type: 'boolean'; readonly arguments: readonly ExpressionNode[] }
  | { readonly kind: 'is'; readonly type: 'boolean'; readonly test: IsTest; readonly argument: ExpressionNode }
  /** `equals` is a call of `=`. */
  | { readonly kind: 'distinct'; readonly type: 'boolean'; readonly negated: boolean; readonly equals: CallNode }
  | { readonly kind: 'nullif'; readonly type: TypeName; readonly value: ExpressionNode; readonly equals: CallNode }
  | {
      readonly kind: 'case';
      readonly type: TypeName;
      readonly branches: readonly { readonly when: ExpressionNode; readonly result: ExpressionNode }[];
      readonly otherwise: ExpressionNode;
    }
  | {
      readonly kind: 'coalesce' | 'greatest' | 'least';
      readonly type: TypeName;
      readonly arguments: readonly ExpressionNode[];
    }
  /** `left op ANY/ALL (array)`; `signature` compares one element. */
  | {
      readonly kind: 'quantified';
      readonly type: 'boolean';
      readonly quantifier: 'any' | 'all';
      readonly signature: string;
      readonly left: ExpressionNode;
      readonly array: ExpressionNode;
    }
  | { readonly kind: 'array'; readonly type: TypeName; readonly arguments: readonly ExpressionNode[] }
  | { readonly kind: 'element'; readonly type: TypeName; readonly base: ExpressionNode; readonly index: ExpressionNode }
  | {
      readonly kind: 'slice';
      readonly type: TypeName;
      readonly base: ExpressionNode;
      readonly lower: ExpressionNode | null;
      readonly upper: ExpressionNode | null;
    };

export type CallNode = Extract<ExpressionNode, { kind: 'call' }>;

export type IsTest = 'null' | 'not null' | 'true' | 'not true' | 'false' | 'not false' | 'unknown' | 'not unknown';

/** One item of the output: every member of the event, or a named expression. */
export type OutputItem =
  | { readonly kind: 'star' }
  | { readonly kind: 'column'; readonly name: string; readonly node: ExpressionNode };

export const programVersion = 1;

/** What a route does to each event. Survives JSON; run by `createProcessor`. */
export interface RouteProgram {
  readonly version: typeof programVersion;
  readonly where: ExpressionNode | null;
  /** null = the event goes through unchanged. */
  readonly select: readonly OutputItem[] | null;
  readonly key:
    | { readonly kind: 'column'; readonly index: number }
    | { readonly kind: 'field'; readonly path: readonly Step[] }
    | null;
  readonly identity: boolean;
  /** The type of what comes out; null = not known. */
  readonly output: RowType | null;
  /** The paths that are read. */
  readonly fields: readonly (readonly Step[])[];
  /** Checked on every event before anything else: the fields read, or all that the stream declares. */
  readonly checks: readonly FieldCheck[];
}

export interface FieldCheck {
  readonly path: readonly Step[];
  readonly type: FieldType;
}
