// The latest distinct errors of a worker, for its heartbeat: counted by code, newest first, bounded.
import type { WorkerError } from '#core/job/heartbeat.ts';
import { limits } from '#core/limits.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Logger } from '#core/ports/logger.ts';

/** A message is cut: a heartbeat is a small item. */
const messageCharsMax = 500;
/** The same error is logged again only after this long. */
const logAgainMs = 60_000;

interface Seen {
  readonly error: Omit<WorkerError, 'at'>;
  /** Until then nothing is tried that could succeed; by the monotonic clock: a wall clock that is set since makes no error newer or older. */
  readonly standsUntilMs: number;
  readonly loggedMs: number;
}

export class ErrorsSeen {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** `pauseMs`: before it is tried again. An error is as new as the pause that it causes: nothing can get over it meanwhile. */
  note(code: string, message: string, pauseMs = 0): void {
    const notedMs = this.#clock.monotonicMs();
    const before = this.#seen.get(code);
    const error = { code, message: message.slice(0, messageCharsMax), count: (before?.error.count ?? 0) + 1 };
    const isNews = before === undefined || notedMs - before.loggedMs >= logAgainMs;
    if (isNews) this.#log.warn(message, { code, count: error.count });
    this.#seen.delete(code);
    const loggedMs = isNews ? notedMs : before.loggedMs;
    this.#seen.set(code, { error, standsUntilMs: notedMs + pauseMs, loggedMs });
    if (this.#seen.size > limits.heartbeatErrorsMax) this.#seen.delete(this.#seen.keys().next().value!);
  }

  /** Each with when it was seen, by the wall clock as it is now. */
  latest(): WorkerError[] {
    const [now, nowMs] = [this.#clock.now(), this.#clock.monotonicMs()];
    return [...this.#seen.values()]
      .map(({ error, standsUntilMs }) => ({ ...error, at: now - Math.max(0, Math.round(nowMs - standsUntilMs)) }))
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
