// Why an expression is refused, with the place in its text.
import { limits } from '../limits.ts';

/** Line and column are 1-based, within the given text; columns count characters. */
export interface ExpressionProblem {
  readonly code: string;
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly hint?: string;
}

/** Thrown while binding, turned into a problem at the door. `at` is a byte offset in the parsed statement, -1 = unknown. */
export class Refusal {
  readonly code: string;
  readonly message: string;
  readonly at: number;
  readonly hint: string | undefined;

  constructor(code: string, message: string, at: number, hint?: string) {
    this.code = code;
    this.message = message;
    this.at = at;
    this.hint = hint;
  }
}

export function problemAt(
  text: string,
  characterIndex: number,
  code: string,
  message: string,
  hint?: string,
): ExpressionProblem {
  const before = [...text].slice(0, Math.max(characterIndex, 0));
  const line = before.filter((character) => character === '\n').length + 1;
  const column = before.length - before.lastIndexOf('\n');
  return { code, message, line, column, ...(hint === undefined ? {} : { hint }) };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The parser places nodes by bytes and its own errors by characters. */
export function characterIndexOf(text: string, byteOffset: number): number {
  return [...decoder.decode(encoder.encode(text).subarray(0, Math.max(byteOffset, 0)))].length;
}

/** The names most like the one that was asked for, nearest first. */
export function nearestNames(name: string, candidates: readonly string[]): readonly string[] {
  const wanted = name.toLowerCase();
  return candidates
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .filter(
      ({ candidate, distance }) => distance <= Math.max(1, Math.floor(Math.min(wanted.length, candidate.length) / 2)),
    )
    .sort((left, right) => left.distance - right.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's distance, over at most `nameCharsMax` × 4 characters. */
function editDistance(left: string, right: string): number {
  const [a, b] = [left.slice(0, limits.nameCharsMax * 4), right.slice(0, limits.nameCharsMax * 4)];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** A name as it must be written in SQL: quoted where it has capitals or unusual characters. */
export function quoteName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
