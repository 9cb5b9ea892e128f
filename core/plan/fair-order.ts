// In which order targets have their turn: tenants one after the other, so that a thousand changes of one never hold up the one of another.

/** Round and round over the tenants in the order they first appear; within a tenant the order stays as it is. */
export function fairOrder<Item>(items: readonly Item[], tenantOf: (item: Item) => string): readonly Item[] {
  const queues = [...Map.groupBy(items, tenantOf).values()];
  if (queues.length <= 1) return items;
  const longest = Math.max(...queues.map(({ length }) => length));
  const turns = Array.from({ length: longest }, (_, turn) => queues.flatMap((queue) => queue.slice(turn, turn + 1)));
  return turns.flat();
}
