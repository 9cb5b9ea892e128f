// Number functions.
import { EvaluationFault, outOfRange } from '../fault.ts';
import {
  ceilingNumeric,
  compareNumeric,
  floorNumeric,
  integerNumeric,
  multiplyNumeric,
  Numeric,
  parseNumeric,
  powerOfTen,
  quotientNumeric,
  roundNumeric,
  signOf,
  subtractNumeric,
  truncateNumeric,
} from '../values/numeric.ts';
import { expNumeric, lnNumeric, logNumeric, powerNumeric, squareRootNumeric } from '../values/numeric-functions.ts';
import { roundHalfEven } from '../values/timestamp.ts';
import { checkInteger } from '../values/type-text.ts';
import { powerDouble } from './arithmetic.ts';
import { entry, type FunctionEntry } from './entry.ts';

const double = 'double precision';

function unary(
  names: readonly string[],
  doc: string,
  ofNumeric: (a: Numeric) => Numeric,
  ofDouble: (a: number) => number,
): FunctionEntry[] {
  return names.flatMap((name) => [
    entry(name, ['numeric'], 'numeric', doc, ofNumeric),
    entry(name, [double], double, doc, ofDouble),
  ]);
}

function logarithm(of: (a: number) => number): (a: number) => number {
  return (a) => {
    if (a === 0) throw new EvaluationFault('invalid_argument_for_logarithm', 'cannot take logarithm of zero');
    if (a < 0)
      throw new EvaluationFault('invalid_argument_for_logarithm', 'cannot take logarithm of a negative number');
    return of(a);
  };
}

function exponential(a: number): number {
  const result = Math.exp(a);
  if (Number.isFinite(a) && (result === 0 || !Number.isFinite(result))) throw outOfRange(double);
  return result;
}

/** A negative value that rounds to nothing keeps its sign. */
function roundDouble(a: number): number {
  if (!Number.isFinite(a)) return a;
  const rounded = roundHalfEven(a);
  return rounded === 0 && a < 0 ? -0 : rounded;
}

