// How values of each type are ordered, and the comparison operators over them.
import type { TypeName } from '../tree.ts';
import { mismatch } from '../values/dynamic.ts';
import type { Interval } from '../values/interval.ts';
import { intervalSpan } from '../values/interval-arithmetic.ts';
import { compareJson, type JsonValue, jsonTypeOf } from '../values/json-value.ts';
import { compareNumeric, type Numeric } from '../values/numeric.ts';
import { compareText } from '../values/text-order.ts';
import { elementOf, isArray } from '../values/type-rules.ts';
import type { Value } from '../values/value.ts';
import { entry, type FunctionEntry, made } from './entry.ts';

/** Negative, zero or positive. */
export type Comparer = (left: never, right: never) => number;
type GeneralComparer = (left: unknown, right: unknown) => number;

function compareOrdered(left: number | bigint | boolean, right: number | bigint | boolean): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** NaN equals itself and is above all, as PostgreSQL has it. */
function compareFloat(left: number, right: number): number {
  if (Number.isNaN(left)) return Number.isNaN(right) ? 0 : 1;
  return Number.isNaN(right) ? -1 : compareOrdered(left, right);
}

export function comparerOf(type: TypeName): GeneralComparer {
  if (isArray(type)) return compareArraysOf(comparerOf(elementOf(type)));
  return plainComparer(type) as GeneralComparer;
}

function plainComparer(type: TypeName): Comparer {
  switch (type) {
    case 'text':
    case 'uuid':
    case 'unknown':
      return compareText;
    case 'numeric':
      return (left: Numeric, right: Numeric) => compareNumeric(left, right);
    case 'real':
    case 'double precision':
      return compareFloat;
    case 'interval':
      return (left: Interval, right: Interval) => compareOrdered(intervalSpan(left), intervalSpan(right));
    case 'jsonb':
    case 'dynamic':
      return (left: JsonValue, right: JsonValue) => compareJson(left, right);
    default:
      return compareOrdered;
  }
}

/** Element by element, a NULL above every value; then the shorter is the lesser. */
function compareArraysOf(compareItem: GeneralComparer): GeneralComparer {
  return (left, right) => {
    const [a, b] = [left as readonly Value[], right as readonly Value[]];
    for (let index = 0; index < Math.min(a.length, b.length); index++) {
      const [x, y] = [a[index]!, b[index]!];
      const order = x === null || y === null ? Number(x === null) - Number(y === null) : compareItem(x, y);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  };
}

export const comparisonTests: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

const docs: Readonly<Record<string, string>> = {
  '=': 'Equal.',
  '<>': 'Not equal; also written `!=`.',
  '<': 'Less; text by code point.',
  '<=': 'Less or equal.',
  '>': 'Greater.',
  '>=': 'Greater or equal.',
};

const comparable: readonly TypeName[] = [
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
  'anyarray',
];

function comparison(operator: string, left: TypeName, right: TypeName): FunctionEntry {
  const test = comparisonTests[operator]!;
  return made(operator, [left, right], 'boolean', docs[operator]!, (types) => {
    const compare = comparerOf(types[0]!);
    return (a: unknown, b: unknown) => test(compare(a, b));
  });
}

/** Two dynamic values compare when the event gives both the same JSON type. */
function dynamicComparison(operator: string): FunctionEntry {
  const test = comparisonTests[operator]!;
  return entry(operator, ['dynamic', 'dynamic'], 'boolean', docs[operator]!, (a: JsonValue, b: JsonValue) =>
    jsonTypeOf(a) === jsonTypeOf(b) ? test(compareJson(a, b)) : mismatch,
  );
}

export const comparisonOperators: readonly FunctionEntry[] = Object.keys(comparisonTests).flatMap((operator) => [
  ...comparable.map((type) => comparison(operator, type, type)),
  comparison(operator, 'real', 'double precision'),
  comparison(operator, 'double precision', 'real'),
  dynamicComparison(operator),
]);
