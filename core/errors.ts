// Thrown errors: whose fault it is, and whether to try again. Expected outcomes are return values, not errors.

export type Fault = 'user' | 'external' | 'internal';
export type Retry = 'retry' | 'no-retry';

/**
 * An error that says who has to act: `user` (what was asked cannot be done), `external` (a system that we use fails),
 * `internal` (a bug of ours). `code` is from a closed list of its origin, kebab-case.
 */
export class PlatformError extends Error {
  override readonly name = 'PlatformError';
  readonly code: string;
  readonly fault: Fault;
  readonly retry: Retry;
  constructor(code: string, message: string, facts: { fault: Fault; retry: Retry; cause?: unknown }) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause });
    this.code = code;
    this.fault = facts.fault;
    this.retry = facts.retry;
  }
}

/** The code of an error by which a system refuses a call for the rate of calls alone. */
export const throttledCode = 'throttled';

export const isPlatformError = (error: unknown): error is PlatformError => error instanceof PlatformError;

/** An unreachable or refusing system that may be back soon. */
export const unavailable = (system: string, cause: unknown): PlatformError =>
  new PlatformError(`${system}-unavailable`, `${system} cannot be reached: ${messageOf(cause)}`, {
    fault: 'external',
    retry: 'retry',
    cause,
  });

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message || error.name : String(error);
}
