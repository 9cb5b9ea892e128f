// Which worker of a job owns which split: even, and with as few moves as evenness allows.

/**
 * Gives split → worker. Worker loads differ by at most one; no assignment that is as even moves fewer splits away from
 * the workers that have them in `current`. The same input gives the same answer, whatever its order. No workers: nothing
 * is assigned.
 */
export function assignSplits(
  splits: readonly string[],
  workers: readonly string[],
  current: Readonly<Record<string, string>>,
): Record<string, string> {
  const sorted = [...new Set(splits)].sort();
  const held = new Map<string, string[]>([...new Set(workers)].sort().map((worker) => [worker, []]));
  if (held.size === 0) return {};
  const free: string[] = [];
  for (const split of sorted) (ownerOf(current, split, held) ?? free).push(split);

  // Who has most keeps most: the workers that may own one more than the others are those that own the most now.
  const byLoad = [...held.entries()].sort(([, a], [, b]) => b.length - a.length);
  const base = Math.floor(sorted.length / byLoad.length);
  const oneMoreCount = sorted.length % byLoad.length;
  const quotas = byLoad.map(([worker, owned], rank) => ({
    worker,
    owned,
    quota: base + (rank < oneMoreCount ? 1 : 0),
  }));
  for (const { owned, quota } of quotas) free.push(...owned.splice(quota));
  for (const { owned, quota } of quotas) owned.push(...free.splice(0, quota - owned.length));

  const pairs = quotas.flatMap(({ worker, owned }) => owned.map((split) => [split, worker] as const));
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function ownerOf(
  current: Readonly<Record<string, string>>,
  split: string,
  held: ReadonlyMap<string, string[]>,
): string[] | undefined {
  const worker = Object.hasOwn(current, split) ? current[split] : undefined;
  return worker === undefined ? undefined : held.get(worker);
}
