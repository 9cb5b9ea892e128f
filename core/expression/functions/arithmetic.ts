// Arithmetic operators over the number types, with PostgreSQL's overflow and division rules.
import { divisionByZero, EvaluationFault, outOfRange } from '../fault.ts';
import type { TypeName } from '../tree.ts';
import {
  addNumeric,
  divideNumeric,
  moduloNumeric,
  multiplyNumeric,
  type Numeric,
  negateNumeric,
  subtractNumeric,
} from '../values/numeric.ts';
import { powerNumeric } from '../values/numeric-functions.ts';
import { checkInteger } from '../values/type-text.ts';
import { entry, type FunctionEntry } from './entry.ts';

const docs: Readonly<Record<string, string>> = {
  '+': 'Sum.',
  '-': 'Difference.',
  '*': 'Product.',
  '/': 'Quotient; of integers it is cut towards zero.',
  '%': 'Remainder, with the sign of the dividend.',
  '&': 'Bitwise and.',
  '|': 'Bitwise or.',
  '#': 'Bitwise exclusive or.',
};

const bounds = { smallint: 32_767, integer: 2_147_483_647 } as const;

function smallIntegers(type: 'smallint' | 'integer'): FunctionEntry[] {
  const max = bounds[type];
  const check = (value: number): number => {
    if (value > max || value < -max - 1) throw outOfRange(type);
    return value + 0;
  };
  const define = (name: string, run: (a: number, b: number) => number): FunctionEntry =>
    entry(name, [type, type], type, docs[name]!, run);
  return [
    define('+', (a, b) => check(a + b)),
    define('-', (a, b) => check(a - b)),
    define('*', (a, b) => check(a * b)),
    define('/', (a, b) => check(Math.trunc(a / nonZero(b)))),
    define('%', (a, b) => (a % nonZero(b)) + 0),
    define('&', (a, b) => a & b),
    define('|', (a, b) => a | b),
    define('#', (a, b) => a ^ b),
    entry('-', [type], type, 'Negation.', (a: number) => check(0 - a)),
    entry('+', [type], type, 'The value itself.', (a: number) => a),
    entry('@', [type], type, 'Absolute value.', (a: number) => check(Math.abs(a))),
    entry('abs', [type], type, 'Absolute value.', (a: number) => check(Math.abs(a))),
    entry(
      'mod',
      [type, type],
      type,
      'Remainder, with the sign of the dividend.',
      (a: number, b: number) => (a % nonZero(b)) + 0,
    ),
  ];
}

function nonZero(divisor: number): number {
  if (divisor === 0) throw divisionByZero();
  return divisor;
}

function nonZeroBig(divisor: bigint): bigint {
  if (divisor === 0n) throw divisionByZero();
  return divisor;
}

function bigIntegers(): FunctionEntry[] {
  const check = (value: bigint): bigint => checkInteger(value, 'bigint');
  const absolute = (a: bigint): bigint => check(a < 0n ? -a : a);
  const define = (name: string, run: (a: bigint, b: bigint) => bigint): FunctionEntry =>
    entry(name, ['bigint', 'bigint'], 'bigint', docs[name]!, run);
  return [
    define('+', (a, b) => check(a + b)),
    define('-', (a, b) => check(a - b)),
    define('*', (a, b) => check(a * b)),
    define('/', (a, b) => check(a / nonZeroBig(b))),
    define('%', (a, b) => a % nonZeroBig(b)),
    define('&', (a, b) => a & b),
    define('|', (a, b) => a | b),
    define('#', (a, b) => a ^ b),
    entry('-', ['bigint'], 'bigint', 'Negation.', (a: bigint) => check(-a)),
    entry('+', ['bigint'], 'bigint', 'The value itself.', (a: bigint) => a),
    entry('@', ['bigint'], 'bigint', 'Absolute value.', absolute),
    entry('abs', ['bigint'], 'bigint', 'Absolute value.', absolute),
    entry(
      'mod',
      ['bigint', 'bigint'],
      'bigint',
      'Remainder, with the sign of the dividend.',
      (a: bigint, b: bigint) => a % nonZeroBig(b),
    ),
  ];
}

function numerics(): FunctionEntry[] {
  const define = (name: string, run: (a: Numeric, b: Numeric) => Numeric): FunctionEntry =>
    entry(name, ['numeric', 'numeric'], 'numeric', docs[name] ?? 'Power.', run);
  const absolute = (a: Numeric): Numeric => (a.kind === '-infinity' || a.coefficient < 0n ? negateNumeric(a) : a);
  return [
    define('+', addNumeric),
    define('-', subtractNumeric),
    define('*', multiplyNumeric),
    define('/', divideNumeric),
    define('%', moduloNumeric),
    define('^', powerNumeric),
    entry('-', ['numeric'], 'numeric', 'Negation.', negateNumeric),
    entry('+', ['numeric'], 'numeric', 'The value itself.', (a: Numeric) => a),
    entry('@', ['numeric'], 'numeric', 'Absolute value.', absolute),
    entry('abs', ['numeric'], 'numeric', 'Absolute value.', absolute),
    entry('mod', ['numeric', 'numeric'], 'numeric', 'Remainder, with the sign of the dividend.', moduloNumeric),
  ];
}

