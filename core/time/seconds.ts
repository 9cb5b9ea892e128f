// A duration as people read it.

/** Seconds, with a decimal below ten of them; a clock that runs behind gives none. */
export const seconds = (ms: number): string => `${Math.max(0, ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
