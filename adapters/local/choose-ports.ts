// Which ports a platform gets: those it was told, those it had before, or free ones.
import { PlatformError } from '#core/errors.ts';
import { type Ports, portNames } from './platform-file.ts';
import { claimAgain, freePorts } from './ports.ts';

type Chosen = Partial<Record<keyof Ports, number>>;

/**
 * A port that was asked for must be free, and is given to whom it was asked for; one of the last start is given up, with a word, where
 * it is taken now. Each is claimed, so that nobody draws it while its part is down.
 */
export async function choosePorts(
  asked: Partial<Ports>,
  before: Partial<Ports>,
  tell: (line: string) => void,
): Promise<Ports> {
  const chosen: Chosen = {};
  for (const [name, port] of portsIn(asked)) {
    const other = nameOf(chosen, port);
    if (other !== undefined) throw askedTwice(name, other, port);
    if (!(await claimAgain(port))) throw portTaken(name, port);
    chosen[name] = port;
  }
  for (const [name, port] of portsIn(before)) {
    if (chosen[name] !== undefined) continue;
    const other = nameOf(chosen, port);
    if (other === undefined && (await claimAgain(port))) chosen[name] = port;
    else tell(`port ${port} of ${name} is taken by ${other ?? 'another program'}: a new one is chosen`);
  }
  const missing = portNames.filter((name) => chosen[name] === undefined);
  const found = await freePorts(missing.length, Object.values(chosen));
  for (const [index, name] of missing.entries()) chosen[name] = found[index] ?? 0;
  return chosen as Ports;
}

const portsIn = (ports: Partial<Ports>): readonly (readonly [keyof Ports, number])[] =>
  portNames.flatMap((name) => (ports[name] === undefined ? [] : [[name, ports[name]] as const]));

const nameOf = (chosen: Chosen, port: number): keyof Ports | undefined =>
  portNames.find((name) => chosen[name] === port);

const askedTwice = (name: string, other: string, port: number): PlatformError =>
  new PlatformError('port-taken', `port ${port} was asked for both ${other} and ${name}; expected a port for each`, {
    fault: 'user',
    retry: 'no-retry',
  });

const portTaken = (name: string, port: number): PlatformError =>
  new PlatformError(
    'port-taken',
    `port ${port} was asked for ${name}, but another program listens there or another platform has it; ` +
      'end it or ask for another port',
    { fault: 'user', retry: 'no-retry' },
  );
