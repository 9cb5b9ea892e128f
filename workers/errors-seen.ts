// The latest distinct errors of a worker, for its heartbeat: counted by code, newest first, bounded.
import type { WorkerError } from '#core/job/heartbeat.ts';
import { limits } from '#core/limits.ts';
import type { Logger } from '#core/ports/logger.ts';

/** A message is cut: a heartbeat is a small item. */
const messageCharsMax = 500;
/** The same error is logged again only after this long. */
const logAgainMs = 60_000;

interface Seen {
  readonly error: WorkerError;
  /** Until then, by the wall clock, nothing is tried that could succeed. */
  readonly standsUntil: number;
  readonly loggedAt: number;
}

export class ErrorsSeen {
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #seen = new Map<string, Seen>();

  constructor(log: Logger, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** `pauseMs`: before it is tried again. An error is as new as the pause that it causes: nothing can get over it meanwhile. */
  note(code: string, message: string, pauseMs = 0): void {
    const at = this.#now();
    const before = this.#seen.get(code);
    const error: WorkerError = {
      at,
      code,
      message: message.slice(0, messageCharsMax),
      count: (before?.error.count ?? 0) + 1,
    };
    const isNews = before === undefined || at - before.loggedAt >= logAgainMs;
    if (isNews) this.#log.warn(message, { code, count: error.count });
    this.#seen.delete(code);
    this.#seen.set(code, { error, standsUntil: at + pauseMs, loggedAt: isNews ? at : before.loggedAt });
    if (this.#seen.size > limits.heartbeatErrorsMax) this.#seen.delete(this.#seen.keys().next().value!);
  }

  latest(): WorkerError[] {
    const now = this.#now();
    return [...this.#seen.values()]
      .map(({ error, standsUntil }) => ({ ...error, at: Math.max(error.at, Math.min(now, standsUntil)) }))
      .reverse();
  }
}

/** As if one had seen them all. */
export function mergeErrors(lists: readonly (readonly WorkerError[])[]): readonly WorkerError[] {
  const merged = new Map<string, WorkerError>();
  for (const error of lists.flat().sort((a, b) => a.at - b.at)) {
    const count = (merged.get(error.code)?.count ?? 0) + error.count;
    merged.delete(error.code);
    merged.set(error.code, { ...error, count });
  }
  return [...merged.values()].reverse().slice(0, limits.heartbeatErrorsMax);
}
