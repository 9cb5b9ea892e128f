// Writes docs/reference/faults.md: every fault of the catalogue with the tests that name its number, or why there is none; and the summary in docs/reliability.md.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FaultSection, faultCatalogue, untestedBecause, whatOf } from './fault-catalogue.ts';

const root = join(import.meta.dirname, '..');
const file = join(import.meta.dirname, 'reference/faults.md');
const guide = join(import.meta.dirname, 'reliability.md');

const intro = `# Faults and their tests
The faults that the platform is built to meet, numbered. A test that covers one says so in its name: \`[fault 17]\`. This page is made from those
names (\`node docs/generate-faults.ts\`); a fault without a test says why. What must hold in each case: [reliability](../reliability.md).
`;

/** By number: the files whose tests name it. */
export function testsByFault(): ReadonlyMap<number, readonly string[]> {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'test'], { cwd: root });
  const tests = listed
    .toString()
    .split('\n')
    .filter((path) => /\.(test|suite|contract)\.ts$/.test(path) && path !== 'test/docs/faults.test.ts');
  const found = new Map<number, Set<string>>();
  for (const path of tests)
    for (const [, number] of readFileSync(join(root, path), 'utf8').matchAll(/\[fault (\d+)\]/g))
      found.set(Number(number), (found.get(Number(number)) ?? new Set()).add(path));
  return new Map([...found].map(([number, paths]) => [number, [...paths].sort()]));
}

interface Coverage {
  readonly tested: number;
  /** No test, and a reason. */
  readonly explained: number;
  /** Neither. */
  readonly open: number;
}

function coverageOf({ first, faults }: FaultSection, tests: ReadonlyMap<number, readonly string[]>): Coverage {
  const untested = faults.filter((_, index) => !tests.has(first + index));
  const explained = untested.filter((fault) => untestedBecause(fault) !== null).length;
  return { tested: faults.length - untested.length, explained, open: untested.length - explained };
}

export function faultReference(): string {
  const tests = testsByFault();
  const sections = faultCatalogue.map((section) => {
    const { letter, title, first, faults } = section;
    const rows = faults.map((fault, index) => {
      const paths = tests.get(first + index) ?? [];
      const where = paths.map((path) => `[${path.replace(/^test\//, '')}](../../${path})`).join(', ');
      const reason = untestedBecause(fault);
      return `| ${first + index} | ${whatOf(fault)} | ${where || (reason === null ? 'no test yet' : `no test: ${reason}`)} |`;
    });
    return [
      `## ${letter}. ${title} (${coverageOf(section, tests).tested} of ${faults.length})`,
      '| | fault | test |',
      '|---|---|---|',
      ...rows,
    ].join('\n');
  });
  const total = faultCatalogue.reduce((sum, { faults }) => sum + faults.length, 0);
  return `${intro}\n${tests.size} of ${total} have a test that names them.\n\n${sections.join('\n\n')}\n`;
}

/** Each section's row of the summary. */
function coverageTable(): string {
  const tests = testsByFault();
  const rows = faultCatalogue.map((section) => {
    const { tested, explained, open } = coverageOf(section, tests);
    const { letter, title, faults } = section;
    return `| ${letter}. ${title} | ${faults.length} | ${tested} | ${explained} | ${open} |`;
  });
  return ['| section | faults | with a test | none, and why | none yet |', '|---|---|---|---|---|', ...rows].join('\n');
}

const marks = { begin: '<!-- faults: node docs/generate-faults.ts -->', end: '<!-- end -->' };

/** The guide with its summary as the tests are now. */
export function guideWithCoverage(): string {
  const text = readFileSync(guide, 'utf8');
  const begin = text.indexOf(marks.begin);
  const end = text.indexOf(marks.end, begin);
  if (begin < 0 || end < 0)
    throw new Error(`docs/reliability.md has no place for the summary: ${marks.begin} … ${marks.end}`);
  return `${text.slice(0, begin)}${marks.begin}\n${coverageTable()}\n${text.slice(end)}`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(file, faultReference());
  writeFileSync(guide, guideWithCoverage());
  process.stdout.write('docs/reference/faults.md and the summary in docs/reliability.md written\n');
}
