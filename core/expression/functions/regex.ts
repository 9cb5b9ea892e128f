// Regular expressions with RE2's guarantees: time linear in the text, so no look-around and no back references.
import { RE2JS } from 're2js';
import { EvaluationFault } from '../fault.ts';
import { checkTextSize, ofTextSize } from '../values/result-size.ts';
import type { Value } from '../values/value.ts';
import { entry, type FunctionEntry, made } from './entry.ts';
import { invalidRegex, translateRegex } from './regex-syntax.ts';
import { similarPattern } from './similar-pattern.ts';

function compilePattern(pattern: string, flags: string): RE2JS {
  const { text, options } = translateRegex(pattern, flags);
  try {
    return RE2JS.compile(text, options);
  } catch (error) {
    throw invalidRegex(pattern, error instanceof Error ? error.message : String(error));
  }
}

/** Remembers the last pattern, which is nearly always the only one. */
function remembered(): (pattern: string, flags: string) => RE2JS {
  let last: { pattern: string; flags: string; compiled: RE2JS } | null = null;
  return (pattern, flags) => {
    if (last === null || last.pattern !== pattern || last.flags !== flags) {
      last = { pattern, flags, compiled: compilePattern(pattern, flags) };
    }
    return last.compiled;
  };
}

/** Flag `g` makes no sense where one match is asked for. */
function single(flags: string): string {
  if (!flags.includes('g')) return flags;
  throw new EvaluationFault('invalid_parameter_value', 'flag "g" is not for functions that look for one match');
}

function matchOperator(name: string, doc: string, flags: string, negated: boolean): FunctionEntry {
  return made(name, ['text', 'text'], 'boolean', doc, () => {
    const compile = remembered();
    return (text: string, pattern: string) => compile(pattern, flags).matcher(text).find() !== negated;
  });
}

/** `\1`…`\9` and `\&` of PostgreSQL's replacement, applied to one match. */
function expand(replacement: string, groups: readonly (string | null)[]): string {
  let chars = replacement.length;
  return replacement.replace(/\\([1-9&\\])|\\/g, (whole, what: string | undefined) => {
    if (what === undefined) return whole;
    if (what === '\\') return '\\';
    const group = groups[what === '&' ? 0 : Number(what)] ?? '';
    chars += group.length - whole.length;
    checkTextSize(chars);
    return group;
  });
}

function replaceMatches(compiled: RE2JS, text: string, replacement: string, all: boolean): string {
  const matcher = compiled.matcher(text);
  let result = '';
  let from = 0;
  while (matcher.find()) {
    const groups: (string | null)[] = [];
    for (let group = 0; group <= matcher.groupCount(); group++) groups.push(matcher.group(group));
    result += text.slice(from, matcher.start()) + expand(replacement, groups);
    checkTextSize(result.length);
    from = matcher.end();
    if (!all) break;
  }
  return ofTextSize(result + text.slice(from));
}

function groupsOf(compiled: RE2JS, text: string): Value {
  const matcher = compiled.matcher(text);
  if (!matcher.find()) return null;
  if (matcher.groupCount() === 0) return [matcher.group(0)];
  return Array.from({ length: matcher.groupCount() }, (_, index) => matcher.group(index + 1));
}

function firstGroup(compiled: RE2JS, text: string): string | null {
  const matcher = compiled.matcher(text);
  if (!matcher.find()) return null;
  return matcher.group(matcher.groupCount() === 0 ? 0 : 1);
}

function countMatches(compiled: RE2JS, text: string): number {
  const matcher = compiled.matcher(text);
  let count = 0;
  while (matcher.find()) count++;
  return count;
}

function splitBy(compiled: RE2JS, text: string): Value {
  const matcher = compiled.matcher(text);
  const parts: string[] = [];
  let from = 0;
  while (matcher.find()) {
    const empty = matcher.end() === matcher.start();
    if (empty && (matcher.start() === 0 || matcher.start() >= text.length || matcher.start() === from)) continue;
    parts.push(text.slice(from, matcher.start()));
    from = matcher.end();
  }
  return [...parts, text.slice(from)];
}

const replaceDoc =
  'Replaces the first match, or with flag `g` all; `\\1` to `\\9` and `\\&` stand for groups and the match.';

export const regexFunctions: readonly FunctionEntry[] = [
  matchOperator('~', 'Matches the regular expression.', '', false),
  matchOperator('!~', 'Does not match the regular expression.', '', true),
  matchOperator('~*', 'Matches the regular expression without regard to case.', 'i', false),
  matchOperator('!~*', 'Does not match the regular expression without regard to case.', 'i', true),
  made('regexp_like', ['text', 'text'], 'boolean', 'Whether the regular expression matches.', () => {
    const compile = remembered();
    return (text: string, pattern: string) => compile(pattern, '').matcher(text).find();
  }),
  made(
    'regexp_like',
    ['text', 'text', 'text'],
    'boolean',
    'Whether the regular expression matches, with flags.',
    () => {
      const compile = remembered();
      return (text: string, pattern: string, flags: string) => compile(pattern, single(flags)).matcher(text).find();
    },
  ),
  made('regexp_replace', ['text', 'text', 'text'], 'text', replaceDoc, () => {
    const compile = remembered();
    return (text: string, pattern: string, by: string) => replaceMatches(compile(pattern, ''), text, by, false);
  }),
  made('regexp_replace', ['text', 'text', 'text', 'text'], 'text', replaceDoc, () => {
    const compile = remembered();
    return (text: string, pattern: string, by: string, flags: string) =>
      replaceMatches(compile(pattern, flags), text, by, flags.includes('g'));
  }),
  made(
    'regexp_match',
    ['text', 'text'],
    'text[]',
    'The groups of the first match, or the match when there are none.',
    () => {
      const compile = remembered();
      return (text: string, pattern: string) => groupsOf(compile(pattern, ''), text);
    },
  ),
  made('regexp_match', ['text', 'text', 'text'], 'text[]', 'As above, with flags.', () => {
    const compile = remembered();
    return (text: string, pattern: string, flags: string) => groupsOf(compile(pattern, single(flags)), text);
  }),
  made('regexp_count', ['text', 'text'], 'integer', 'How often the regular expression matches.', () => {
    const compile = remembered();
    return (text: string, pattern: string) => countMatches(compile(pattern, ''), text);
  }),
  made('regexp_split_to_array', ['text', 'text'], 'text[]', 'The text between matches.', () => {
    const compile = remembered();
    return (text: string, pattern: string) => splitBy(compile(pattern, ''), text);
  }),
  made(
    'substring',
    ['text', 'text'],
    'text',
    'The first group of the first match, or the match when there is no group.',
    () => {
      const compile = remembered();
      return (text: string, pattern: string) => firstGroup(compile(pattern, ''), text);
    },
  ),
  entry('similar_to_escape', ['text'], 'text', 'What `SIMILAR TO` uses.', (pattern: string) =>
    similarPattern(pattern, '\\'),
  ),
  entry(
    'similar_to_escape',
    ['text', 'text'],
    'text',
    'What `SIMILAR TO … ESCAPE` uses.',
    (pattern: string, by: string) => similarPattern(pattern, by),
  ),
];
