// Where in a file a problem is: from the path in a declaration, and the line and column inside an expression, to the file's line and column.
import {
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { SpecProblem } from '#core/spec/problem.ts';

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
  // By convention `got …` speaks of a value; anything else, such as an unknown field, of the key.
  if (!problem.message.startsWith('got ') && problem.line === undefined && found.keyOffset !== null)
    return positionAt(source, found.keyOffset);
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
  readonly keyOffset: number | null;
  readonly value: Node | null;
}

function findPath(contents: ParsedNode | null, path: string): Found {
  let found: Found = { offset: contents?.range[0] ?? 0, keyOffset: null, value: contents };
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
  const key = best.pair.key as Node;
  const at = rest === '' && isScalar(value) && value.range ? value : key;
  return {
    found: { offset: at.range?.[0] ?? 0, keyOffset: rest === '' ? (key.range?.[0] ?? null) : null, value },
    rest,
  };
}

function stepIntoSeq(items: readonly unknown[], path: string): { found: Found; rest: string } | null {
  const match = /^\[(\d+)\]/.exec(path);
  const item = match ? (items[Number(match[1])] as Node | undefined) : undefined;
  return item
    ? { found: { offset: item.range?.[0] ?? 0, keyOffset: null, value: item }, rest: path.slice(match![0].length) }
    : null;
}

/**
 * Walks the written scalar beside its value up to the line and column, so that folded lines, indentation and quotes are
 * stepped over; null where it is written in a way that cannot be followed (escapes).
 */
function offsetInExpression(text: string, node: Scalar, value: string, line: number, column: number): number | null {
  if (!node.range) return null;
  const target = indexOf(value, line, column);
  const doubled = node.type === 'QUOTE_SINGLE' ? "'" : null;
  let at = startOfContent(text, node.range[0], node.type);
  let index = 0;
  if (!isSpace(value[0])) at = skipSpace(text, at);
  while (index < target) {
    if (isSpace(value[index])) {
      while (index < target && isSpace(value[index])) index++;
      at = skipSpace(text, at);
    } else {
      if (text[at] !== value[index]) return null;
      at += value[index] === doubled ? 2 : 1;
      index++;
    }
  }
  return at > node.range[1] ? null : at;
}

const isSpace = (character: string | undefined): boolean => character !== undefined && /\s/.test(character);

function skipSpace(text: string, at: number): number {
  while (isSpace(text[at])) at++;
  return at;
}

/** Behind the quote, or on the line below `|` or `>`. */
function startOfContent(text: string, start: number, type: Scalar['type']): number {
  if (type === 'QUOTE_SINGLE' || type === 'QUOTE_DOUBLE') return start + 1;
  return type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED' ? text.indexOf('\n', start) + 1 : start;
}

/** Of the 1-based line and column (in characters) within the text. */
function indexOf(value: string, line: number, column: number): number {
  const lines = value.split('\n');
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return Math.min(value.length, before + [...(lines[line - 1] ?? '')].slice(0, column - 1).join('').length);
}
