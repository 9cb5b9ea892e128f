// How long clients of AWS wait: for a connection, for an answer to begin, and for more of one that has begun.

const connectMsDefault = 2_000;

/**
 * Without these a client waits for ever on a service that takes the connection and says nothing. A call that runs out of
 * time throws, and the client makes it again as often as it makes any again.
 */
export const waitAtMost = (requestMs: number, connectMs: number = connectMsDefault) => ({
  connectionTimeout: connectMs,
  requestTimeout: requestMs,
  throwOnRequestTimeout: true,
  // The other is over once there are headers: a body that comes no further would be waited for without end.
  socketTimeout: requestMs,
});
