// Random regular expressions, made of what PostgreSQL's syntax has and of what only looks like it, and calls that use them.
import type { Random } from './seeded-random.ts';

const pieces: readonly string[] = [
  ...[
    'a',
    'b',
    'z',
    '0',
    '1',
    '[',
    ']',
    '^',
    '$',
    '-',
    '(',
    ')',
    '(?:',
    '(?#c)',
    '|',
    '*',
    '+',
    '?',
    '{',
    '}',
    '.',
    '\\',
  ],
  ...['{2}', '{1,3}', '{,2}', '{2', '{3,1}', '{255}', '{256}', '#', ' ', ',', '/', '\\/', '&&', '~', '"', "'"],
  ...[
    '\\b',
    '\\B',
    '\\c',
    '\\cA',
    '\\e',
    '\\x41',
    '\\x',
    '\\u0041',
    '\\u00',
    '\\U00000042',
    '\\0',
    '\\07',
    '\\012',
    '\\11',
    '\\401',
    '\\78',
  ],
  ...[
    '\\s',
    '\\S',
    '\\d',
    '\\D',
    '\\w',
    '\\W',
    '\\a',
    '\\v',
    '\\q',
    '\\z',
    '\\p',
    '\\C',
    '\\_',
    '\\-',
    '\\y',
    '\\A',
    '\\Z',
  ],
  ...['[[:alpha:]]', '[:digit:]', '[[:nope:]]', '[[.a.]]', '[[=b=]]', '[a-c]', '[^b]', '[a-c-e]', '[c-a]', '[]b]'],
  ...['[\\b]', '[\\S]', '[\\d-z]', '[a\\]b]', '(a|b)', '[^a]', '[a-]', '[\\w-]'],
];
const beginnings: readonly string[] = ['***=', '***:', '(?i)', '(?x)', '(?n)', '(?p)', '(?q)', '(?ic)', '(?z)'];
const flags: readonly string[] = ['', 'g', 'i', 'n', 'p', 'w', 's', 'x', 'q', 'ic', 'gn', 'xi', 'z'];
const letters: readonly string[] = [
  'a',
  'b',
  'z',
  'A',
  'B',
  '1',
  ' ',
  '\n',
  '\\',
  '-',
  ']',
  '[',
  '{',
  '\b',
  '#',
  '^',
  's',
  '\v',
];

const several = (random: Random, max: number, from: readonly string[]): string =>
  Array.from({ length: random.below(max + 1) }, () => random.pick(from)).join('');

const quoted = (text: string): string =>
  `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')}'`;

/** No quantifier in it is non-greedy: there the two engines differ by design. */
export function randomRegexCall(random: Random): string {
  const pattern = (random.below(9) === 0 ? random.pick(beginnings) : '') + several(random, 5, pieces);
  const [text, regex] = [quoted(several(random, 6, letters)), quoted(pattern.replaceAll(/([*+?}])\?/g, '$1'))];
  return random.below(3) === 0
    ? `regexp_replace(${text}, ${regex}, 'X', '${random.pick(flags)}')`
    : `regexp_match(${text}, ${regex})::text`;
}

const similarPieces: readonly string[] = [
  ...[
    'a',
    'b',
    '%',
    '_',
    '|',
    '*',
    '+',
    '?',
    '{2}',
    '{1,2}',
    '(',
    ')',
    '(a|b)',
    '[ab]',
    '[^a]',
    '[a-c]',
    '\\%',
    '\\\\',
  ],
  ...['.', '^', '$', '[', ']', '#', '#%', '#"', '[[:digit:]]', '1', '\\"', '-', '[^]a]', '[]a]', '[\\d]'],
];

export function randomSimilarCall(random: Random): string {
  const [text, pattern] = [quoted(several(random, 6, letters)), quoted(several(random, 5, similarPieces))];
  const ending = random.pick(['', " ESCAPE '#'", " ESCAPE ''"]);
  return random.below(3) === 0 ? `similar_to_escape(${pattern}, '#')` : `${text} SIMILAR TO ${pattern}${ending}`;
}
