// PostgreSQL's `numeric`: exact decimals with a display scale, NaN and the infinities; the scale rules are PostgreSQL's.
import { divisionByZero, EvaluationFault, invalidText } from '../fault.ts';
import { trimSpace } from './white-space.ts';

export type NumericKind = 'finite' | 'nan' | 'infinity' | '-infinity';

/** The value is `coefficient / 10^scale`; `scale` digits are shown after the point. */
export class Numeric {
  /** The coefficient without `zeros` zeros behind it: they are written out only when somebody counts with the number. */
  readonly digits: bigint;
  /** More than none only where the scale is 0, so that a few bytes of an event (`1e131071`) cost what a few bytes cost. */
  readonly zeros: number;
  readonly scale: number;
  readonly kind: NumericKind;

  constructor(digits: bigint, scale: number, kind: NumericKind = 'finite', zeros = 0) {
    this.digits = digits;
    this.zeros = zeros;
    this.scale = scale;
    this.kind = kind;
  }

  get coefficient(): bigint {
    return this.zeros === 0 ? this.digits : this.digits * powerOfTen(this.zeros);
  }
}

export const numericNaN = new Numeric(0n, 0, 'nan');
export const numericInfinity = new Numeric(0n, 0, 'infinity');
export const numericMinusInfinity = new Numeric(0n, 0, '-infinity');
export const numericZero = new Numeric(0n, 0);
export const numericOne = new Numeric(1n, 0);

/** PostgreSQL's own bounds of the type. */
const integerDigitsMax = 131_072;
export const scaleMax = 16_383;
const displayScaleMax = 1_000;
const significantDigitsMin = 16;

const powers: bigint[] = [1n];
for (let exponent = 1; exponent <= 64; exponent++) powers.push(powers[exponent - 1]! * 10n);

export function powerOfTen(exponent: number): bigint {
  return exponent < powers.length ? powers[exponent]! : widePower(exponent);
}

/** Every `powerStep`th power, and those below it, as they are first asked for: the others are a product of two. */
const powerStep = 1_024;
const steps: (bigint | undefined)[] = [];
const withinStep: (bigint | undefined)[] = [];

function widePower(exponent: number): bigint {
  if (exponent > integerDigitsMax + scaleMax) return 10n ** BigInt(exponent);
  const within = exponent % powerStep;
  const step = (exponent - within) / powerStep;
  withinStep[within] ??= 10n ** BigInt(within);
  if (step === 0) return withinStep[within]!;
  steps[step] ??= 10n ** BigInt(step * powerStep);
  return within === 0 ? steps[step]! : steps[step]! * withinStep[within]!;
}

export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

export function overflow(): EvaluationFault {
  return new EvaluationFault('numeric_value_out_of_range', 'value overflows numeric format');
}

/** The number of decimal digits of a positive integer. */
export function digitCount(value: bigint): number {
  return value === 0n ? 0 : magnitude(value).toString().length;
}

/** Below this no number can have too many digits. */
const digitsWorthCounting = 1n << 400_000n;

/** Refuses what PostgreSQL's format cannot hold, and cuts a scale beyond its maximum. */
export function finite(coefficient: bigint, scale: number): Numeric {
  if (scale > scaleMax) {
    coefficient = rescale(coefficient, scale, scaleMax);
    scale = scaleMax;
  }
  if (coefficient > digitsWorthCounting || coefficient < -digitsWorthCounting) {
    if (digitCount(coefficient) - scale > integerDigitsMax) throw overflow();
  }
  return new Numeric(coefficient, scale);
}

/** Moves a coefficient between scales, rounding half away from zero. */
export function rescale(coefficient: bigint, from: number, to: number): bigint {
  if (to >= from) return coefficient * powerOfTen(to - from);
  const divisor = powerOfTen(from - to);
  return divideRounded(coefficient, divisor);
}

export function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const twice = magnitude(dividend % divisor) * 2n;
  if (twice < magnitude(divisor)) return quotient;
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n;
}

/** Looks for a digit behind the spaces first: else those before and behind would be one run, tried at every length. */
const numericPattern =
  /^[ \t\n\v\f\r]*(?=[+-]?\.?\d)([+-]?)(\d+(?:_\d+)*)?(?:(\.)(\d+(?:_\d+)*)?)?(?:[eE]([+-]?\d+(?:_\d+)*))?[ \t\n\v\f\r]*$/;
const specials: Readonly<Record<string, Numeric>> = {
  nan: numericNaN,
  inf: numericInfinity,
  '+inf': numericInfinity,
  infinity: numericInfinity,
  '+infinity': numericInfinity,
  '-inf': numericMinusInfinity,
  '-infinity': numericMinusInfinity,
};

