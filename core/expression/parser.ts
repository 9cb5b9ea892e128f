// PostgreSQL's own parser, as WebAssembly: text to parse tree. Needed at declare time only, never by a worker.
import type { Node, SelectStmt } from 'libpg-query';
import { limits } from '../limits.ts';
import { ok, type Result, refuse } from '../result.ts';
import { characterIndexOf, type ExpressionProblem, problemAt, Refusal } from './problem.ts';

type Parser = typeof import('libpg-query');
let parser: Parser | null = null;

/** Loads the WebAssembly once a process. */
export async function loadParser(): Promise<void> {
  if (parser !== null) return;
  const module = await import('libpg-query');
  await module.loadModule();
  parser = module;
}

const prefixes = { condition: 'SELECT WHERE ', list: 'SELECT ' } as const;

export interface ParsedText {
  readonly text: string;
  /** Bytes of the statement that stand before the text. */
  readonly prefixBytes: number;
  readonly nodes: readonly Node[];
}

/** A list of select items, or one condition. */
export function parseText(text: string, kind: keyof typeof prefixes): Result<ParsedText, ExpressionProblem> {
  if (parser === null) throw new Error('await loadParser() before an expression is parsed');
  const tooComplex = checkSize(text);
  if (tooComplex !== null) return refuse(tooComplex);
  const prefix = prefixes[kind];
  try {
    const statements = parser.parseSync(prefix + text).stmts ?? [];
    return ok({
      text,
      prefixBytes: prefix.length,
      nodes: onlyExpressions(
        statements.map(({ stmt }) => stmt),
        kind,
        text,
      ),
    });
  } catch (error) {
    return refuse(parseProblem(error, text, prefix));
  }
}

function checkSize(text: string): ExpressionProblem | null {
  if (text.trim() === '') return problemAt(text, 0, 'syntax_error', 'the expression is empty');
  if (text.includes('\0'))
    return problemAt(text, text.indexOf('\0'), 'syntax_error', 'the expression contains a NUL character');
  if (text.length > limits.expressionCharsMax) {
    const message = `the expression has ${text.length} characters; at most ${limits.expressionCharsMax} are allowed`;
    return problemAt(text, 0, 'program_limit_exceeded', message);
  }
  return null;
}

const allowedParts = { condition: 'whereClause', list: 'targetList' } as const;
const partNames: Readonly<Record<string, string>> = {
  fromClause: 'FROM',
  whereClause: 'WHERE',
  groupClause: 'GROUP BY',
  havingClause: 'HAVING',
  windowClause: 'WINDOW',
  sortClause: 'ORDER BY',
  limitCount: 'LIMIT',
  limitOffset: 'OFFSET',
  lockingClause: 'FOR UPDATE',
  distinctClause: 'DISTINCT',
  intoClause: 'INTO',
  larg: 'UNION, INTERSECT or EXCEPT',
  targetList: 'a select list',
};

function onlyExpressions(
  statements: readonly (Node | undefined)[],
  kind: keyof typeof prefixes,
  text: string,
): readonly Node[] {
  const expected = kind === 'condition' ? 'one condition' : 'a list of expressions';
  if (statements.length > 1)
    throw new Refusal('feature_not_supported', `expected ${expected}, got several statements`, -1);
  const select = (statements[0] as { SelectStmt?: SelectStmt } | undefined)?.SelectStmt;
  if (select === undefined)
    throw new Refusal('feature_not_supported', `expected ${expected}, got another statement`, -1);
  for (const part of Object.keys(select)) {
    if (part === allowedParts[kind] || !Object.hasOwn(partNames, part)) continue;
    const keyword = partNames[part]!;
    const at = text.toUpperCase().search(new RegExp(`\\b${keyword.split(/[ ,]/)[0]}\\b`));
    throw new Refusal(
      'feature_not_supported',
      `${keyword} is not allowed here: expected ${expected}`,
      at < 0 ? -1 : at + prefixes[kind].length,
    );
  }
  if (kind === 'condition') return [select.whereClause!];
  const items = select.targetList ?? [];
  if (items.length === 0) throw new Refusal('syntax_error', 'the select list is empty', -1);
  return items;
}

function parseProblem(error: unknown, text: string, prefix: string): ExpressionProblem {
  if (error instanceof Refusal) return refusalProblem(error, text, prefix.length);
  const details = (error as { sqlDetails?: { message: string; cursorPosition: number } }).sqlDetails;
  if (details === undefined) {
    // The parser ran out of stack: nothing that a person wrote by hand.
    return problemAt(text, 0, 'program_limit_exceeded', 'the expression is nested too deeply to be parsed');
  }
  return problemAt(
    text,
    details.cursorPosition - prefix.length,
    'syntax_error',
    details.message,
    hintOf(details.message, text),
  );
}

function hintOf(message: string, text: string): string | undefined {
  const keyword = /^\s*(select|where|from|with|insert|update|delete)\b/i.exec(text)?.[1]?.toUpperCase();
  if (keyword !== undefined && message.endsWith(`"${text.trim().slice(0, keyword.length)}"`))
    return `write only what would stand behind SELECT or WHERE, such as upper(country): no statement, and no ${keyword}`;
  return message.includes('at end of input') ? 'something is missing at the end' : undefined;
}

export function refusalProblem(refusal: Refusal, text: string, prefixBytes: number): ExpressionProblem {
  const index = characterIndexOf(text, refusal.at - prefixBytes);
  return problemAt(text, index, refusal.code, refusal.message, refusal.hint);
}
