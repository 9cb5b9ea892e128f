// A bundle in parts: what is loaded when it is asked for shows the names that it is asked for, which no type and no run from source would tell.
import { expect, test } from '@jest/globals';
import { bundleInParts } from '#adapters/local/bundle-program.ts';
import { functionEntries } from '#infra/programs.ts';

/**
 * `const { a, b: c } = await import("./part-X.mjs")`; `const all = await import(…)` with `all.a` behind it; `(await import(…)).a`;
 * `import(…).then(({ a }) => …)`.
 */
const taken = /const \{([^}]*)\} = await import\("\.\/(part-[^"]+)"\)/g;
const one = /\(await import\("\.\/(part-[^"]+)"\)\)\.(\w+)/g;
const then = /import\("\.\/(part-[^"]+)"\)\.then\(\(\{([^}]*)\}\)/g;
const whole = /const (\w+) = await import\("\.\/(part-[^"]+)"\);/g;

const namesIn = (list: string): readonly string[] =>
  list
    .split(',')
    .map((name) => name.trim().split(/\s*:\s*|\s+as\s+/)[0]!)
    .filter((name) => name !== '');

function exportsOf(text: string): ReadonlySet<string> {
  const lists = [...text.matchAll(/export \{([^}]*)\}/g)].flatMap(([, list]) =>
    list!.split(',').map(
      (name) =>
        name
          .trim()
          .split(/\s+as\s+/)
          .at(-1)!,
    ),
  );
  return new Set(/export default/.test(text) ? [...lists, 'default'] : lists);
}

/** What stands in the block after the import; `default ??` takes either way. */
function readOf(name: string, text: string): readonly string[] {
  if (text.includes(`${name}.default ??`)) return ['default'];
  return [...text.matchAll(new RegExp(`\\b${name}\\.(\\w+)`, 'g'))].map(([, member]) => member!);
}

test.each([...Object.values(functionEntries), 'workers/main.ts', 'cli/main.ts'])(
  'every part of %s shows what is taken from it',
  async (entry) => {
    const { files } = await bundleInParts(entry);
    const textOf = new Map(files.map(({ name, text }) => [name, text]));
    const lacking = files.flatMap(({ name, text }) => {
      const wishes = [
        ...[...text.matchAll(taken)].map(([, list, part]) => [part!, namesIn(list!)] as const),
        ...[...text.matchAll(one)].map(([, part, name]) => [part!, [name!]] as const),
        ...[...text.matchAll(then)].map(([, part, list]) => [part!, namesIn(list!)] as const),
        ...[...text.matchAll(whole)].map(
          (match) => [match[2]!, readOf(match[1]!, text.slice(match.index, match.index + 2_000))] as const,
        ),
      ];
      return wishes.flatMap(([part, names]) => {
        const shown = exportsOf(textOf.get(part)!);
        return names.filter((asked) => !shown.has(asked)).map((asked) => `${name} takes ${asked} from ${part}`);
      });
    });
    expect(lacking).toEqual([]);
  },
);
