// Which ports a platform gets: those it was told, those it had before, or free ones.
import { PlatformError } from '#core/errors.ts';
import { type Ports, portNames } from './platform-file.ts';
import { claimPort, freePorts, isFree } from './ports.ts';

/** A port that was asked for must be free; one of the last start is given up, with a word, where it is taken now. */
export async function choosePorts(
  asked: Partial<Ports>,
  before: Partial<Ports>,
  tell: (line: string) => void,
): Promise<Ports> {
  const kept: Partial<Record<keyof Ports, number>> = {};
  for (const name of portNames) {
    const port = asked[name] ?? before[name];
    if (port === undefined) continue;
    if (await isFree(port)) {
      kept[name] = port;
      // So that nobody draws it while its part is down.
      await claimPort(port);
    } else if (asked[name] !== undefined) throw portTaken(name, port);
    else tell(`port ${port} of ${name} is taken by another program: a new one is chosen`);
  }
  const missing = portNames.filter((name) => kept[name] === undefined);
  const found = await freePorts(missing.length, Object.values(kept));
  for (const [index, name] of missing.entries()) kept[name] = found[index] ?? 0;
  return kept as Ports;
}

const portTaken = (name: string, port: number): PlatformError =>
  new PlatformError(
    'port-taken',
    `port ${port} was asked for ${name}, but another program listens there; end it or ask for another port`,
    { fault: 'user', retry: 'no-retry' },
  );