function squareRoot(a: number): number {
  if (a < 0)
    throw new EvaluationFault('invalid_argument_for_power_function', 'cannot take square root of a negative number');
  return Math.sqrt(a);
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

function leastMultiple(a: bigint, b: bigint): bigint {
  if (a === 0n || b === 0n) return 0n;
  const multiple = (a / greatestDivisor(a, b)) * b;
  return multiple < 0n ? -multiple : multiple;
}

function bucketFault(message: string): EvaluationFault {
  return new EvaluationFault('invalid_argument_for_width_bucket_function', message);
}

/** In which of `count` equal buckets between the bounds a value falls; 0 and count + 1 are outside. */
function widthBucket(value: Numeric, low: Numeric, high: Numeric, count: number): number {
  if (count <= 0) throw bucketFault('count must be greater than zero');
  if (value.kind === 'nan' || low.kind === 'nan' || high.kind === 'nan')
    throw bucketFault('operand, lower bound, and upper bound cannot be NaN');
  if (low.kind !== 'finite' || high.kind !== 'finite') throw bucketFault('lower and upper bounds must be finite');
  const direction = compareNumeric(low, high);
  if (direction === 0) throw bucketFault('lower bound cannot equal upper bound');
  const fromLow = compareNumeric(value, low) * (direction < 0 ? 1 : -1);
  const fromHigh = compareNumeric(value, high) * (direction < 0 ? 1 : -1);
  if (fromLow < 0) return 0;
  if (fromHigh >= 0) return Number(checkInteger(BigInt(count) + 1n, 'integer'));
  const share = quotientNumeric(
    multiplyNumeric(subtractNumeric(value, low), integerNumeric(count)),
    subtractNumeric(high, low),
  );
  return Number(share.coefficient) + 1;
}

/** The same over doubles, with a double's rounding. */
function widthBucketDouble(value: number, low: number, high: number, count: number): number {
  const bucket = widthBucket(asNumeric(value), asNumeric(low), asNumeric(high), count);
  if (bucket === 0 || bucket > count) return bucket;
  // Halves where the distance of the bounds is beyond every double.
  const [v, l, h] = Number.isFinite(high - low) ? [value, low, high] : [value / 2, low / 2, high / 2];
  const share = (v - l) / (h - l);
  return Math.min(Math.trunc(count * share), count - 1) + 1;
}

function asNumeric(value: number): Numeric {
  return Number.isFinite(value) ? parseNumeric(value.toExponential(99)) : parseNumeric(String(value));
}

export const mathFunctions: readonly FunctionEntry[] = [
  ...unary(['ceil', 'ceiling'], 'The nearest integer not below.', ceilingNumeric, Math.ceil),
  ...unary(['floor'], 'The nearest integer not above.', floorNumeric, Math.floor),
  ...unary(
    ['round'],
    'The nearest integer; a numeric half goes away from zero, a double half to the even one.',
    (a) => roundNumeric(a, 0),
    roundDouble,
  ),
  ...unary(['trunc'], 'Cut towards zero.', (a) => truncateNumeric(a, 0), Math.trunc),
  ...unary(
    ['sign'],
    '-1, 0 or 1.',
    (a) => (a.kind === 'nan' ? a : integerNumeric(signOf(a))),
    (a) => (a > 0 ? 1 : a < 0 ? -1 : 0),
  ),
  ...unary(['sqrt'], 'Square root.', squareRootNumeric, squareRoot),
  ...unary(['exp'], 'e to the power of the value.', expNumeric, exponential),
  ...unary(['ln'], 'Natural logarithm.', lnNumeric, logarithm(Math.log)),
  ...unary(['log', 'log10'], 'Logarithm to base 10.', (a) => logNumeric(integerNumeric(10), a), logarithm(Math.log10)),
  entry('log', ['numeric', 'numeric'], 'numeric', 'Logarithm to the base that is given first.', logNumeric),
  ...['power', 'pow'].flatMap((name) => [
    entry(name, ['numeric', 'numeric'], 'numeric', 'Power.', powerNumeric),
    entry(name, [double, double], double, 'Power.', powerDouble),
  ]),
  entry('cbrt', [double], double, 'Cube root.', Math.cbrt),
  entry('round', ['numeric', 'integer'], 'numeric', 'Rounded to so many decimals.', roundNumeric),
  entry('trunc', ['numeric', 'integer'], 'numeric', 'Cut to so many decimals.', truncateNumeric),
  entry('div', ['numeric', 'numeric'], 'numeric', 'Quotient cut towards zero.', quotientNumeric),
  entry('gcd', ['integer', 'integer'], 'integer', 'Greatest common divisor.', (a: number, b: number) =>
    Number(checkInteger(greatestDivisor(BigInt(a), BigInt(b)), 'integer')),
  ),
  entry('gcd', ['bigint', 'bigint'], 'bigint', 'Greatest common divisor.', (a: bigint, b: bigint) =>
    checkInteger(greatestDivisor(a, b), 'bigint'),
  ),
  entry('lcm', ['integer', 'integer'], 'integer', 'Least common multiple.', (a: number, b: number) =>
    Number(checkInteger(leastMultiple(BigInt(a), BigInt(b)), 'integer')),
  ),
  entry('lcm', ['bigint', 'bigint'], 'bigint', 'Least common multiple.', (a: bigint, b: bigint) =>
    checkInteger(leastMultiple(a, b), 'bigint'),
  ),
  entry('scale', ['numeric'], 'integer', 'Number of decimals shown.', (a: Numeric) =>
    a.kind === 'finite' ? a.scale : null,
  ),
  entry('trim_scale', ['numeric'], 'numeric', 'Without zeros at the end.', trimScale),
  entry('min_scale', ['numeric'], 'integer', 'Number of decimals needed.', (a: Numeric) =>
    a.kind === 'finite' ? trimScale(a).scale : null,
  ),
  entry(
    'width_bucket',
    ['numeric', 'numeric', 'numeric', 'integer'],
    'integer',
    'In which of n equal buckets a value falls.',
    widthBucket,
  ),
  entry(
    'width_bucket',
    [double, double, double, 'integer'],
    'integer',
    'In which of n equal buckets a value falls.',
    widthBucketDouble,
  ),
];

function trimScale(value: Numeric): Numeric {
  if (value.kind !== 'finite' || value.scale === 0) return value;
  const digits = value.coefficient.toString();
  let zeros = 0;
  while (zeros < value.scale && digits.at(-1 - zeros) === '0') zeros++;
  return value.digits === 0n
    ? new Numeric(0n, 0)
    : new Numeric(value.coefficient / powerOfTen(zeros), value.scale - zeros);
}
