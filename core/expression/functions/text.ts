// String functions, counted in characters (code points) as PostgreSQL counts them.
import { EvaluationFault, outOfRange } from '../fault.ts';
import { checkTextSize, ofTextSize } from '../values/result-size.ts';
import { outputText, showText } from '../values/type-text.ts';
import type { Value } from '../values/value.ts';
import { capitalizeWords } from './capitalize.ts';
import { entry, type FunctionEntry, givenNulls, made } from './entry.ts';
import { md5 } from './md5.ts';

const encoder = new TextEncoder();
const int32Max = 2_147_483_647;

function characters(text: string): string[] {
  return [...text];
}

function lengthOf(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit <= 0xdbff) count--;
  }
  return count;
}

function substring(text: string, from: number, count: number | null): string {
  if (count !== null && count < 0)
    throw new EvaluationFault('substring_error', 'negative substring length not allowed');
  const list = characters(text);
  const end = count === null ? list.length : from - 1 + count;
  return list.slice(Math.max(from - 1, 0), Math.max(end, 0)).join('');
}

function left(text: string, count: number): string {
  return characters(text).slice(0, count).join('');
}

function right(text: string, count: number): string {
  const list = characters(text);
  if (count >= 0) return list.slice(Math.max(list.length - count, 0)).join('');
  // The least integer has no opposite, and PostgreSQL then cuts nothing.
  return count === -int32Max - 1 ? text : list.slice(-count).join('');
}

function position(part: string, text: string): number {
  const at = text.indexOf(part);
  return at < 0 ? 0 : lengthOf(text.slice(0, at)) + 1;
}

function pad(text: string, length: number, fill: string, where: 'left' | 'right'): string {
  checkTextSize(length);
  const list = characters(text);
  if (length <= list.length || fill === '') return list.slice(0, Math.max(length, 0)).join('');
  const fills = characters(fill);
  const missing = Array.from({ length: length - list.length }, (_, index) => fills[index % fills.length]).join('');
  return where === 'left' ? missing + text : text + missing;
}

function trim(text: string, set: string, where: 'both' | 'left' | 'right'): string {
  const drop = new Set(characters(set));
  const list = characters(text);
  let start = 0;
  let end = list.length;
  if (where !== 'right') while (start < end && drop.has(list[start]!)) start++;
  if (where !== 'left') while (end > start && drop.has(list[end - 1]!)) end--;
  return list.slice(start, end).join('');
}

function splitPart(text: string, delimiter: string, field: number): string {
  if (field === 0) throw new EvaluationFault('invalid_parameter_value', 'field position must not be zero');
  const parts = delimiter === '' ? [text] : text.split(delimiter);
  if (text === '') return '';
  return parts[field > 0 ? field - 1 : parts.length + field] ?? '';
}

function translate(text: string, from: string, to: string): string {
  const targets = characters(to);
  const map = new Map<string, string>();
  for (const [index, character] of characters(from).entries()) {
    if (!map.has(character)) map.set(character, targets[index] ?? '');
  }
  return characters(text)
    .map((character) => map.get(character) ?? character)
    .join('');
}

function repeat(text: string, count: number): string {
  checkTextSize(text.length * count);
  return text.repeat(Math.max(count, 0));
}

function replaceAll(text: string, from: string, to: string): string {
  if (from === '') return text;
  const parts = text.split(from);
  checkTextSize(text.length + (parts.length - 1) * (to.length - from.length));
  return parts.join(to);
}

function overlay(text: string, by: string, from: number, count: number): string {
  if (from <= 0) throw new EvaluationFault('substring_error', 'negative substring length not allowed');
  if (from + count > int32Max) throw outOfRange('integer');
  checkTextSize(text.length + by.length);
  const list = characters(text);
  return list.slice(0, from - 1).join('') + by + list.slice(Math.max(from - 1 + count, 0)).join('');
}

