// A refused declaration's problems as people read them: file, line and column, the line itself, a caret under the fault, and what to do.
import type { SourcePosition } from '#cli/input/source-position.ts';
import type { SpecProblem } from '#core/spec/problem.ts';

const lineCharsMax = 100;

/** One problem, several lines. `position` is where in the file it is, as far as it was found. */
export function formatProblem(
  problem: SpecProblem & { readonly document?: string },
  position: SourcePosition | null,
): string {
  const place = [
    position === null ? null : `${position.file}:${position.line}:${position.column}`,
    problem.document,
    problem.path,
  ]
    .filter((part) => part)
    .join(' ');
  const lines = [
    place === '' ? `  ${problem.message}` : `  ${place}\n    ${problem.message.replaceAll('\n', '\n    ')}`,
  ];
  if (position !== null) lines.push(caret(position));
  if (problem.fix) lines.push(`    fix: ${problem.fix.replaceAll('\n', '\n         ')}`);
  return lines.join('\n');
}

/** The line, cut around the column where it is long, and a caret under the column. */
function caret(position: SourcePosition): string {
  const from = Math.max(0, Math.min(position.column - 60, position.text.length - lineCharsMax));
  const text = position.text.slice(from, from + lineCharsMax).replaceAll('\t', ' ');
  const number = String(position.line);
  const gutter = ' '.repeat(number.length);
  return `    ${number} | ${text}\n    ${gutter} | ${' '.repeat(Math.max(0, position.column - 1 - from))}^`;
}
