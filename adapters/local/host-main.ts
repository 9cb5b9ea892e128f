// The host as a program: `millrace up` starts it. Arguments: the data folder, ports as `name=number`, and parts as `with=name`.
import { writeSync } from 'node:fs';
import { isPlatformError, messageOf } from '#core/errors.ts';
import { LocalPlatform } from './host.ts';
import { extraParts, type Ports, portNames } from './platform-file.ts';

/** As the `millrace` command counts. */
const exitCodes = { failure: 1, conflict: 5 } as const;

const [dataDir = '.millrace', ...more] = process.argv.slice(2);
const portArguments = more.filter((argument) => !argument.startsWith('with='));
const extra = extraParts.filter((name) => more.includes(`with=${name}`));

function askedPorts(): Partial<Ports> {
  const asked: Partial<Record<keyof Ports, number>> = {};
  for (const argument of portArguments) {
    const [name, port] = argument.split('=');
    const known = portNames.find((one) => one === name);
    if (known === undefined) throw new Error(`got a port for ${name}; expected one of ${portNames.join(', ')}`);
    asked[known] = Number(port);
  }
  return asked;
}

/** Into a log file. Where that has no room left a line is lost, and not the host; later lines are written again. */
const tell = (line: string): void => {
  try {
    writeSync(process.stderr.fd, `${new Date().toISOString()} ${line}\n`);
  } catch {
    // Nobody is left to be told.
  }
};
process.stderr.on('error', () => {});

const platform = new LocalPlatform({ dataDir, ports: askedPorts(), extra, tell });
let asked = false;
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(name, () => {
    if (asked) return;
    asked = true;
    tell(`stopping (${name})`);
    platform.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  });
}

function fail(error: unknown): void {
  tell(messageOf(error));
  process.exit(isPlatformError(error) && error.code === 'already-running' ? exitCodes.conflict : exitCodes.failure);
}

try {
  await platform.start();
  tell('ready');
} catch (error) {
  // A start that was broken off by a signal is not a failed one: the signal's handler ends the process.
  if (!asked) fail(error);
}
