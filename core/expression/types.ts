// The types that an expression and a stream's fields can have: PostgreSQL's names, plus `dynamic` for undeclared content.

import type { HygieneRule } from '../operators/hygiene-rule.ts';

/** Scalar types, spelled as PostgreSQL spells them. */
export const scalarTypes = [
  'text',
  'boolean',
  'smallint',
  'integer',
  'bigint',
  'numeric',
  'real',
  'double precision',
  'timestamptz',
  'timestamp',
  'date',
  'time',
  'interval',
  'uuid',
  'jsonb',
] as const;
export type ScalarType = (typeof scalarTypes)[number];

/**
 * The type of a field or expression. `dynamic` takes its type from the JSON value of each event. `pii` is what routes do
 * to the field's value unless they expose it.
 */
export type FieldType =
  | { readonly kind: 'scalar'; readonly type: ScalarType; readonly pii?: HygieneRule }
  | { readonly kind: 'array'; readonly element: FieldType; readonly pii?: HygieneRule }
  | { readonly kind: 'object'; readonly fields: RowType }
  | { readonly kind: 'dynamic' };

/** Fields by name, in declared order. An array, not an object: field names are user data (`__proto__` is one). */
export type RowType = readonly { readonly name: string; readonly type: FieldType }[];
