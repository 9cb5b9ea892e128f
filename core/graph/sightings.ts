// Whether somebody else is still there, judged by our own monotonic clock alone: a counter of theirs that stands still.

export interface Sighting {
  readonly counter: number;
  /** When the counter was first seen at this value, on the observer's monotonic clock. */
  readonly sinceMs: number;
}

export type Sightings = ReadonlyMap<string, Sighting>;

/** Names that are not in `counters` any more are forgotten. */
export function sight(before: Sightings, counters: Iterable<readonly [string, number]>, nowMs: number): Sightings {
  const after = new Map<string, Sighting>();
  for (const [name, counter] of counters) {
    const seen = before.get(name);
    after.set(name, seen?.counter === counter ? seen : { counter, sinceMs: nowMs });
  }
  return after;
}

/** Its counter stood still for a whole lease while we watched: it has stopped by itself before that. */
export function isSilent(sightings: Sightings, name: string, nowMs: number, leaseMs: number): boolean {
  const seen = sightings.get(name);
  return seen !== undefined && nowMs - seen.sinceMs >= leaseMs;
}
