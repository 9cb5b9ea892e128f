// Text tables: columns as wide as their widest cell, headings in capitals, nothing to strip for a script.
import { oneLine } from '#cli/terminal.ts';

export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'right';
}

const cellCharsMax = 80;

/** Rows with a heading line; the last column is not padded. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map((column) => column.heading.toUpperCase()),
    ...rows.map((row) => columns.map((column) => oneLine(column.cell(row), cellCharsMax) || '-')),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => width(line[index]!))));
  const pad = (text: string, index: number): string => {
    const space = ' '.repeat(widths[index]! - width(text));
    if (columns[index]!.align === 'right') return space + text;
    return index === columns.length - 1 ? text : text + space;
  };
  return lines.map((line) => `${line.map(pad).join('  ')}\n`).join('');
}

/** Aligned `name: value` lines; entries whose value is empty are left out. */
export function formatFacts(facts: readonly (readonly [string, string])[], indent = ''): string {
  const shown = facts.filter(([, value]) => value !== '');
  const longest = Math.max(0, ...shown.map(([name]) => name.length));
  return shown
    .map(([name, value]) => `${indent}${`${name}:`.padEnd(longest + 1)}  ${value.replaceAll('\n', `\n${indent}  `)}\n`)
    .join('');
}

const width = (text: string): number => [...text].length;
