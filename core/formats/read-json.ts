// Values of well-formed JSON bytes as encoders need them: exact numbers, strings without escapes, members by name.
import { EvaluationFault } from '#core/expression/fault.ts';
import { decodeJsonString, decodeNumeric, decodeText } from '#core/expression/run/decode.ts';
import { readReal } from '#core/expression/values/float.ts';
import { type Numeric, numericToNumber, rescale } from '#core/expression/values/numeric.ts';
import { unfit } from '#core/formats/format-fault.ts';
import { hasEscape, stringEnd, valueEnd } from '#core/operators/run/json-bytes.ts';

export const quote = 0x22;
export const isNull = (bytes: Uint8Array, at: number): boolean => bytes[at] === 0x6e;

/** Whether the string that begins at `at` is this name, as it stands. */
export function isNamed(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) if (bytes[at + 1 + index] !== name[index]) return false;
  return bytes[at + 1 + name.length] === quote;
}

/** What stands there, for a message. */
export function gotText(bytes: Uint8Array, at: number, end: number): string {
  switch (bytes[at]) {
    case quote:
      return `the text ${decodeText(bytes, at, Math.min(stringEnd(bytes, at), at + 40))}`;
    case 0x7b:
      return 'an object';
    case 0x5b:
      return 'a list';
    case 0x74:
    case 0x66:
      return 'a boolean';
    case 0x6e:
      return 'null';
    default:
      return `the number ${decodeText(bytes, at, Math.min(valueEnd(bytes, at, end), at + 40))}`;
  }
}

export const misfit = (what: string, expected: string, bytes: Uint8Array, at: number, end: number) =>
  unfit('misfit', `${what || 'the value'}: got ${gotText(bytes, at, end)}, expected ${expected}`);

export const isNumber = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x2d || (bytes[at]! >= 0x30 && bytes[at]! <= 0x39);

/** JSON's numbers have no bounds, PostgreSQL's have: what is beyond them fits no type of a schema either. */
function readNumeric(bytes: Uint8Array, start: number, end: number): Numeric {
  try {
    return decodeNumeric(bytes, start, end);
  } catch (error) {
    if (!(error instanceof EvaluationFault)) throw error;
    throw fitsNothing(bytes, start, end);
  }
}

const fitsNothing = (bytes: Uint8Array, start: number, end: number) =>
  unfit('out_of_range', `got ${gotText(bytes, start, end)}, which is more than any type of a schema holds`);

/** Far beyond every type of whole numbers: what is larger is never written out, for `1e99999` would make a message of 100,000 digits. */
const wholeShown = 10n ** 40n;

/** Digits that are exact in a double. */
const safeDigits = 15;

/** A whole number, exact; null for a number that is none. `1.0` and `1e3` are whole. */
export function readWhole(bytes: Uint8Array, start: number, end: number): number | bigint | null {
  const negative = bytes[start] === 0x2d;
  const from = negative ? start + 1 : start;
  if (end - from <= safeDigits) {
    let value = 0;
    let at = from;
    for (; at < end; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === end) return negative && value !== 0 ? -value : value;
  }
  const whole = wholeOf(readNumeric(bytes, start, end));
  if (whole === null) return null;
  if (whole >= wholeShown || whole <= -wholeShown) throw fitsNothing(bytes, start, end);
  return whole >= -9_007_199_254_740_991n && whole <= 9_007_199_254_740_991n ? Number(whole) : whole;
}

function wholeOf(value: Numeric): bigint | null {
  if (value.kind !== 'finite') return null;
  const whole = rescale(value.coefficient, value.scale, 0);
  return rescale(whole, 0, value.scale) === value.coefficient ? whole : null;
}

/** The digits behind `10^-scale`, exact; null where there are more of them. */
export function readScaled(bytes: Uint8Array, start: number, end: number, scale: number): bigint | null {
  const value = readNumeric(bytes, start, end);
  if (value.kind !== 'finite') return null;
  const scaled = rescale(value.coefficient, value.scale, scale);
  return rescale(scaled, scale, Math.max(scale, value.scale)) ===
    rescale(value.coefficient, value.scale, Math.max(scale, value.scale))
    ? scaled
    : null;
}

/** A number, or one of the texts for what JSON has no number for; null for anything else. */
export function readFloating(bytes: Uint8Array, at: number, end: number, single: boolean): number | null {
  if (isNumber(bytes, at)) {
    const text = decodeText(bytes, at, end);
    return single
      ? readReal(text)
      : end - at <= safeDigits
        ? Number(text)
        : numericToNumber(readNumeric(bytes, at, end));
  }
  const word = bytes[at] === quote ? decodeText(bytes, at + 1, end - 1) : '';
  return word === 'NaN' || word === 'Infinity' || word === '-Infinity' ? Number(word) : null;
}

/** The string that begins at `at` and ends before `end`. */
export const readText = (bytes: Uint8Array, at: number, end: number): string =>
  decodeJsonString(bytes, at + 1, end - 1, hasEscape(bytes, at + 1, end - 1));

/** Standard or URL-safe, with or without padding; null for what is none. */
export function readBase64(text: string): Uint8Array | null {
  const digits = text.replace(/=+$/, '');
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  if (digits.length % 4 === 1) return null;
  let word = 0;
  let to = 0;
  for (let at = 0; at < digits.length; at++) {
    const value = base64Values[digits.charCodeAt(at)] ?? 255;
    if (value === 255) return null;
    word = (word << 6) | value;
    if (at % 4 === 0) continue;
    bytes[to++] = (word >> (6 - 2 * (at % 4))) & 255;
  }
  return bytes;
}

const base64Values = new Uint8Array(128).fill(255);
for (const [value, char] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  base64Values[char.charCodeAt(0)] = value;
base64Values[0x2d] = 62;
base64Values[0x5f] = 63;
