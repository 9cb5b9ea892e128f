// The rooms and which way imports may go (docs/architecture.md): the table below, held against the code.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '..');

interface Import {
  readonly from: string;
  /** A path in the repository, or a package's or `node:` module's name. */
  readonly to: string;
  readonly typeOnly: boolean;
}

const sources = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));

function importsOf(path: string): readonly Import[] {
  const text = readFileSync(join(root, path), 'utf8');
  const statements = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/g;
  return [...text.matchAll(statements)].map((match) => {
    const specifier = match[2] ?? match[3]!;
    const to = specifier.startsWith('#')
      ? specifier.slice(1)
      : specifier.startsWith('.')
        ? normalize(join(dirname(path), specifier))
        : specifier;
    return { from: path, to, typeOnly: match[1] !== undefined };
  });
}

const all = sources.flatMap(importsOf);
const room = (path: string): string => path.split('/')[0]!;
const isComposition = (path: string): boolean => /(^|\/)(compose|stores|[a-z-]*main)\.ts$/.test(path);

const purePackages = ['zod', 'libpg-query', 're2js', '@noble/hashes', '@platformatic/wasm-utils', 'node:zlib'];

/** A library of others without a fault of it. */
const putRight = 'adapters/kafka/kafkajs.ts';

/** How long clients of AWS wait. */
const waits = 'adapters/aws/waits.ts';

/** What each room may import. The first rule of a room that fits decides. */
const allowed: Readonly<Record<string, (entry: Import) => boolean>> = {
  core: ({ to }) => room(to) === 'core' || purePackages.some((name) => to === name || to.startsWith(`${name}/`)),
  adapters: ({ from, to }) =>
    room(to) === 'core' ||
    (room(to) === 'adapters' && sameAdapter(from, to)) ||
    [putRight, waits].includes(to) ||
    isPackage(to),
  functions: ({ from, to }) =>
    ['core', 'functions'].includes(room(to)) || (room(to) === 'adapters' && isComposition(from)) || isPackage(to),
  workers: ({ from, to }) =>
    ['core', 'workers'].includes(room(to)) || (room(to) === 'adapters' && isComposition(from)) || isPackage(to),
  cli: ({ to }) =>
    ['core', 'cli'].includes(room(to)) ||
    to.startsWith('adapters/local/') ||
    // A request to a gateway that takes AWS identities is signed where it is made.
    to === 'adapters/sigv4/request-signer.ts' ||
    isPackage(to),
  infra: ({ from, to }) =>
    ['core/names.ts', 'core/limits.ts', 'adapters/local/bundle-program.ts'].includes(to) ||
    // The library that other teams' apps use checks declarations while they are synthesized, and takes its types from them.
    (from.startsWith('infra/library/') && ['core/spec/parse-document.ts', 'core/spec/declared.ts'].includes(to)) ||
    room(to) === 'infra' ||
    isPackage(to),
  docs: ({ to }) => ['core', 'cli', 'docs', 'functions'].includes(room(to)) || isPackage(to),
  examples: ({ to }) => to === 'millrace/cdk' || isPackage(to),
  bench: () => true,
  test: () => true,
  'jest.config.ts': () => true,
};

const isPackage = (to: string): boolean => to.startsWith('node:') || !existsSync(join(root, room(to)));
const sameAdapter = (from: string, to: string): boolean => from.split('/')[1] === to.split('/')[1];

/** The files of one circle, in order; empty where there is none. */
function circleIn(entries: readonly Import[]): readonly string[] {
  const importsFrom = Map.groupBy(entries, ({ from }) => from);
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): readonly string[] => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const { to } of importsFrom.get(path) ?? []) {
      const circle = visit(to, [...trail, path]);
      if (circle.length > 0) return circle;
    }
    done.add(path);
    return [];
  };
  return [...importsFrom.keys()].map((path) => visit(path, [])).find((circle) => circle.length > 0) ?? [];
}

describe('imports go one way', () => {
  test.each(Object.keys(allowed))('%s imports only what it may', (name) => {
    const wrong = all.filter((entry) => room(entry.from) === name && !allowed[name]!(entry));
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  test('there is no room that the table does not know', () => {
    expect([...new Set(sources.map(room))].filter((name) => !(name in allowed))).toEqual([]);
  });

  test('no files import each other in a circle, not even for types', () => {
    expect(circleIn(all)).toEqual([]);
    const aCircle = [...all, { from: 'core/limits.ts', to: 'core/graph/world.ts', typeOnly: true }];
    expect(circleIn(aCircle)).toContain('core/graph/world.ts');
  });

  test('only the data plane of Kafka and the adapters know a client library', () => {
    const clients = /^(kafkajs|pg|@platformatic\/kafka|@aws-sdk\/.*)$/;
    const wrong = all.filter(
      ({ from, to }) => clients.test(to) && !/^(adapters|test|bench)\/|^workers\/(kafka|sources|sinks)\//.test(from),
    );
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  test('the library of schemas is imported by its names, for as one object it comes whole into every bundle', () => {
    const whole = /^import (\{ z \}|z) from 'zod/m;
    const bundled = sources.filter((path) => ['core', 'adapters', 'functions', 'workers'].includes(room(path)));
    expect(bundled.filter((path) => whole.test(readFileSync(join(root, path), 'utf8')))).toEqual([]);
  });

  test('core knows no clock, no randomness and no environment', () => {
    const marks =
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.\w|\bsetTimeout\(|\bsetInterval\(|\bperformance\.now/;
    expect(
      sources.filter((path) => room(path) === 'core' && marks.test(readFileSync(join(root, path), 'utf8'))),
    ).toEqual([]);
  });
});
