// With what code a worker's process ends, and what each means: a closed table, read by people and by the runtime.

export const exitCodes = {
  /** Told to end, and ended in order: everything flushed, committed and released. */
  ended: 0,
  /** No goal, not one that this worker understands, or a missing setting. Starting it again does not help. */
  badGoal: 64,
  /** Declared dead, or not able to renew its lease in time: another worker may own its splits now. */
  fenced: 65,
  /** There was something to read, nothing outside refused, and no position moved (core/health/progress.ts). */
  noProgress: 66,
  /** Told to end while it stood before a record that the route's policy stops at. What stands before it is committed. */
  stuck: 67,
  /** Told to end, but the sink did not acknowledge in time: the rest is read again by the next owner. */
  drainTimeout: 68,
  /** A system that it needs in order to start could not be reached. */
  unavailable: 69,
  /** A bug: an error that nobody expected. */
  internal: 70,
} as const;

/**
 * Ends that the worker's goal or program is to blame for, none outside: no goal that it understands, no progress, a bug, what
 * Node ends with after an uncaught error (1) or where its heap is full (134).
 */
export const ownFaults: readonly number[] = [exitCodes.badGoal, exitCodes.noProgress, exitCodes.internal, ...[1, 134]];

/** For an event: what a worker means by the code that it ended with. */
const meanings: Readonly<Record<number, string>> = {
  [exitCodes.badGoal]: 'it has no goal that it understands',
  [exitCodes.fenced]:
    'none of its heartbeats was accepted within its lease, or it was declared dead: the tables or the machine were too slow',
  [exitCodes.noProgress]: 'it got nowhere, although events waited and nothing refused',
  [exitCodes.unavailable]: 'something that it needs to start did not answer',
  [exitCodes.internal]: 'an error of its own that nobody expected',
};

export const exitMeaning = (code: number): string => `exit code ${code}${meanings[code] ? `, ${meanings[code]}` : ''}`;

export type ExitName = keyof typeof exitCodes;
export type ExitCode = (typeof exitCodes)[ExitName];
