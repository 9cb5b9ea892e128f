// Types by name: categories, which cast to which and when, and the common type of several, as PostgreSQL rules them.

import type { TypeName } from '../tree.ts';
import { type FieldType, type ScalarType, scalarTypes } from '../types.ts';

export const dynamic: TypeName = 'dynamic';
/** The type of a quoted literal and of NULL until its context decides. */
export const unknown: TypeName = 'unknown';

export function formatType(type: FieldType): string {
  switch (type.kind) {
    case 'scalar':
      return type.type;
    case 'array':
      return `${formatType(type.element)}[]`;
    case 'dynamic':
      return dynamic;
    case 'object':
      return `{ ${type.fields.map((field) => `${field.name}: ${formatType(field.type)}`).join(', ')} }`;
  }
}

export function isArray(type: TypeName): boolean {
  return type.endsWith('[]');
}

export function elementOf(type: TypeName): TypeName {
  return type.slice(0, -2);
}

export function arrayOf(type: TypeName): TypeName {
  return `${type}[]`;
}

/** The type that an expression sees: an object is read as jsonb. */
export function typeNameOf(type: FieldType): TypeName {
  if (type.kind === 'object') return 'jsonb';
  return type.kind === 'array' ? arrayOf(typeNameOf(type.element)) : formatType(type);
}

export function fieldTypeOf(name: TypeName): FieldType {
  if (isArray(name)) return { kind: 'array', element: fieldTypeOf(elementOf(name)) };
  if ((scalarTypes as readonly string[]).includes(name)) return { kind: 'scalar', type: name as ScalarType };
  return { kind: 'dynamic' };
}

/** PostgreSQL's categories; the preferred type of each wins where several would do. */
const categories: Readonly<Record<string, string>> = {
  text: 'S',
  boolean: 'B',
  smallint: 'N',
  integer: 'N',
  bigint: 'N',
  numeric: 'N',
  real: 'N',
  'double precision': 'N',
  timestamptz: 'D',
  timestamp: 'D',
  date: 'D',
  time: 'D',
  interval: 'T',
  unknown: 'X',
};
const preferred: ReadonlySet<TypeName> = new Set(['text', 'boolean', 'double precision', 'timestamptz', 'interval']);

export function categoryOf(type: TypeName): string {
  return isArray(type) ? 'A' : (categories[type] ?? 'U');
}

export function isPreferred(type: TypeName): boolean {
  return preferred.has(type);
}

const implicitTargets: Readonly<Record<string, readonly TypeName[]>> = {
  smallint: ['integer', 'bigint', 'numeric', 'real', 'double precision'],
  integer: ['bigint', 'numeric', 'real', 'double precision'],
  bigint: ['numeric', 'real', 'double precision'],
  numeric: ['real', 'double precision'],
  real: ['double precision'],
  date: ['timestamp', 'timestamptz'],
  timestamp: ['timestamptz'],
  time: ['interval'],
};

export function castsImplicitly(from: TypeName, to: TypeName): boolean {
  if (from === to || from === unknown) return true;
  if (isArray(from) && isArray(to)) return castsImplicitly(elementOf(from), elementOf(to));
  return implicitTargets[from]?.includes(to) ?? false;
}

const explicitTargets: Readonly<Record<string, readonly TypeName[]>> = {
  integer: ['smallint', 'boolean'],
  bigint: ['smallint', 'integer'],
  numeric: ['smallint', 'integer', 'bigint'],
  real: ['smallint', 'integer', 'bigint', 'numeric'],
  'double precision': ['smallint', 'integer', 'bigint', 'numeric', 'real'],
  boolean: ['integer'],
  timestamp: ['date', 'time'],
  timestamptz: ['date', 'time', 'timestamp'],
  interval: ['time'],
  jsonb: ['boolean', 'smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'],
};

/** Every type goes to text and back by its text; arrays element by element. */
export function castsExplicitly(from: TypeName, to: TypeName): boolean {
  if (from === dynamic || from === 'text' || to === 'text' || castsImplicitly(from, to)) return true;
  if (isArray(from) && isArray(to)) return castsExplicitly(elementOf(from), elementOf(to));
  if (to === dynamic) return false;
  return explicitTargets[from]?.includes(to) ?? false;
}

/** The type that CASE, COALESCE, IN, ARRAY and the like settle on; null when the types do not go together. */
export function commonType(types: readonly TypeName[]): TypeName | null {
  const known = types.filter((type) => type !== unknown);
  if (known.length === 0) return 'text';
  if (known.includes(dynamic)) return dynamic;
  let chosen = known[0]!;
  for (const type of known.slice(1)) {
    if (type === chosen) continue;
    if (categoryOf(type) !== categoryOf(chosen)) return null;
    if (!isPreferred(chosen) && castsImplicitly(chosen, type) && !castsImplicitly(type, chosen)) chosen = type;
  }
  return known.every((type) => castsImplicitly(type, chosen)) ? chosen : null;
}