/** A result that leaves the finite range, or vanishes, is an error unless an operand was already infinite or zero. */
function checkFloat(result: number, overflowing: boolean, vanishing: boolean): number {
  if (!Number.isFinite(result) && !Number.isNaN(result) && overflowing) {
    throw new EvaluationFault('numeric_value_out_of_range', 'value out of range: overflow');
  }
  if (result === 0 && vanishing)
    throw new EvaluationFault('numeric_value_out_of_range', 'value out of range: underflow');
  return result;
}

function floats(left: TypeName, right: TypeName): FunctionEntry[] {
  const type = left === 'real' && right === 'real' ? 'real' : 'double precision';
  const narrow = type === 'real' ? Math.fround : (value: number): number => value;
  const define = (name: string, run: (a: number, b: number) => number): FunctionEntry =>
    entry(name, [left, right], type, docs[name]!, run);
  const finite = (a: number, b: number): boolean => Number.isFinite(a) && Number.isFinite(b);
  return [
    define('+', (a, b) => checkFloat(narrow(a + b), finite(a, b), false)),
    define('-', (a, b) => checkFloat(narrow(a - b), finite(a, b), false)),
    define('*', (a, b) => checkFloat(narrow(a * b), finite(a, b), a !== 0 && b !== 0)),
    define('/', (a, b) => {
      if (b === 0 && !Number.isNaN(a)) throw divisionByZero();
      return checkFloat(narrow(a / b), Number.isFinite(a), a !== 0 && Number.isFinite(b));
    }),
  ];
}

function floatUnary(type: TypeName): FunctionEntry[] {
  return [
    entry('-', [type], type, 'Negation.', (a: number) => -a),
    entry('+', [type], type, 'The value itself.', (a: number) => a),
    entry('@', [type], type, 'Absolute value.', Math.abs),
    entry('abs', [type], type, 'Absolute value.', Math.abs),
  ];
}

/** `base ^ exponent` over doubles, with the errors that PostgreSQL gives where C's pow() gives NaN or infinity. */
export function powerDouble(base: number, exponent: number): number {
  if (base === 1 || exponent === 0) return 1;
  if (base === 0 && exponent < 0) {
    throw new EvaluationFault('invalid_argument_for_power_function', 'zero raised to a negative power is undefined');
  }
  if (base < 0 && Number.isFinite(exponent) && !Number.isInteger(exponent)) {
    throw new EvaluationFault(
      'invalid_argument_for_power_function',
      'a negative number raised to a non-integer power yields a complex result',
    );
  }
  if (base === -1 && !Number.isFinite(exponent) && !Number.isNaN(exponent)) return 1;
  const finite = Number.isFinite(base) && Number.isFinite(exponent);
  return checkFloat(base ** exponent, finite, finite && base !== 0);
}

export const arithmeticOperators: readonly FunctionEntry[] = [
  ...smallIntegers('smallint'),
  ...smallIntegers('integer'),
  ...bigIntegers(),
  ...numerics(),
  ...floats('real', 'real'),
  ...floats('double precision', 'double precision'),
  ...floats('real', 'double precision'),
  ...floats('double precision', 'real'),
  ...floatUnary('real'),
  ...floatUnary('double precision'),
  entry('^', ['double precision', 'double precision'], 'double precision', 'Power.', powerDouble),
  ...(['smallint', 'integer'] as const).flatMap((type) => [
    entry('<<', [type, 'integer'], type, 'Bitwise shift left.', (a: number, by: number) =>
      type === 'smallint' ? ((a << by) << 16) >> 16 : a << by,
    ),
    entry('>>', [type, 'integer'], type, 'Bitwise shift right.', (a: number, by: number) => a >> by),
    entry('~', [type], type, 'Bitwise not.', (a: number) => ~a),
  ]),
  entry('<<', ['bigint', 'integer'], 'bigint', 'Bitwise shift left.', (a: bigint, by: number) =>
    BigInt.asIntN(64, a << BigInt(by & 63)),
  ),
  entry('>>', ['bigint', 'integer'], 'bigint', 'Bitwise shift right.', (a: bigint, by: number) => a >> BigInt(by & 63)),
  entry('~', ['bigint'], 'bigint', 'Bitwise not.', (a: bigint) => ~a),
];