/** `decimals`: what becomes of more than the type has. An event's are rounded, so that it passes; a cast refuses them, as PostgreSQL does. */
export function parseNumeric(text: string, decimals: 'rounded' | 'refused' = 'rounded'): Numeric {
  const match = numericPattern.exec(text);
  if (match === null || (match[2] === undefined && match[4] === undefined)) return parseSpecialNumeric(text);
  const whole = (match[2] ?? '').replaceAll('_', '');
  const fraction = (match[4] ?? '').replaceAll('_', '');
  const exponent = match[5] === undefined ? 0 : Number(match[5].replaceAll('_', ''));
  return decimal(match[1] === '-', whole + fraction, fraction.length - exponent, decimals);
}

/** Builds a number from its digits, refusing before it allocates what an absurd exponent asks for. */
function decimal(negative: boolean, digits: string, scale: number, decimals: 'rounded' | 'refused'): Numeric {
  const significant = digits.replace(/^0+/, '');
  if (significant.length - scale > integerDigitsMax && significant.length > 0) throw overflow();
  if (scale > 1_000_000_000 || (scale > scaleMax && decimals === 'refused')) throw overflow();
  if (significant.length === 0) return new Numeric(0n, Math.min(Math.max(scale, 0), scaleMax));
  if (scale > scaleMax + significant.length) return new Numeric(0n, scaleMax);
  const kept =
    scale > scaleMax ? roundedDigits(significant, significant.length - scale + scaleMax) : BigInt(significant);
  const signed = negative ? -kept : kept;
  if (-scale >= powers.length) return new Numeric(signed, 0, 'finite', -scale);
  return scale < 0 ? finite(signed * powerOfTen(-scale), 0) : finite(signed, Math.min(scale, scaleMax));
}

/** The first `count` digits, a half going away from zero; those behind the first of the others are not looked at. */
function roundedDigits(digits: string, count: number): bigint {
  const kept = BigInt(digits.slice(0, count));
  return digits.charAt(count) >= '5' ? kept + 1n : kept;
}

const radixPattern = /^[ \t\n\v\f\r]*([+-]?)(0[xXoObB])(_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)[ \t\n\v\f\r]*$/;
const radixes: Readonly<Record<string, { readonly digits: RegExp; readonly bits: number }>> = {
  '0x': { digits: /^[0-9a-fA-F]+$/, bits: 4 },
  '0o': { digits: /^[0-7]+$/, bits: 3 },
  '0b': { digits: /^[01]+$/, bits: 1 },
};
/** More bits are more decimal digits than the type has. */
const radixBitsMax = 435_500;

/** PostgreSQL also reads hexadecimal, octal and binary integers, and the words for what is not finite. */
function parseSpecialNumeric(text: string): Numeric {
  const trimmed = trimSpace(text).toLowerCase();
  const special = Object.hasOwn(specials, trimmed) ? specials[trimmed] : undefined;
  if (special !== undefined) return special;
  const integer = parseRadixInteger(text);
  if (integer === null) throw invalidText('numeric', text);
  return finite(integer, 0);
}

/** An integer written as `0x…`, `0o…` or `0b…`, with single underscores between digits; null when it is none. */
export function parseRadixInteger(text: string): bigint | null {
  const match = radixPattern.exec(text);
  if (match === null) return null;
  const prefix = match[2]!.toLowerCase();
  const digits = match[3]!.replaceAll('_', '');
  const radix = radixes[prefix]!;
  if (!radix.digits.test(digits)) return null;
  if (digits.replace(/^0+/, '').length * radix.bits > radixBitsMax) throw overflow();
  const value = BigInt(prefix + digits);
  return match[1] === '-' ? -value : value;
}

