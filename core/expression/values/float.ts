// Text of double precision and real: the shortest digits that read back, laid out as PostgreSQL lays them out.
import { EvaluationFault, invalidText } from '../fault.ts';
import { compareNumeric, parseNumeric, roundedText } from './numeric.ts';
import { trimSpace } from './white-space.ts';

const pattern = /^[ \t\n\v\f\r]*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[ \t\n\v\f\r]*$/;
const words: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '+inf': Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  '+infinity': Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
};

export function parseDouble(text: string): number {
  if (!pattern.test(text)) return parseWord(text, 'double precision');
  return checkedRead(Number(text), text, 'double precision');
}

export function parseReal(text: string): number {
  if (!pattern.test(text)) return parseWord(text, 'real');
  return checkedRead(readReal(text), text, 'real');
}

/** Rounded once: a text just beside the middle of two reals must not first become that middle as a double. */
export function readReal(text: string): number {
  const double = Number(text);
  const real = Math.fround(double);
  if (!Number.isFinite(double) || !isMidpoint(double, real)) return real;
  const side = compareNumeric(parseNumeric(text), parseNumeric(double.toExponential(99)));
  return side === 0 ? real : Math.fround(double + side * Math.abs(double) * 2 ** -50);
}

function parseWord(text: string, type: string): number {
  const word = trimSpace(text).toLowerCase();
  if (!Object.hasOwn(words, word)) throw invalidText(type, text);
  return words[word]!;
}

/** A literal beyond the type's range is an error, not an infinity or a zero. */
function checkedRead(value: number, text: string, type: string): number {
  const vanished = value === 0 && /[1-9]/.test(text.replace(/[eE].*$/s, ''));
  if (!Number.isFinite(value) || vanished) {
    throw new EvaluationFault(
      'numeric_value_out_of_range',
      `"${trimSpace(text).slice(0, 80)}" is out of range for type ${type}`,
    );
  }
  return value;
}

export function formatDouble(value: number): string {
  const shortest = value.toExponential();
  if (Math.abs(value) < 2 ** 53 || !Number.isFinite(value)) return layOut(value, shortest, 15);
  for (let digits = shortest.replace(/e.*|[-.]/g, '').length; digits <= 17; digits++) {
    const text = value.toExponential(digits - 1);
    if (Number(text) === value && !isDoubleMidpoint(text, value)) return layOut(value, text.replace(/\.?0+e/, 'e'), 15);
  }
  return layOut(value, shortest, 15);
}

export function formatReal(value: number): string {
  if (!Number.isFinite(value) || value === 0) return layOut(value, '0e+0', 6);
  for (let digits = 1; digits <= 9; digits++) {
    const text = roundedText(value, digits).replace(/\.e/, 'e');
    if (Math.fround(Number(text)) === value && !isMidpoint(Number(text), value)) return layOut(value, text, 6);
  }
  return layOut(value, value.toExponential(), 6);
}

/** PostgreSQL does not rely on ties going to the even neighbour: a text half-way between two reals is no text for either. */
function isMidpoint(candidate: number, value: number): boolean {
  return candidate !== value && Math.fround(candidate + (candidate - value) * 2 ** -10) !== value;
}

/** The same for doubles; only integers from 2^53 on have such short texts. */
function isDoubleMidpoint(text: string, value: number): boolean {
  const exact = parseNumeric(text);
  if (exact.scale > 0) return false;
  const distance = exact.coefficient - BigInt(value);
  const spacing = 2n ** BigInt(Math.floor(Math.log2(Math.abs(value))) - 52);
  return distance !== 0n && (distance < 0n ? -distance : distance) * 2n === spacing;
}

/** From `d.ddde±x` to PostgreSQL's text: fixed while the exponent is in [-4, fixedBelow), scientific beyond. */
function layOut(value: number, scientific: string, fixedBelow: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, exponentText] = scientific.split('e') as [string, string];
  const exponent = Number(exponentText);
  const negative = mantissa.startsWith('-');
  const digits = mantissa.replace('-', '').replace('.', '');
  return (negative ? '-' : '') + placePoint(digits, exponent, fixedBelow);
}

function placePoint(digits: string, exponent: number, fixedBelow: number): string {
  if (exponent < -4 || exponent >= fixedBelow) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits.padEnd(exponent + 1, '0');
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}
