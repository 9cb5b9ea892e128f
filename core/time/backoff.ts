// Waits between attempts: twice as long each time up to a bound, spread by chance so that many do not try at once.

export interface BackoffBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/** The wait after the `failureCount`th failure in a row (1, 2, …); `chance` in [0, 1) spreads it over its upper half. */
export function backoffMs(failureCount: number, { minMs, maxMs }: BackoffBounds, chance: number): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(Math.max(failureCount - 1, 0), 52));
  return full / 2 + (full / 2) * chance;
}
