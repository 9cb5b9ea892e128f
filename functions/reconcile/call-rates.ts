// How many calls a second the runtimes take, of those that a pass may make many of at once.
import type { PacedCall, Rate } from '#functions/reconcile/pacer.ts';

export type CallRates = Readonly<Record<PacedCall, Rate>>;

/** Fargate's launch rate, and what Run, Stop and Start share (ECS request throttling quotas). */
export const ecsRates: CallRates = {
  'run-task': { perSecond: 20, burst: 100 },
  'stop-task': { perSecond: 40, burst: 100 },
};

/**
 * Processes of one machine share it, with the stores that they need: a worker's start costs some 0.7 s of a core, and one that
 * waits for a core misses its lease. Without a bound 100 that started at once on two busy cores fenced each other without end.
 */
export const localRates = (cores: number): CallRates => ({
  'run-task': { perSecond: cores / 2, burst: 8 },
  'stop-task': { perSecond: 100, burst: 100 },
});
