// One request to a store of this machine, given up where no answer comes in its time: a store that hangs accepts and says nothing.

/** As a start waits for one answer of a part. */
export const answersWithinMs = 10_000;

/** The client is ended in any case, and with it the request. */
export async function askOnce(
  client: { destroy(): void },
  send: (signal: AbortSignal) => Promise<unknown>,
  withinMs = answersWithinMs,
): Promise<void> {
  const given = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`no answer within ${withinMs} ms`));
    given.abort();
  }, withinMs);
  try {
    await Promise.race([send(given.signal), late]);
  } finally {
    clearTimeout(timer);
    client.destroy();
  }
}
