// Numbers and texts as a .proto file writes them: in three radixes, with points at either end, with escapes.
import { readReal } from '#core/expression/values/float.ts';

/** Decimal, hexadecimal or octal; null for what is no whole number. */
export function readInteger(text: string): bigint | null {
  const match = /^(-?)(?:(0[xX][0-9a-fA-F]+)|0([0-7]+)|(0|[1-9][0-9]*))$/.exec(text);
  if (match === null) return null;
  const [, sign, hexadecimal, octal, decimal] = match;
  const value = BigInt(hexadecimal ?? (octal === undefined ? decimal! : `0o${octal}`));
  return sign === '-' ? -value : value;
}

const words: Readonly<Record<string, number>> = {
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  nan: Number.NaN,
  '-nan': Number.NaN,
};

/** `1`, `0x10`, `1.`, `.5`, `1e3`, `-inf`, `nan`; rounded once where it is a float's. Null for anything else. */
export function readFloatingPoint(text: string, single: boolean): number | null {
  if (Object.hasOwn(words, text)) return words[text]!;
  const whole = readInteger(text);
  const digits = whole === null ? text : String(whole);
  if (whole === null && !/^-?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?$/.test(text)) return null;
  return single ? readReal(digits) : Number(digits);
}

const quoted = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/sy;

/** The bytes of one text, or of several that stand behind one another; null for what is none, or has an escape that is none. */
export function readQuoted(text: string): Uint8Array | null {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < text.length; at = quoted.lastIndex) {
    quoted.lastIndex = at;
    const match = quoted.exec(text);
    const part = match === null ? null : unescaped(match[1] ?? match[2]!);
    if (part === null) return null;
    parts.push(part);
  }
  return parts.length === 0 ? null : Buffer.concat(parts);
}

/** As `readQuoted`, for what must be text; null also where the bytes are not UTF-8. */
export function readQuotedText(text: string): string | null {
  const bytes = readQuoted(text);
  if (bytes === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

const piece =
  /(?<plain>[^\\]+)|\\(?:u(?<unit>[0-9a-fA-F]{4})|U(?<point>[0-9a-fA-F]{8})|[xX](?<hex>[0-9a-fA-F]{1,2})|(?<octal>[0-7]{1,3})|(?<one>[abfnrtv?'"\\]))/sy;
const named: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
};

/** `\x` and octal escapes are bytes, the others characters: only the whole need be UTF-8. */
function unescaped(text: string): Uint8Array | null {
  const parts: Uint8Array[] = [];
  let characters = '';
  const endCharacters = (): boolean => {
    const whole = characters.isWellFormed();
    parts.push(Buffer.from(characters));
    characters = '';
    return whole;
  };
  for (let at = 0; at < text.length; at = piece.lastIndex) {
    piece.lastIndex = at;
    const { plain, unit, point, hex, octal, one } = piece.exec(text)?.groups ?? {};
    if (plain !== undefined) characters += plain;
    else if (one !== undefined) characters += named[one] ?? one;
    else if (unit !== undefined) characters += String.fromCharCode(Number.parseInt(unit, 16));
    else if (point !== undefined && Number.parseInt(point, 16) <= 0x10_ffff)
      characters += String.fromCodePoint(Number.parseInt(point, 16));
    else {
      const byte = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16);
      if (!(byte <= 0xff) || !endCharacters()) return null;
      parts.push(Uint8Array.of(byte));
    }
  }
  return endCharacters() ? Buffer.concat(parts) : null;
}