export function formatNumeric(value: Numeric): string {
  if (value.kind !== 'finite')
    return value.kind === 'nan' ? 'NaN' : value.kind === 'infinity' ? 'Infinity' : '-Infinity';
  if (value.zeros > 0) return value.digits.toString() + '0'.repeat(value.zeros);
  if (value.scale === 0) return value.digits.toString();
  const negative = value.coefficient < 0n;
  const digits = magnitude(value.coefficient)
    .toString()
    .padStart(value.scale + 1, '0');
  const point = digits.length - value.scale;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

export function integerNumeric(value: number | bigint): Numeric {
  return new Numeric(BigInt(value), 0);
}

/** NaN is the greatest of all, and equal to itself, as in PostgreSQL. */
export function compareNumeric(left: Numeric, right: Numeric): number {
  if (left.kind !== 'finite' || right.kind !== 'finite') return rank(left) - rank(right);
  if (left.zeros > 0 || right.zeros > 0) return compareWide(left, right);
  if (left.scale === right.scale) return compareBig(left.coefficient, right.coefficient);
  const scale = Math.max(left.scale, right.scale);
  return compareBig(rescale(left.coefficient, left.scale, scale), rescale(right.coefficient, right.scale, scale));
}

/** By sign and size first; the zeros that both have are never written out. */
function compareWide(left: Numeric, right: Numeric): number {
  const sign = signOf(left);
  if (sign !== signOf(right)) return sign - signOf(right);
  const bySize = digitsBeforePoint(left) - digitsBeforePoint(right);
  if (bySize !== 0) return bySize * sign;
  const common = Math.min(left.zeros, right.zeros);
  return compareBig(withScale(left, common, right.scale), withScale(right, common, left.scale));
}

function withScale(value: Numeric, lessZeros: number, scale: number): bigint {
  return value.digits * powerOfTen(value.zeros - lessZeros + Math.max(scale - value.scale, 0));
}

/** Negative where zeros follow the point. */
export function digitsBeforePoint(value: Numeric): number {
  return digitCount(value.digits) + value.zeros - value.scale;
}

function compareBig(left: bigint, right: bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function rank(value: Numeric): number {
  return value.kind === 'nan' ? 2 : value.kind === 'infinity' ? 1 : value.kind === '-infinity' ? -1 : 0;
}

export function signOf(value: Numeric): number {
  if (value.kind !== 'finite') return value.kind === 'infinity' ? 1 : value.kind === '-infinity' ? -1 : 0;
  return value.digits < 0n ? -1 : value.digits > 0n ? 1 : 0;
}

function infinityOf(sign: number): Numeric {
  return sign === 0 ? numericNaN : sign > 0 ? numericInfinity : numericMinusInfinity;
}

export function negateNumeric(value: Numeric): Numeric {
  if (value.kind !== 'finite') return infinityOf(-signOf(value));
  return new Numeric(-value.digits, value.scale, 'finite', value.zeros);
}

export function addNumeric(left: Numeric, right: Numeric): Numeric {
  if (left.kind !== 'finite' || right.kind !== 'finite') return addSpecial(left, right);
  const scale = Math.max(left.scale, right.scale);
  return finite(rescale(left.coefficient, left.scale, scale) + rescale(right.coefficient, right.scale, scale), scale);
}

function addSpecial(left: Numeric, right: Numeric): Numeric {
  if (left.kind === 'nan' || right.kind === 'nan') return numericNaN;
  if (left.kind === 'finite') return right;
  if (right.kind === 'finite' || right.kind === left.kind) return left;
  return numericNaN;
}

export function subtractNumeric(left: Numeric, right: Numeric): Numeric {
  return addNumeric(left, negateNumeric(right));
}

export function multiplyNumeric(left: Numeric, right: Numeric): Numeric {
  if (left.kind === 'finite' && right.kind === 'finite') {
    return finite(left.coefficient * right.coefficient, left.scale + right.scale);
  }
  if (left.kind === 'nan' || right.kind === 'nan') return numericNaN;
  return infinityOf(signOf(left) * signOf(right));
}

/** The position of the first digit in PostgreSQL's base 10,000, and that digit: what its scale rules are written in. */
export function weightOf(value: Numeric): { weight: number; first: number } {
  if (value.digits === 0n) return { weight: 0, first: 0 };
  const size = magnitude(value.digits);
  if (size < 1_000_000_000_000_000n && value.zeros === 0) return weightOfNumber(Number(size), value.scale);
  const digits = size.toString();
  const exponent = digits.length + value.zeros - value.scale - 1;
  const weight = Math.floor(exponent / 4);
  return { weight, first: Number(digits.slice(0, exponent - weight * 4 + 1).padEnd(exponent - weight * 4 + 1, '0')) };
}

function weightOfNumber(size: number, scale: number): { weight: number; first: number } {
  let exponent = -scale;
  for (let rest = size; rest >= 10; rest /= 10) exponent++;
  const weight = Math.floor(exponent / 4);
  const shift = weight * 4 + scale;
  return { weight, first: shift >= 0 ? Math.floor(size / 10 ** shift) : size * 10 ** -shift };
}

export function clampScale(scale: number, ...atLeast: readonly number[]): number {
  return Math.min(Math.max(scale, 0, ...atLeast), displayScaleMax);
}

export function significantScale(weight: number, ...atLeast: readonly number[]): number {
  return clampScale(significantDigitsMin - weight, ...atLeast);
}

/** `select_div_scale` of PostgreSQL: at least 16 significant digits, and no fewer decimals than either side shows. */
export function divideNumeric(left: Numeric, right: Numeric): Numeric {
  if (left.kind !== 'finite' || right.kind !== 'finite') return divideSpecial(left, right);
  if (right.coefficient === 0n) throw divisionByZero();
  const dividend = weightOf(left);
  const divisor = weightOf(right);
  const weight = dividend.weight - divisor.weight - (dividend.first <= divisor.first ? 1 : 0);
  const scale = significantScale(weight * 4, left.scale, right.scale);
  return divideAtScale(left, right, scale);
}

export function divideAtScale(left: Numeric, right: Numeric, scale: number): Numeric {
  const shift = scale - left.scale + right.scale;
  const quotient =
    shift >= 0
      ? divideRounded(left.coefficient * powerOfTen(shift), right.coefficient)
      : divideRounded(left.coefficient, right.coefficient * powerOfTen(-shift));
  return finite(quotient, scale);
}

function divideSpecial(left: Numeric, right: Numeric): Numeric {
  if (left.kind === 'nan' || right.kind === 'nan') return numericNaN;
  if (left.kind !== 'finite' && right.kind !== 'finite') return numericNaN;
  if (left.kind === 'finite') return numericZero;
  if (right.coefficient === 0n) throw divisionByZero();
  return infinityOf(signOf(left) * signOf(right));
}

export function moduloNumeric(left: Numeric, right: Numeric): Numeric {
  if (left.kind === 'nan' || right.kind === 'nan') return numericNaN;
  if (right.kind === 'finite' && right.coefficient === 0n) throw divisionByZero();
  if (left.kind !== 'finite') return numericNaN;
  if (right.kind !== 'finite') return left;
  const scale = Math.max(left.scale, right.scale);
  return finite(rescale(left.coefficient, left.scale, scale) % rescale(right.coefficient, right.scale, scale), scale);
}

/** The quotient cut to an integer, as PostgreSQL's div(). */
export function quotientNumeric(left: Numeric, right: Numeric): Numeric {
  if (left.kind !== 'finite' || right.kind !== 'finite') return divideSpecial(left, right);
  if (right.coefficient === 0n) throw divisionByZero();
  const scale = Math.max(left.scale, right.scale);
  return finite(rescale(left.coefficient, left.scale, scale) / rescale(right.coefficient, right.scale, scale), 0);
}

export function roundNumeric(value: Numeric, places: number): Numeric {
  if (value.kind !== 'finite') return value;
  const to = Math.min(Math.max(places, -integerDigitsMax), scaleMax);
  if (to >= value.scale) return finite(rescale(value.coefficient, value.scale, Math.max(to, 0)), Math.max(to, 0));
  const rounded = rescale(value.coefficient, value.scale, to);
  return to >= 0 ? new Numeric(rounded, to) : finite(rounded * powerOfTen(-to), 0);
}

export function truncateNumeric(value: Numeric, places: number): Numeric {
  if (value.kind !== 'finite') return value;
  const to = Math.min(Math.max(places, -integerDigitsMax), scaleMax);
  if (to >= value.scale) return finite(rescale(value.coefficient, value.scale, Math.max(to, 0)), Math.max(to, 0));
  const cut = value.coefficient / powerOfTen(value.scale - to);
  return to >= 0 ? new Numeric(cut, to) : finite(cut * powerOfTen(-to), 0);
}

export function floorNumeric(value: Numeric): Numeric {
  if (value.kind !== 'finite') return value;
  const cut = truncateNumeric(value, 0);
  return compareNumeric(cut, value) > 0 ? new Numeric(cut.coefficient - 1n, 0) : cut;
}

export function ceilingNumeric(value: Numeric): Numeric {
  return value.kind === 'finite' ? negateNumeric(floorNumeric(negateNumeric(value))) : value;
}

export function numericToNumber(value: Numeric): number {
  return Number(shortText(value));
}

/** A text of the value that is no longer than its own digits. */
export function shortText(value: Numeric): string {
  return value.zeros > 0 ? `${value.digits}e${value.zeros}` : formatNumeric(value);
}

/** The double's digits, a tie going to the even one, as C's printf has it. */
export function roundedText(value: number, digits: number): string {
  const [mantissa, exponent] = value.toExponential(99).split('e') as [string, string];
  const exact = mantissa.replace(/[-.]/g, '');
  const isTie = /^50*$/.test(exact.slice(digits));
  if (!isTie || Number(exact[digits - 1]) % 2 === 1) return value.toExponential(digits - 1);
  return `${value < 0 ? '-' : ''}${exact[0]}.${exact.slice(1, digits)}e${exponent}`;
}

/** A finite double as the numeric that PostgreSQL's cast gives: 15 significant digits (6 for `real`). */
export function numberToNumeric(value: number, digits: number): Numeric {
  if (Number.isNaN(value)) return numericNaN;
  if (!Number.isFinite(value)) return value > 0 ? numericInfinity : numericMinusInfinity;
  const text = roundedText(value, digits)
    .replace(/(\.\d*?)0+(e|$)/, '$1$2')
    .replace(/\.(e|$)/, '$1');
  return parseNumeric(text);
}
