// Free TCP ports on the loopback interface.
import { createServer } from 'node:net';
import { PlatformError } from '#core/errors.ts';

export const loopback = '127.0.0.1';

/**
 * Below the ranges that systems take outgoing ports from (Linux 32768, macOS 49152): a client that keeps knocking at a
 * server which is down must not get that server's port as its own and so talk to itself.
 */
const lowestPort = 20_000;
const portCount = 12_000;
const attemptsMax = 200;

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: loopback, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** As many different free ports as asked for, none of those in `taken`. */
export async function freePorts(count: number, taken: readonly number[] = []): Promise<number[]> {
  const found: number[] = [];
  for (let attempt = 0; attempt < attemptsMax * count && found.length < count; attempt++) {
    const port = lowestPort + Math.floor(Math.random() * portCount);
    if (!found.includes(port) && !taken.includes(port) && (await isFree(port))) found.push(port);
  }
  if (found.length === count) return found;
  throw new PlatformError(
    'no-free-port',
    `only ${found.length} of ${count} free ports were found from ${lowestPort} to ${lowestPort + portCount - 1} on ` +
      `${loopback}; end what listens there, or name ports by flags`,
    { fault: 'external', retry: 'retry' },
  );
}
