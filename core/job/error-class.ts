// Why a record could not be delivered, in six words: as dead letters bear them, and as those who look for dead letters say them.

/**
 * poison: it is no event, or the route's expressions cannot take it. schema: it does not fit what the stream declares. too-large:
 * the sink takes nothing of that size. rejected: the sink answered that it will never take it. retryable, throttled: the sink
 * might take it, and was tried for as long as the route waits.
 */
export const errorClasses = ['poison', 'schema', 'too-large', 'rejected', 'retryable', 'throttled'] as const;
export type ErrorClass = (typeof errorClasses)[number];
