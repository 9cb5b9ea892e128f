// LIKE and ILIKE: `%` any run, `_` any one character, and an escape; matched without a regular expression.
import { EvaluationFault } from '../fault.ts';
import { entry, type FunctionEntry, made } from './entry.ts';

type Token =
  | { readonly kind: 'text'; readonly character: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'run' };

function tokens(pattern: string): Token[] {
  const list: Token[] = [];
  const characters = [...pattern];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index]!;
    if (character === '%') {
      if (list.at(-1)?.kind !== 'run') list.push({ kind: 'run' });
    } else if (character === '_') list.push({ kind: 'one' });
    else if (character !== '\\') list.push({ kind: 'text', character });
    else {
      const escaped = characters[++index];
      if (escaped === undefined) throw endsInEscape();
      list.push({ kind: 'text', character: escaped });
    }
  }
  return list;
}

function endsInEscape(): EvaluationFault {
  return new EvaluationFault('invalid_escape_sequence', 'LIKE pattern must not end with escape character');
}

/** A test of text against one pattern; at worst text length × pattern length steps. */
export function likeMatcher(pattern: string, ignoreCase: boolean): (text: string) => boolean {
  const list = tokens(ignoreCase ? pattern.toLowerCase() : pattern);
  return (text) => matchTokens([...(ignoreCase ? text.toLowerCase() : text)], list);
}

/** Greedy from left to right; a mismatch goes back to the last run and lets it take one character more. */
function matchTokens(characters: readonly string[], list: readonly Token[]): boolean {
  let at = 0;
  let token = 0;
  let runToken = -1;
  let runAt = 0;
  while (at < characters.length) {
    const current = list[token];
    if (current?.kind === 'run') {
      runToken = token++;
      runAt = at;
    } else if (current !== undefined && (current.kind === 'one' || current.character === characters[at])) {
      at++;
      token++;
    } else if (runToken >= 0) {
      token = runToken + 1;
      at = ++runAt;
    } else return false;
  }
  while (list[token]?.kind === 'run') token++;
  return token === list.length;
}

/** The pattern's fixed beginning when all that follows is one `%`; null for any other pattern. */
export function likePrefix(pattern: string): string | null {
  const match = /^([^%_\\]*)%$/.exec(pattern);
  return match === null ? null : match[1]!;
}

/** Rewrites a pattern with another escape character to one with a backslash, as LIKE … ESCAPE. */
export function likeEscape(pattern: string, by: string): string {
  const escapes = [...by];
  if (escapes.length > 1) {
    throw new EvaluationFault('invalid_escape_sequence', 'invalid escape string: it must be empty or one character');
  }
  if (by === '\\') return pattern;
  let result = '';
  let afterEscape = false;
  for (const character of pattern) {
    if (character === by && !afterEscape) {
      result += '\\';
      afterEscape = true;
    } else {
      result += character === '\\' && !afterEscape ? '\\\\' : character;
      afterEscape = false;
    }
  }
  return result;
}

/** The last pattern's matcher is kept: patterns are nearly always constants. */
function likeOperator(name: string, doc: string, ignoreCase: boolean, negated: boolean): FunctionEntry {
  return made(name, ['text', 'text'], 'boolean', doc, () => {
    let lastPattern: string | null = null;
    let matches: (text: string) => boolean = () => false;
    return (text: string, pattern: string) => {
      if (pattern !== lastPattern) {
        matches = likeMatcher(pattern, ignoreCase);
        lastPattern = pattern;
      }
      return matches(text) !== negated;
    };
  });
}

export const likeOperators: readonly FunctionEntry[] = [
  likeOperator('~~', '`LIKE`: `%` is any run of characters, `_` any one.', false, false),
  likeOperator('!~~', '`NOT LIKE`.', false, true),
  likeOperator('~~*', '`ILIKE`: as `LIKE`, without regard to case.', true, false),
  likeOperator('!~~*', '`NOT ILIKE`.', true, true),
  entry('like_escape', ['text', 'text'], 'text', 'What `LIKE … ESCAPE` uses.', likeEscape),
];
