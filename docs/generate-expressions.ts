// Writes docs/reference/expressions.md: the hand-written part from expressions.intro.md, the tables from the function table.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FunctionEntry } from '#core/expression/functions/entry.ts';
import { functionGroups } from '#core/expression/functions/table.ts';

const folder = join(import.meta.dirname, 'reference');

export function expressionReference(): string {
  const intro = readFileSync(join(folder, 'expressions.intro.md'), 'utf8');
  const tables = functionGroups.map(({ title, entries }) => `### ${title}\n\n${table(entries)}\n`);
  return `${intro}\n${tables.join('\n')}`;
}

/** One line for each name and description: the types it takes share it. */
function table(entries: readonly FunctionEntry[]): string {
  const rows = new Map<string, { name: string; doc: string; shapes: string[] }>();
  for (const entry of entries) {
    const key = `${entry.name}\0${entry.doc}`;
    const line = rows.get(key) ?? { name: entry.name, doc: entry.doc, shapes: [] };
    line.shapes.push(`${entry.arguments.join(', ')} → ${entry.result}`);
    rows.set(key, line);
  }
  const lines = [...rows.values()].map(
    ({ name, doc, shapes }) => `| \`${cell(name)}\` | ${cell(shapes.join('; '))} | ${cell(doc)} |`,
  );
  return ['| name | types | what it gives |', '|---|---|---|', ...lines].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(join(folder, 'expressions.md'), expressionReference());
  process.stdout.write('docs/reference/expressions.md written\n');
}
