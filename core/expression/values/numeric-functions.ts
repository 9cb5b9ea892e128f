// Roots, exponentials, logarithms and powers of numeric, at the scales that PostgreSQL chooses for them.
import { divisionByZero, EvaluationFault } from '../fault.ts';
import {
  compareNumeric,
  digitCount,
  digitsBeforePoint,
  divideRounded,
  finite,
  integerNumeric,
  magnitude,
  Numeric,
  numericInfinity,
  numericNaN,
  numericOne,
  numericToNumber,
  numericZero,
  overflow,
  powerOfTen,
  rescale,
  roundNumeric,
  significantScale,
  weightOf,
} from './numeric.ts';

const plainRootBits = 512;

/** Newton's method from above; of a long number from the root of its upper half, so that few steps are over all digits. */
export function squareRootOf(value: bigint): bigint {
  if (value < 2n) return value;
  const bits = value.toString(16).length * 4;
  const shift = BigInt(bits >> 2);
  let root =
    bits <= plainRootBits ? 1n << BigInt((bits + 1) >> 1) : (squareRootOf(value >> (2n * shift)) + 1n) << shift;
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function squareRootNumeric(value: Numeric): Numeric {
  if (value.kind === 'nan' || value.kind === 'infinity') return value;
  if (value.kind === '-infinity' || value.coefficient < 0n) {
    throw new EvaluationFault('invalid_argument_for_power_function', 'cannot take square root of a negative number');
  }
  const scale = significantScale((weightOf(value).weight * 4) / 2 + 1, value.scale);
  // Two more digits than shown, so that the last is rounded from the true value.
  const root = squareRootOf(rescaleDown(value, 2 * (scale + 2)));
  return finite(rescale(root, scale + 2, scale), scale);
}

function rescaleDown(value: Numeric, scale: number): bigint {
  if (scale >= value.scale) return value.coefficient * powerOfTen(scale - value.scale);
  return value.coefficient / powerOfTen(value.scale - scale);
}

/** Digits carried beyond those that are shown. */
const guardDigits = 12;

/** e^x by halving the argument and Taylor's series, all in integers scaled by 10^digits. */
function expScaled(x: bigint, digits: number): bigint {
  const one = powerOfTen(digits);
  let halvings = 0n;
  let reduced = x;
  while (magnitude(reduced) * 16n > one) {
    reduced /= 2n;
    halvings++;
  }
  let sum = one;
  let term = one;
  for (let n = 1n; term !== 0n; n++) {
    term = (term * reduced) / (one * n);
    sum += term;
  }
  for (let index = 0n; index < halvings; index++) sum = (sum * sum) / one;
  return sum;
}

/** Natural logarithm: square roots bring the argument near 1, then the series of atanh. */
function lnScaled(x: bigint, digits: number): bigint {
  const one = powerOfTen(digits);
  let reduced = x;
  let doublings = 0n;
  while (reduced > (one * 11n) / 10n || reduced < (one * 9n) / 10n) {
    reduced = squareRootOf(reduced * one);
    doublings++;
  }
  const ratio = ((reduced - one) * one) / (reduced + one);
  const square = (ratio * ratio) / one;
  let sum = 0n;
  for (let term = ratio, n = 1n; term !== 0n; term = (term * square) / one, n += 2n) sum += term / n;
  return (sum * 2n) << doublings;
}

export function expNumeric(value: Numeric): Numeric {
  if (value.kind === 'nan') return value;
  if (value.kind !== 'finite') return value.kind === 'infinity' ? value : numericZero;
  const estimate = numericToNumber(value) * Math.LOG10E;
  const scale = significantScale(Math.trunc(Math.min(Math.max(estimate, -1000), 1000)), value.scale);
  return expAtScale(value, scale);
}

/** PostgreSQL's own bound of exponents, beyond which it does not try. */
const exponentMax = 6_000;

function expAtScale(value: Numeric, scale: number): Numeric {
  const exponent = numericToNumber(value);
  if (exponent >= exponentMax) throw overflow();
  if (exponent <= -exponentMax) return new Numeric(0n, scale);
  const log10 = exponent * Math.LOG10E;
  if (log10 < -scale - 2) return new Numeric(0n, scale);
  const digits = scale + guardDigits + Math.ceil(Math.abs(log10));
  const result = expScaled(rescale(value.coefficient, value.scale, digits), digits);
  return finite(rescale(result, digits, scale), scale);
}

function checkLogarithm(value: Numeric): void {
  if (value.kind === '-infinity' || (value.kind === 'finite' && value.coefficient < 0n)) {
    throw new EvaluationFault('invalid_argument_for_logarithm', 'cannot take logarithm of a negative number');
  }
  if (value.kind === 'finite' && value.coefficient === 0n) {
    throw new EvaluationFault('invalid_argument_for_logarithm', 'cannot take logarithm of zero');
  }
}

/** PostgreSQL's estimate of how many digits stand before the point of ln(value) (`estimate_ln_dweight`). */
function lnWeight(value: Numeric): number {
  const nearOne = compareNumeric(value, new Numeric(9n, 1)) >= 0 && compareNumeric(value, new Numeric(11n, 1)) <= 0;
  if (nearOne) {
    const distance = finite(value.coefficient - powerOfTen(value.scale), value.scale);
    if (distance.coefficient === 0n) return 0;
    const { weight, first } = weightOf(distance);
    return weight * 4 + Math.trunc(Math.log10(first));
  }
  // It looks at the first two digits of base 10,000 and no further.
  const { weight } = weightOf(value);
  const digits = magnitude(value.digits).toString();
  const count = digits.length + value.zeros - value.scale - (weight - 1) * 4;
  const ln = Math.log(Number(digits.slice(0, count).padEnd(count, '0'))) + (weight - 1) * 4 * Math.LN10;
  return Math.trunc(Math.log10(Math.abs(ln)));
}

/** From so many digits on (before the point, or zeros behind it) the power of ten is taken out of a logarithm's argument. */
const wideDigits = 32;

function lnAtDigits(value: Numeric, digits: number): bigint {
  const size = digitsBeforePoint(value);
  if (Math.abs(size) > wideDigits) return lnOfWide(value, size, digits + guardDigits, digits);
  // A value far from 1 loses digits to its size, so that many more are carried.
  const working = digits + Math.abs(size) + guardDigits;
  return rescale(lnScaled(rescale(value.coefficient, value.scale, working), working), working, digits);
}

/** ln(m·10^size) is ln(m) + size·ln(10), with m between 0.1 and 1. */
function lnOfWide(value: Numeric, size: number, working: number, digits: number): bigint {
  const near = rescale(value.digits, digitCount(value.digits), working);
  const ln = lnScaled(near, working) + BigInt(size) * lnScaled(10n * powerOfTen(working), working);
  return rescale(ln, working, digits);
}

export function lnNumeric(value: Numeric): Numeric {
  if (value.kind === 'nan' || value.kind === 'infinity') return value;
  checkLogarithm(value);
  const scale = significantScale(lnWeight(value), value.scale);
  return finite(rescale(lnAtDigits(value, scale + guardDigits), scale + guardDigits, scale), scale);
}

export function logNumeric(base: Numeric, value: Numeric): Numeric {
  if (base.kind === 'nan' || value.kind === 'nan') return numericNaN;
  checkLogarithm(base);
  checkLogarithm(value);
  if (base.kind !== 'finite') return value.kind === 'finite' ? numericZero : numericNaN;
  if (value.kind !== 'finite') return numericInfinity;
  const scale = significantScale(lnWeight(value) - lnWeight(base), base.scale, value.scale);
  const digits = scale + guardDigits + 24;
  const divisor = lnAtDigits(base, digits);
  if (divisor === 0n) throw divisionByZero();
  return finite(divideRounded(lnAtDigits(value, digits) * powerOfTen(scale), divisor), scale);
}

function isWhole(value: Numeric): boolean {
  return value.coefficient % powerOfTen(value.scale) === 0n;
}

function powerFault(message: string): EvaluationFault {
  return new EvaluationFault('invalid_argument_for_power_function', message);
}

export function powerNumeric(base: Numeric, exponent: Numeric): Numeric {
  if (base.kind !== 'finite' || exponent.kind !== 'finite') return powerSpecial(base, exponent);
  if (base.coefficient === 0n && exponent.coefficient < 0n)
    throw powerFault('zero raised to a negative power is undefined');
  if (base.coefficient < 0n && !isWhole(exponent)) {
    throw powerFault('a negative number raised to a non-integer power yields a complex result');
  }
  if (isWhole(exponent)) {
    const whole = exponent.coefficient / powerOfTen(exponent.scale);
    if (magnitude(whole) <= 2_147_483_647n) return powerWhole(base, Number(whole), exponent.scale);
  }
  if (base.coefficient === 0n) return new Numeric(0n, significantScale(0));
  const positive = new Numeric(magnitude(base.coefficient), base.scale);
  const ln = roughProduct(positive, exponent);
  const estimate = ln * Math.LOG10E;
  if (ln > exponentMax) throw overflow();
  const scale = significantScale(Math.trunc(Math.max(estimate, -1000)), base.scale, exponent.scale);
  if (estimate < -scale - 2) return new Numeric(0n, scale);
  const digits = scale + guardDigits + Math.ceil(Math.abs(estimate)) + Math.max(digitsBeforePoint(exponent), 0);
  const product = (lnAtDigits(positive, digits) * exponent.coefficient) / powerOfTen(exponent.scale);
  const odd = base.coefficient < 0n && (exponent.coefficient / powerOfTen(exponent.scale)) % 2n !== 0n;
  const result = expAtScale(new Numeric(product, digits), scale);
  return odd ? new Numeric(-result.coefficient, result.scale) : result;
}

/** ln(base)·exponent to some eight digits, rounded where PostgreSQL rounds: the scale of the result hangs on it. */
function roughProduct(base: Numeric, exponent: Numeric): number {
  const scale = Math.max(8 - lnWeight(base), 0);
  const product = lnAtDigits(base, scale) * exponent.coefficient;
  return numericToNumber(new Numeric(rescale(product, scale + exponent.scale, scale), scale));
}

function powerSpecial(base: Numeric, exponent: Numeric): Numeric {
  const isOne = base.kind === 'finite' && compareNumeric(base, numericOne) === 0;
  if (isOne || (exponent.kind === 'finite' && exponent.coefficient === 0n)) return numericOne;
  if (base.kind === 'nan' || exponent.kind === 'nan') return numericNaN;
  const toward = numericToNumber(base) ** numericToNumber(exponent);
  if (base.kind === 'finite' && base.coefficient === 0n && exponent.kind === '-infinity') {
    throw powerFault('zero raised to a negative power is undefined');
  }
  if (base.kind === '-infinity' && exponent.kind === 'finite' && !isWhole(exponent)) {
    throw powerFault('a negative number raised to a non-integer power yields a complex result');
  }
  if (Number.isNaN(toward)) return numericOne;
  if (toward === 0) return numericZero;
  if (toward === 1) return numericOne;
  return toward > 0 ? numericInfinity : new Numeric(0n, 0, '-infinity');
}

function powerWhole(base: Numeric, exponent: number, exponentScale: number): Numeric {
  if (exponent === 0)
    return finite(
      powerOfTen(significantScale(0, base.scale, exponentScale)),
      significantScale(0, base.scale, exponentScale),
    );
  if (exponent === 1) return roundNumeric(base, significantlyAtLeast(base, 1, exponentScale));
  if (base.coefficient === 0n) return new Numeric(0n, significantScale(0, base.scale, exponentScale));
  const digits = magnitude(base.coefficient).toString();
  const lead = Math.log10(Number(digits.slice(0, 16)) / 10 ** (Math.min(digits.length, 16) - 1));
  const estimate = exponent * (lead + digits.length - 1 - base.scale);
  if (estimate > 131_072) throw overflow();
  if (estimate + 1 < -1000) return new Numeric(0n, 1000);
  const scale = significantScale(Math.trunc(estimate), base.scale, exponentScale);
  return powerAtScale(base, exponent, scale, estimate);
}

function significantlyAtLeast(base: Numeric, exponent: number, exponentScale: number): number {
  const digits = magnitude(base.coefficient).toString();
  if (base.coefficient === 0n) return significantScale(0, base.scale, exponentScale);
  const lead = Math.log10(Number(digits.slice(0, 16)) / 10 ** (Math.min(digits.length, 16) - 1));
  return significantScale(Math.trunc(exponent * (lead + digits.length - 1 - base.scale)), base.scale, exponentScale);
}

/** Squares and multiplies with enough digits that rounding at each step cannot reach the last one shown. */
function powerAtScale(base: Numeric, exponent: number, scale: number, estimate: number): Numeric {
  const working = scale + guardDigits + Math.ceil(Math.abs(estimate)) + Math.abs(exponent).toString().length;
  const negative = exponent < 0;
  let square: Numeric = negative ? reciprocal(base, working) : base;
  let result: Numeric = integerNumeric(1);
  for (let left = Math.abs(exponent); left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = cut(multiply(result, square), working);
    if (left > 1) square = cut(multiply(square, square), working);
  }
  return finite(rescale(result.coefficient, result.scale, scale), scale);
}

function reciprocal(value: Numeric, scale: number): Numeric {
  return new Numeric(divideRounded(powerOfTen(value.scale + scale), value.coefficient), scale);
}

function multiply(left: Numeric, right: Numeric): Numeric {
  return new Numeric(left.coefficient * right.coefficient, left.scale + right.scale);
}

function cut(value: Numeric, scale: number): Numeric {
  return value.scale <= scale ? value : new Numeric(rescale(value.coefficient, value.scale, scale), scale);
}
