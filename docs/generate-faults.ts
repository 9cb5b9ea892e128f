// Writes docs/reference/faults.md: every fault of the catalogue with the tests that name its number, or that there is none yet.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultCatalogue } from './fault-catalogue.ts';

const root = join(import.meta.dirname, '..');
const file = join(import.meta.dirname, 'reference/faults.md');

const intro = `# Faults and their tests
The faults that the platform is built to meet, numbered. A test that covers one says so in its name: \`[fault 17]\`. This page is made from those
names (\`node docs/generate-faults.ts\`); a fault without a test is named as such. What must hold in each case: [reliability](../reliability.md).
`;

/** By number: the files whose tests name it. */
export function testsByFault(): ReadonlyMap<number, readonly string[]> {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'test'], { cwd: root });
  const tests = listed
    .toString()
    .split('\n')
    .filter((path) => /\.(test|contract)\.ts$/.test(path) && path !== 'test/docs/faults.test.ts');
  const found = new Map<number, Set<string>>();
  for (const path of tests)
    for (const [, number] of readFileSync(join(root, path), 'utf8').matchAll(/\[fault (\d+)\]/g))
      found.set(Number(number), (found.get(Number(number)) ?? new Set()).add(path));
  return new Map([...found].map(([number, paths]) => [number, [...paths].sort()]));
}

export function faultReference(): string {
  const tests = testsByFault();
  const sections = faultCatalogue.map(({ letter, title, first, faults }) => {
    const covered = faults.filter((_, index) => tests.has(first + index)).length;
    const rows = faults.map((fault, index) => {
      const paths = tests.get(first + index) ?? [];
      const where = paths.map((path) => `[${path.replace(/^test\//, '')}](../../${path})`).join(', ');
      return `| ${first + index} | ${fault} | ${where || 'no test yet'} |`;
    });
    return [
      `## ${letter}. ${title} (${covered} of ${faults.length})`,
      '| | fault | test |',
      '|---|---|---|',
      ...rows,
    ].join('\n');
  });
  const total = faultCatalogue.reduce((sum, { faults }) => sum + faults.length, 0);
  return `${intro}\n${tests.size} of ${total} have a test that names them.\n\n${sections.join('\n\n')}\n`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(file, faultReference());
  process.stdout.write('docs/reference/faults.md written\n');
}