function chr(code: number): string {
  if (code < 0) throw new EvaluationFault('invalid_parameter_value', 'character number must be positive');
  if (code === 0) throw new EvaluationFault('program_limit_exceeded', 'null character not permitted');
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    throw new EvaluationFault('program_limit_exceeded', `requested character not valid for encoding: ${code}`);
  }
  return String.fromCodePoint(code);
}

function concatenation(separated: boolean): FunctionEntry['make'] {
  return (types) =>
    (...values: Value[]) => {
      const separator = separated ? values[0] : '';
      if (separator === null) return null;
      const texts: string[] = [];
      let chars = 0;
      for (let index = separated ? 1 : 0; index < values.length; index++) {
        const value = values[index]!;
        if (value === null) continue;
        const text = outputText(types[index]!, value);
        chars += text.length + (separator as string).length;
        checkTextSize(chars);
        texts.push(text);
      }
      return texts.join(separator as string);
    };
}

function join(left: string, right: string): string {
  checkTextSize(left.length + right.length);
  return left + right;
}

function quoteLiteral(text: string): string {
  checkTextSize(text.length);
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return ofTextSize(text.includes('\\') ? `E${quoted}` : quoted);
}

export const textFunctions: readonly FunctionEntry[] = [
  entry('||', ['text', 'text'], 'text', 'Joins two texts.', join),
  made(
    '||',
    ['text', 'anynonarray'],
    'text',
    'Joins a text and the text of a value.',
    (types) => (a: string, b: never) => join(a, showText(types[1]!, b)),
  ),
  made(
    '||',
    ['anynonarray', 'text'],
    'text',
    'Joins the text of a value and a text.',
    (types) => (a: never, b: string) => join(showText(types[0]!, a), b),
  ),
  entry('lower', ['text'], 'text', 'In lower case.', (text: string) => ofTextSize(text.toLowerCase())),
  entry('upper', ['text'], 'text', 'In upper case.', (text: string) => ofTextSize(text.toUpperCase())),
  entry('initcap', ['text'], 'text', 'Each word with a capital.', (text: string) => ofTextSize(capitalizeWords(text))),
  entry('length', ['text'], 'integer', 'Number of characters.', lengthOf),
  entry('char_length', ['text'], 'integer', 'Number of characters.', lengthOf),
  entry('character_length', ['text'], 'integer', 'Number of characters.', lengthOf),
  entry(
    'octet_length',
    ['text'],
    'integer',
    'Number of bytes in UTF-8.',
    (text: string) => encoder.encode(text).length,
  ),
  entry(
    'bit_length',
    ['text'],
    'integer',
    'Number of bits in UTF-8.',
    (text: string) => encoder.encode(text).length * 8,
  ),
  entry('btrim', ['text'], 'text', 'Without spaces at both ends; `trim(x)`.', (text: string) =>
    trim(text, ' ', 'both'),
  ),
  entry('btrim', ['text', 'text'], 'text', 'Without the given characters at both ends.', (text: string, set: string) =>
    trim(text, set, 'both'),
  ),
  entry('ltrim', ['text'], 'text', 'Without spaces at the start.', (text: string) => trim(text, ' ', 'left')),
  entry('ltrim', ['text', 'text'], 'text', 'Without the given characters at the start.', (text: string, set: string) =>
    trim(text, set, 'left'),
  ),
  entry('rtrim', ['text'], 'text', 'Without spaces at the end.', (text: string) => trim(text, ' ', 'right')),
  entry('rtrim', ['text', 'text'], 'text', 'Without the given characters at the end.', (text: string, set: string) =>
    trim(text, set, 'right'),
  ),
  ...['substr', 'substring'].flatMap((name) => [
    entry(name, ['text', 'integer'], 'text', 'From a character (1-based) on.', (text: string, from: number) =>
      substring(text, from, null),
    ),
    entry(name, ['text', 'integer', 'integer'], 'text', 'From a character (1-based), so many.', substring),
  ]),
  entry(
    'position',
    ['text', 'text'],
    'integer',
    'Where the second lies in the first, 1-based; 0 when nowhere. `position(part IN text)`.',
    (text: string, part: string) => position(part, text),
  ),
  entry(
    'strpos',
    ['text', 'text'],
    'integer',
    'Where the second lies in the first, 1-based; 0 when nowhere.',
    (text: string, part: string) => position(part, text),
  ),
  entry('replace', ['text', 'text', 'text'], 'text', 'Every occurrence replaced.', replaceAll),
  entry(
    'split_part',
    ['text', 'text', 'integer'],
    'text',
    'The n-th part between delimiters; negative counts from the end.',
    splitPart,
  ),
  entry('left', ['text', 'integer'], 'text', 'The first n characters; negative: all but the last n.', left),
  entry('right', ['text', 'integer'], 'text', 'The last n characters; negative: all but the first n.', right),
  entry(
    'lpad',
    ['text', 'integer'],
    'text',
    'Filled with spaces on the left to a length.',
    (text: string, length: number) => pad(text, length, ' ', 'left'),
  ),
  entry(
    'lpad',
    ['text', 'integer', 'text'],
    'text',
    'Filled on the left to a length.',
    (text: string, length: number, fill: string) => pad(text, length, fill, 'left'),
  ),
  entry(
    'rpad',
    ['text', 'integer'],
    'text',
    'Filled with spaces on the right to a length.',
    (text: string, length: number) => pad(text, length, ' ', 'right'),
  ),
  entry(
    'rpad',
    ['text', 'integer', 'text'],
    'text',
    'Filled on the right to a length.',
    (text: string, length: number, fill: string) => pad(text, length, fill, 'right'),
  ),
  givenNulls(made('concat', ['any...'], 'text', 'The texts of all values that are not NULL.', concatenation(false))),
  givenNulls(
    made('concat_ws', ['text', 'any...'], 'text', 'As concat, with a separator between.', concatenation(true)),
  ),
  entry(
    'starts_with',
    ['text', 'text'],
    'boolean',
    'Whether the text begins with the second.',
    (text: string, prefix: string) => text.startsWith(prefix),
  ),
  entry('^@', ['text', 'text'], 'boolean', 'Whether the text begins with the second.', (text: string, prefix: string) =>
    text.startsWith(prefix),
  ),
  entry('reverse', ['text'], 'text', 'The characters in reverse.', (text: string) =>
    characters(text).reverse().join(''),
  ),
  entry('repeat', ['text', 'integer'], 'text', 'The text n times.', repeat),
  entry(
    'translate',
    ['text', 'text', 'text'],
    'text',
    'Each character of the second replaced by its counterpart in the third.',
    translate,
  ),
  entry(
    'overlay',
    ['text', 'text', 'integer'],
    'text',
    '`overlay(text PLACING new FROM n)`.',
    (text: string, by: string, from: number) => overlay(text, by, from, lengthOf(by)),
  ),
  entry(
    'overlay',
    ['text', 'text', 'integer', 'integer'],
    'text',
    '`overlay(text PLACING new FROM n FOR count)`.',
    overlay,
  ),
  entry('ascii', ['text'], 'integer', 'Code point of the first character.', (text: string) => text.codePointAt(0) ?? 0),
  entry('chr', ['integer'], 'text', 'The character of a code point.', chr),
  entry('md5', ['text'], 'text', 'MD5 of the UTF-8 bytes, in hexadecimal.', (text: string) =>
    md5(encoder.encode(text)),
  ),
  entry('to_hex', ['integer'], 'text', 'In hexadecimal.', (value: number) => (value >>> 0).toString(16)),
  entry('to_hex', ['bigint'], 'text', 'In hexadecimal.', (value: bigint) => BigInt.asUintN(64, value).toString(16)),
  entry('quote_literal', ['text'], 'text', 'As an SQL literal.', quoteLiteral),
];
