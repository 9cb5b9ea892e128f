// `millrace up`: the whole platform on this machine, in the foreground until Ctrl-C or in the background.
import { type Command, InvalidArgumentError } from 'commander';
import type { ExtraPart, PlatformFile, Ports } from '#adapters/local/platform-file.ts';
import { dataDirOf } from '#cli/connect.ts';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { type OutputFormat, outputOption } from '#cli/print/output.ts';

interface UpOptions {
  readonly data?: string;
  readonly detach?: boolean;
  readonly port?: Partial<Ports>;
  readonly with?: readonly ExtraPart[];
  readonly output: OutputFormat;
}

export function registerUp(program: Command): void {
  program
    .command('up')
    .summary('start the platform on this machine')
    .option('-d, --detach', 'return when it is ready and leave it running')
    .option('--data <dir>', 'the folder that holds everything of it (else .millrace)')
    .option('--port <name=number>', 'listen on this port: api, kafka, postgres, … (repeatable)', readPort)
    .option('--with <part>', 'also start registry: a schema registry for Avro and Protobuf', readPart)
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (options: UpOptions) => up(options));
}

const portPattern = /^([a-zA-Z0-9]+)=(\d{1,5})$/;

function readPort(text: string, before: Partial<Ports> = {}): Partial<Ports> {
  const [, name = '', port] = portPattern.exec(text) ?? [];
  if (port === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new InvalidArgumentError('Expected a name and a port from 1 to 65535, such as api=8080.');
  }
  return { ...before, [name]: Number(port) };
}

/** Named here, so that the command's help needs nothing of the platform. */
const partNames: readonly ExtraPart[] = ['registry'];

function readPart(text: string, before: readonly ExtraPart[] = []): readonly ExtraPart[] {
  const known = partNames.find((name) => name === text);
  if (known === undefined) throw new InvalidArgumentError(`Expected ${partNames.join(' or ')}.`);
  return before.includes(known) ? before : [...before, known];
}

async function up(options: UpOptions): Promise<void> {
  const dataDir = dataDirOf(options);
  const { isRunning, portNames, readPlatformFile } = await import('#adapters/local/platform-file.ts');
  const unknown = Object.keys(options.port ?? {}).find((name) => !(portNames as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const message = `--port: got ${unknown}, expected one of ${portNames.join(', ')}`;
    throw new CommandError(exitCodes.usage, message);
  }
  const running = readPlatformFile(dataDir);
  if (isRunning(running)) throw conflict(dataDir, running);
  const { spawnHost, untilReady } = await import('#adapters/local/host-process.ts');
  const host = spawnHost(dataDir, options.port, options.with);
  const ended = host.exit.catch(() => 1);
  const log = await showLog(host.log, host.logOffset);
  const letGo = stopOnSignal(host.pid);
  try {
    const file = await untilReady(host, dataDir);
    await log.catchUp();
    await printPlatform(file, dataDir, options.output);
    if (options.detach === true) return;
    const code = await ended;
    await log.catchUp();
    process.exitCode = code === 0 ? exitCodes.ok : exitCodes.failure;
  } catch (error) {
    await log.catchUp();
    throw await asCommandError(error, dataDir);
  } finally {
    log.end();
    letGo();
  }
}

/** Ctrl-C stops the platform, not us: we end when it has ended. */
function stopOnSignal(hostPid: number): () => void {
  const stop = (): void => {
    try {
      process.kill(hostPid, 'SIGTERM');
    } catch {
      // It has ended already.
    }
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, stop);
  return () => {
    for (const name of names) process.off(name, stop);
  };
}

const showEveryMs = 100;

/** Shows what the host writes down, from its start on, on stderr. */
async function showLog(path: string, offset: number): Promise<{ catchUp: () => Promise<void>; end: () => void }> {
  const { nextLines } = await import('#cli/input/follow-file.ts');
  const { note } = await import('#cli/terminal.ts');
  const position = { path, offset, rest: Buffer.alloc(0) };
  let busy = Promise.resolve();
  const catchUp = (): Promise<void> => {
    busy = busy.then(async () => {
      for (const line of await nextLines(position)) note(line.replace(/^\S+Z /, ''));
    });
    return busy;
  };
  const timer = setInterval(() => void catchUp(), showEveryMs);
  return { catchUp, end: () => clearInterval(timer) };
}

async function printPlatform(file: PlatformFile, dataDir: string, output: OutputFormat): Promise<void> {
  const { printAs } = await import('#cli/print/output.ts');
  const { formatFacts } = await import('#cli/print/table.ts');
  await printAs(output, {
    value: { state: file.state, apiUrl: file.apiUrl, endpoints: file.endpoints, data: dataDir, pid: file.host?.pid },
    names: () => [],
    table: () =>
      formatFacts([
        ['ready', file.apiUrl],
        ['kafka', file.endpoints.kafka],
        ['postgres', file.endpoints.postgres],
        ['dynamodb', file.endpoints.dynamodb],
        ['s3', file.endpoints.s3],
        ...(file.endpoints.registry === undefined ? [] : [['registry', file.endpoints.registry] as const]),
        ['data', dataDir],
      ]),
  });
}

function conflict(dataDir: string, running: PlatformFile): CommandError {
  const { state, host, apiUrl } = running;
  const message = `a platform runs on ${dataDir} already: ${state}, pid ${host?.pid}, ${apiUrl}`;
  return new CommandError(exitCodes.conflict, message, {
    fix: 'millrace status        shows it\nmillrace down          stops it\nmillrace up --data DIR starts another',
  });
}

async function asCommandError(error: unknown, dataDir: string): Promise<unknown> {
  const { isPlatformError } = await import('#core/errors.ts');
  if (!isPlatformError(error)) return error;
  if (error.code === 'already-running') {
    return new CommandError(exitCodes.conflict, error.message, { fix: 'millrace status   shows it' });
  }
  return new CommandError(exitCodes.failure, `the platform in ${dataDir} did not start`, {
    details: error.message.split('\n').slice(-1),
    fix: 'millrace doctor   says what it needs and what is missing',
  });
}
