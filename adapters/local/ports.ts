// Free TCP ports on the loopback interface, each given to one program only.
import { createSocket } from 'node:dgram';
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

const claimed = new Set<number>();

/**
 * Whether a free port is ours from now on. Between the draw of a port and its use pass seconds, in which another platform may draw
 * too: a claim is the UDP port of the same number, which is bound for as long as this process lives, and which the system gives to one
 * process only. Who claims one port twice is refused as well.
 */
export async function claimPort(port: number): Promise<boolean> {
  if (claimed.has(port)) return false;
  claimed.add(port);
  if ((await isFree(port)) && (await bindsDatagrams(port))) return true;
  claimed.delete(port);
  return false;
}

/** The same for a port that this process may have claimed before. */
export const claimAgain = (port: number): Promise<boolean> => (claimed.has(port) ? isFree(port) : claimPort(port));

function bindsDatagrams(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind({ port, address: loopback, exclusive: true }, () => {
      socket.unref();
      resolve(true);
    });
  });
}

/** As many different free ports as asked for, none of those in `taken`; no other draw finds them while this process lives. */
export async function freePorts(count: number, taken: readonly number[] = []): Promise<number[]> {
  const found: number[] = [];
  for (let attempt = 0; attempt < attemptsMax * count && found.length < count; attempt++) {
    const port = lowestPort + Math.floor(Math.random() * portCount);
    if (!taken.includes(port) && (await claimPort(port))) found.push(port);
  }
  if (found.length === count) return found;
  throw new PlatformError(
    'no-free-port',
    `only ${found.length} of ${count} free ports were found from ${lowestPort} to ${lowestPort + portCount - 1} on ` +
      `${loopback}; end what listens there, or name ports by flags`,
    { fault: 'external', retry: 'retry' },
  );
}
