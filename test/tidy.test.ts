// Style as a test: lengths, names, first lines, forbidden words. What a formatter cannot say.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '..');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));
const sources = tracked.filter((path) => /\.(ts|mjs)$/.test(path));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const lineCharsMax = 160;
const fileLinesMax = 500;
const bannedNames = /(^|[-/.])(utils?|common|helpers?|manager|misc)([-/.]|$)/;

describe('the house is tidy', () => {
  test('every source file opens with a sentence that says what it is for', () => {
    const mute = sources.filter((path) => !/^(#!.*\n)?(\/\/|\/\*\*)\s?\S/.test(read(path)));
    expect(mute).toEqual([]);
  });

  test(`no source file is longer than ${fileLinesMax} lines`, () => {
    const long = sources.filter((path) => read(path).split('\n').length > fileLinesMax + 1);
    expect(long).toEqual([]);
  });

  test(`no source line is longer than ${lineCharsMax} characters, but for texts that cannot be broken`, () => {
    const wide = sources.flatMap((path) =>
      read(path)
        .split('\n')
        .map((line, index) => ({ line, at: `${path}:${index + 1}` }))
        .filter(({ line }) => line.length > lineCharsMax && !/['"`][^'"`]{60,}|\/\//.test(line))
        .map(({ at }) => at),
    );
    expect(wide).toEqual([]);
  });

  test('no file has a name that would take in anything', () => {
    expect(sources.filter((path) => bannedNames.test(path))).toEqual([]);
  });

  test('nothing is left to do in a comment, and no test is skipped or alone', () => {
    const marks = /\b(TODO|FIXME|XXX|HACK)\b|\b(test|describe|it)\.(only|skip)\(/;
    expect(sources.filter((path) => path !== 'test/tidy.test.ts' && marks.test(read(path)))).toEqual([]);
  });

  test('no source suppresses a tool, and none evaluates text as code', () => {
    const marks = /@ts-ignore|@ts-nocheck|@ts-expect-error|\beval\(|new Function\(|node:vm\b/;
    expect(sources.filter((path) => path !== 'test/tidy.test.ts' && marks.test(read(path)))).toEqual([]);
  });

  test('a file that several suites share names no test and no hook as it is loaded: it is loaded once for all of them', () => {
    const shared = sources.filter((path) => path.startsWith('test/') && !path.endsWith('.test.ts'));
    const marks = /^(test|it|describe|(before|after)(All|Each))\b.*\(/m;
    expect(shared.filter((path) => marks.test(read(path)))).toEqual([]);
  });

  test('every source file but an entry point is imported by somebody', () => {
    const texts = tracked
      .filter((path) => /\.(ts|mjs|json|sh|md)$|^\.ci\/run$/.test(path) && path !== 'package-lock.json')
      .map((path) => ({ path, text: read(path) }));
    const isEntry = (path: string): boolean => /\.test\.ts$|^jest\.config\.ts$/.test(path);
    const dead = sources.filter((path) => {
      const name = path.split('/').at(-1)!;
      return !isEntry(path) && !texts.some((other) => other.path !== path && other.text.includes(name));
    });
    expect(dead).toEqual([]);
  });
});
