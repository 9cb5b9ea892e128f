// What the pages tell people to type is there: commands and options of `millrace`, and the scripts of npm.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type Command, Option } from 'commander';
import { buildProgram } from '#cli/program.ts';

const root = join(import.meta.dirname, '../..');
const pages = ['README.md', 'CONTRIBUTING.md', ...['docs', 'examples'].flatMap(pagesUnder)];

function pagesUnder(folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.md') && !name.startsWith('decisions'))
    .map((name) => join(folder, name));
}

interface Typed {
  readonly page: string;
  readonly line: string;
}

/** In backquotes, and the lines of blocks: each from its first word on, up to what a shell would take for itself. */
const typed = (first: RegExp): readonly Typed[] =>
  pages.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const blocks = [...text.matchAll(/^```\w*\n(.*?)^```/gms)].flatMap(([, block]) => block!.split('\n'));
    const inline = [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
    return [...blocks, ...inline]
      .map((line) => line.replace(/^\s*(\$ )?(npx )?/, '').split(/ [|#&>;─]| {2}/)[0]!)
      .filter((line) => first.test(line))
      .map((line) => ({ page, line: line.replaceAll(/\s+/g, ' ') }));
  });

/** Null where all of it is there, and no more than it takes. */
function whatIsMissing(program: Command, line: string): string | null {
  const words = wordsOf(line);
  let command = program;
  let taken = 0;
  for (let at = 1; at < words.length; at++) {
    const word = words[at]!;
    const below = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (below !== undefined) command = below;
    else if (command.commands.length > 0 && /^[a-z]/.test(word)) return `no command ${word}`;
    else if (/^--?[a-z]/.test(word)) {
      const option = optionOf(command, word.replace(/=.*/, ''));
      if (option === undefined) return `no option ${word}`;
      const hasValue = option.required || (option.optional && !words[at + 1]?.startsWith('-'));
      if (hasValue && !word.includes('=')) at++;
    } else if (word !== '…') taken++;
  }
  const takes = command.registeredArguments;
  const isTooMuch = taken > takes.length && !takes.some(({ variadic }) => variadic);
  return isTooMuch ? `takes ${takes.length} words, got ${taken}` : null;
}

/** What stands in quotes is one; brackets say that it may be left out, and an ellipsis what a person would write there. */
const wordsOf = (line: string): readonly string[] =>
  (line.match(/'[^']*'|"[^"]*"|\S+/g) ?? [])
    .map((word) => word.replaceAll(/^\[+|\]+$/g, ''))
    .filter((word) => word !== 'options');

const help = new Option('-h, --help');
const optionOf = (command: Command, flag: string): Option | undefined =>
  [help, ...command.options].find(({ long, short }) => long === flag || short === flag);

test('each command of millrace that a page names is there, with its options', () => {
  const program = buildProgram();
  const named = typed(/^millrace [a-z]/);
  expect(named.length).toBeGreaterThan(100);
  const wrong = named.flatMap(({ page, line }) => {
    const missing = whatIsMissing(program, line);
    return missing === null ? [] : [`${page}: ${line}: ${missing}`];
  });
  expect(wrong).toEqual([]);
});

test('each script of npm that a page names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const named = typed(/^npm run [a-z]/).map(({ page, line }) => ({
    page,
    script: line.replace(/ -s/, '').split(' ')[2]!,
  }));
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
});
