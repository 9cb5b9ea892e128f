// Declarations from files: which documents there are, in which order they go, and where in the file a problem is.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { inApplyOrder } from '#cli/declare/apply-documents.ts';
import { loadDocuments, readDocuments, titleOf } from '#cli/input/documents.ts';
import { formatProblem } from '#cli/print/problems.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-documents-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = `# two declarations
kind: Stream
metadata: { name: events }
spec:
  partitions: 0
---
kind: Route
metadata:
  name: plays
spec:
  from: events
  where: type = 'play' AND contry = 'us'
  select: |
    id,
    upper(contry) AS cc
  to:
    - name: out
      stream: "plays"
      where.to: x
`;

describe('documents of a file', () => {
  const [stream, route] = readDocuments('a.yaml', file);

  test('are found with their kinds and names', () => {
    expect([stream, route].map((one) => titleOf(one!))).toEqual(['Stream events', 'Route plays']);
  });

  test.each([
    ['a value', 'spec.from', {}, 11, 'from: events', 9],
    ['an element of a list', 'spec.to[0].stream', {}, 18, 'stream: "plays"', 15],
    ['a key with a dot', 'spec.to[0].where.to', {}, 19, 'where.to: x', 17],
    ['the parent of what is missing', 'spec.to[0].key', {}, 17, '- name: out', 7],
    ['a place inside an expression', 'spec.where', { line: 1, column: 19 }, 12, 'where:', 28],
    ['a place in a block of several lines', 'spec.select', { line: 2, column: 7 }, 15, 'upper(contry)', 11],
  ])('%s is found in the file', (_, path, at, line, text, column) => {
    const position = route!.locate({ path, message: 'got something', ...at });
    expect({ line: position.line, column: position.column }).toEqual({ line, column });
    expect(position.text).toContain(text);
  });

  test('a field that should not be there is found by its key', () => {
    expect(route!.locate({ path: 'spec.from', message: 'unknown field' })).toMatchObject({ line: 11, column: 3 });
  });

  test.each([
    ['folded over lines', 'where: country = 1 AND\n    tpe = 2', 1, 17, 2, 5],
    ['in single quotes', "where: 'a = ''x'' AND tpe = 2'", 1, 13, 1, 23],
    ['in double quotes', 'where: "a = 1 AND tpe = 2"', 1, 11, 1, 19],
    ['in a folded block', 'where: >-\n    a = 1\n    AND tpe = 2', 1, 11, 3, 9],
    ['in a block after an empty line', 'where: |\n    a = 1\n\n    AND tpe = 2', 3, 5, 4, 9],
  ])('an expression %s is followed to its fault', (_, text, line, column, fileLine, fileColumn) => {
    const [one] = readDocuments('e.yaml', text);
    const position = one!.locate({ path: 'where', message: '', line, column });
    expect({ line: position.line, column: position.column }).toEqual({ line: fileLine, column: fileColumn });
    expect(position.text.slice(position.column - 1, position.column + 2)).toBe('tpe');
  });

  test('a problem is shown with its line and a caret under the fault', () => {
    const problem = { path: 'spec.where', message: 'no column "contry"', fix: 'country', line: 1, column: 19 };
    expect(formatProblem({ ...problem, document: 'Route plays' }, route!.locate(problem))).toBe(
      [
        '  a.yaml:12:28 Route plays spec.where',
        '    no column "contry"',
        "    12 |   where: type = 'play' AND contry = 'us'",
        '       |                            ^',
        '    fix: country',
      ].join('\n'),
    );
  });

  test('a long line is cut around the fault', () => {
    const [one] = readDocuments('b.yaml', `spec: { where: "${'a = 1 AND '.repeat(60)}contry = 2" }\n`);
    const shown = formatProblem(
      { path: '', message: 'x' },
      one!.locate({ path: 'spec.where', message: '', line: 1, column: 601 }),
    );
    const [line, caret] = shown.split('\n').slice(-2);
    expect(line!.length).toBeLessThan(120);
    expect(line!.slice(caret!.indexOf('^'), caret!.indexOf('^') + 6)).toBe('contry');
  });
});

describe('files, folders and mistakes', () => {
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  test('of a folder, its YAML and JSON files are read by name', async () => {
    write('2.json', '{"kind":"Route","metadata":{"name":"b"}}');
    write('1.yaml', 'kind: Stream\nmetadata: { name: a }\n---\n---\n# nothing\n');
    write('notes.md', 'kind: Stream');
    expect((await loadDocuments([folder])).map(titleOf)).toEqual(['Stream a', 'Route b']);
  });

  test('the same name twice is refused with both files', async () => {
    const again = write('twin.txt', 'kind: Route\nmetadata: { name: b }\n');
    await expect(loadDocuments([folder, again])).rejects.toThrow(
      /Route b is declared twice: in .*2\.json and in .*twin\.txt/,
    );
  });

  test('what is no YAML is told with its place', () => {
    const broken = (): unknown => readDocuments('c.yaml', 'kind: Stream\nspec: [1, 2\nname: x\n');
    expect(broken).toThrow(/c\.yaml is no valid YAML/);
  });

  test('a small file cannot grow huge through aliases', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++)
      lines.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(() => readDocuments('d.yaml', lines.join('\n'))).toThrow(/alias/i);
  });
});

describe('the order of an apply', () => {
  test('is streams first, then routes after those that feed them, and survives a cycle', () => {
    const route = (name: string, from: string, to: string): string =>
      JSON.stringify({ kind: 'Route', metadata: { name }, spec: { from, to: [{ name: 'out', stream: to }] } });
    const documents = [
      route('third', 'b', 'c'),
      route('second', 'a', 'b'),
      '{"kind":"Stream","metadata":{"name":"a"}}',
      route('round', 'c', 'c'),
    ];
    const ordered = inApplyOrder(documents.flatMap((text, index) => readDocuments(`${index}.json`, text)));
    expect(ordered.map(titleOf)).toEqual(['Stream a', 'Route second', 'Route third', 'Route round']);
  });
});
