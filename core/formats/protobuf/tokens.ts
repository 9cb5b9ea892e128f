// The words of a .proto file: names, numbers, texts and signs; comments and space are left out.
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { limits } from '#core/limits.ts';
import { readInteger } from './literals.ts';

export interface Tokens {
  readonly texts: readonly string[];
  /** The line of each, from 1. */
  readonly lines: readonly number[];
  at: number;
}

const space = String.raw`(?<space>\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)`;
const name = String.raw`\.?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*`;
const number = '[0-9.][0-9A-Za-z_.]*(?:(?<=[eE])[+-]?[0-9]+)?';
const quoted = String.raw`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'`;
const pattern = new RegExp(String.raw`${space}|(?<word>${name}|${number}|${quoted}|[{}[\]()<>=;,:/+-])`, 'gy');

export function readTokens(text: string): Tokens {
  if (text.length > limits.schemaCharsMax)
    throw new SchemaRefused(`got ${text.length} characters, expected at most ${limits.schemaCharsMax}`);
  const texts: string[] = [];
  const lines: number[] = [];
  let line = 1;
  pattern.lastIndex = 0;
  for (let at = 0; at < text.length; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null)
      throw new SchemaRefused(
        `line ${line}: got ${JSON.stringify(text.slice(at, at + 10))}, which is no word of a .proto file`,
      );
    if (match.groups!['word'] !== undefined) {
      texts.push(match[0]);
      lines.push(line);
    }
    for (const char of match[0]) if (char === '\n') line++;
  }
  return { texts, lines, at: 0 };
}

export const peek = ({ texts, at }: Tokens): string => texts[at] ?? '';
export const isAtEnd = ({ texts, at }: Tokens): boolean => at >= texts.length;

export function next(tokens: Tokens): string {
  const text = tokens.texts[tokens.at];
  if (text === undefined) throw new SchemaRefused('the .proto file ends in the middle of something');
  tokens.at++;
  return text;
}

export function wrong(tokens: Tokens, expected: string): SchemaRefused {
  const line = tokens.lines[Math.min(tokens.at, tokens.lines.length - 1)] ?? 1;
  return new SchemaRefused(`line ${line}: got ${peek(tokens) || 'the end'}, expected ${expected}`);
}

export function take(tokens: Tokens, expected: string): void {
  if (peek(tokens) !== expected) throw wrong(tokens, JSON.stringify(expected));
  tokens.at++;
}

/** Whether it is there; it is passed over then. */
export function accept(tokens: Tokens, text: string): boolean {
  if (peek(tokens) !== text) return false;
  tokens.at++;
  return true;
}

export function takeName(tokens: Tokens): string {
  const text = peek(tokens);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) throw wrong(tokens, 'a name');
  tokens.at++;
  return text;
}

export function takeNumber(tokens: Tokens): number {
  const sign = accept(tokens, '-') ? -1 : 1;
  const value = readInteger(peek(tokens));
  if (value === null) throw wrong(tokens, 'a whole number');
  tokens.at++;
  return sign * Number(value);
}

/** Up to the semicolon, or over the braces that come before it. */
export function passOver(tokens: Tokens): void {
  for (let depth = 0; ; ) {
    const text = next(tokens);
    if (text === '{') depth++;
    else if (text === '}' && --depth === 0) return;
    else if (text === ';' && depth === 0) return;
  }
}
