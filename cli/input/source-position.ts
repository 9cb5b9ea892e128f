// Where in a file a problem is: from the path in a declaration, and the line and column inside an expression, to the file's line and column.
import { isMap, isScalar, isSeq, type LineCounter, type Node, type Pair, type ParsedNode, type YAMLMap } from 'yaml';
import type { SpecProblem } from '#core/spec/document.ts';

export interface SourcePosition {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly column: number;
  /** The line's text. */
  readonly text: string;
}

/** One document's text, with its syntax tree; `contents` null for an empty one. */
export interface SourceTree {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
  readonly contents: ParsedNode | null;
}

export function positionAt(source: Pick<SourceTree, 'file' | 'text' | 'lines'>, offset: number): SourcePosition {
  const { line, col } = source.lines.linePos(Math.min(offset, source.text.length));
  const starts = source.lines.lineStarts;
  const end = starts[line] ?? source.text.length + 1;
  return {
    file: source.file,
    line,
    column: col,
    text: source.text.slice(starts[line - 1] ?? 0, end - 1).replace(/\r$/, ''),
  };
}

/** Falls back to the nearest thing around it that the file has, such as the parent of a missing field. */
export function locateProblem(source: SourceTree, problem: SpecProblem): SourcePosition {
  const found = findPath(source.contents, problem.path);
  const value = found.value;
  if (
    problem.line !== undefined &&
    problem.column !== undefined &&
    isScalar(value) &&
    typeof value.value === 'string'
  ) {
    const offset = offsetInExpression(source.text, value, value.value, problem.line, problem.column);
    if (offset !== null) return positionAt(source, offset);
  }
  return positionAt(source, found.offset);
}

interface Found {
  /** Where to point: a value, or the key of a field that should not be there. */
  readonly offset: number;
  readonly value: Node | null;
}

function findPath(contents: ParsedNode | null, path: string): Found {
  let found: Found = { offset: contents?.range[0] ?? 0, value: contents };
  let rest = path;
  while (rest !== '') {
    const step = isMap(found.value)
      ? stepIntoMap(found.value, rest)
      : isSeq(found.value)
        ? stepIntoSeq(found.value.items, rest)
        : null;
    if (step === null) break;
    found = step.found;
    rest = step.rest.replace(/^\./, '');
  }
  return found;
}

/** The longest key that the path begins with: keys may hold dots themselves. */
function stepIntoMap(map: YAMLMap, path: string): { found: Found; rest: string } | null {
  let best: { pair: Pair; key: string } | null = null;
  for (const pair of map.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : '';
    const after = path.slice(key.length);
    const fits = key !== '' && path.startsWith(key) && (after === '' || /^[.[ ]/.test(after));
    if (fits && key.length > (best?.key.length ?? 0)) best = { pair, key };
  }
  if (best === null) return null;
  const value = (best.pair.value ?? null) as Node | null;
  const rest = path.slice(best.key.length);
  // The last step points at a scalar itself, and at the key of anything larger.
  const at = rest === '' && isScalar(value) && value.range ? value : (best.pair.key as Node);
  return { found: { offset: at.range?.[0] ?? 0, value }, rest };
}

function stepIntoSeq(items: readonly unknown[], path: string): { found: Found; rest: string } | null {
  const match = /^\[(\d+)\]/.exec(path);
  const item = match ? (items[Number(match[1])] as Node | undefined) : undefined;
  return item ? { found: { offset: item.range?.[0] ?? 0, value: item }, rest: path.slice(match![0].length) } : null;
}

/** The expression's line, found again inside the scalar as it is written (plain, quoted or block); null where it is written otherwise. */
function offsetInExpression(text: string, node: Node, value: string, line: number, column: number): number | null {
  const range = node.range;
  if (!range) return null;
  const wanted = value.split('\n')[line - 1];
  if (wanted === undefined) return null;
  let from = range[0];
  // Earlier lines first, so that a line that occurs twice is found at its own place.
  for (const earlier of value.split('\n').slice(0, line - 1)) {
    const at = text.indexOf(earlier, from);
    if (at >= 0 && at < range[1]) from = at + earlier.length;
  }
  const at = text.indexOf(wanted, from);
  return at < 0 || at + wanted.length > range[1] ? null : at + [...wanted].slice(0, column - 1).join('').length;
}
