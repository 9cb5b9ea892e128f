// The system's clock.
import type { Clock } from '#core/ports/clock.ts';

const nanosPerMs = 1_000_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  // The same in all threads of a process; `performance.now` begins anew in each.
  monotonicMs: () => Number(process.hrtime.bigint()) / nanosPerMs,
};
