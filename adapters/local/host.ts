// The local platform as a whole: starts its parts in order, keeps them up, stops them in reverse.
import { mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { messageOf, PlatformError } from '#core/errors.ts';
import { environment } from '#core/names.ts';
import { lastBundleHere, markUsed } from './bundle-note.ts';
import { bundleHere, bundleWorker, nextStartEntries } from './bundle-worker.ts';
import { choosePorts } from './choose-ports.ts';
import { type Credentials, credentialsIn } from './credentials.ts';
import { lockFolder } from './folder-lock.ts';
import { fetchJars, jarSets } from './jars.ts';
import { endLeftovers, leftoversIn } from './leftovers.ts';
import { boundLog } from './log-file.ts';
import { type Part, type PartEvent, RunningPart } from './part.ts';
import { dynamodbPart } from './parts/dynamodb.ts';
import { kafkaPart } from './parts/kafka.ts';
import { postgresPart } from './parts/postgres.ts';
import { programPart } from './parts/program.ts';
import { registryPart, registryUrl } from './parts/registry.ts';
import { s3Part } from './parts/s3.ts';
import { platformEnvironment, supervisorUrl } from './platform-environment.ts';
import {
  type ExtraPart,
  type Places,
  type PlatformState,
  type Ports,
  placesIn,
  readPlatformFile,
  writePlatformFile,
} from './platform-file.ts';
import { identify } from './process-identity.ts';
import { endTasks } from './stale-tasks.ts';
import { drainSupervisor } from './task-runner.ts';

export interface HostOptions {
  readonly dataDir: string;
  readonly ports?: Partial<Ports>;
  readonly extra?: readonly ExtraPart[];
  /** The programs that are started after Kafka and the stores; all of the platform's own where not given. */
  readonly programs?: readonly Program[];
  readonly tell: (line: string) => void;
}

export interface Program {
  readonly name: 'supervisor' | 'reconciler' | 'api';
  readonly entry: string;
  readonly healthPath: string;
  readonly heapMiB: number;
}

const repository = resolve(import.meta.dirname, '../..');

export const platformPrograms: readonly Program[] = [
  { name: 'supervisor', entry: join(import.meta.dirname, 'supervisor-main.ts'), healthPath: '/health', heapMiB: 64 },
  {
    name: 'reconciler',
    entry: join(repository, 'functions/reconcile/local-main.ts'),
    healthPath: '/health',
    heapMiB: 192,
  },
  { name: 'api', entry: join(repository, 'functions/serve.ts'), healthPath: '/v1/health', heapMiB: 192 },
];

const tidyEveryMs = 10_000;
/** How long workers get to finish what is in flight when the platform goes down. */
const drainWithinMs = 15_000;

/** Owns a data folder and every process that works on it, from `start` to `stop`. */
export class LocalPlatform {
  readonly #options: HostOptions;
  readonly #places: Places;
  readonly #stopping = new AbortController();
  #unlock: (() => void) | null = null;
  #running: RunningPart[] = [];
  /** The files that its programs and workers are started from, for as long as it lives. */
  #entries: readonly string[] = [];
  #ports: Ports | null = null;
  #credentials: Credentials | null = null;
  #state: PlatformState = 'starting';
  #startedAt = 0;
  #tidy: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#places = placesIn(options.dataDir);
  }

  /** Resolves when every part has answered a real request; rejects, with all stopped again, where one does not. */
  async start(): Promise<void> {
    const { dataDir, tell } = this.#options;
    mkdirSync(this.#places.data, { recursive: true, mode: 0o700 });
    this.#unlock = lockFolder(this.#places.lock);
    if (this.#unlock === null) throw alreadyRunning(dataDir);
    this.#startedAt = Date.now();
    try {
      await this.#endStale();
      this.#credentials = credentialsIn(dataDir);
      const before = readPlatformFile(dataDir)?.ports ?? {};
      this.#ports = await choosePorts(this.#options.ports ?? {}, before, tell);
      await this.#startParts(this.#ports, this.#credentials);
      this.#enter('ready');
      this.#tidy = setInterval(() => this.#tidyUp(), tidyEveryMs);
      if (this.#options.programs === undefined) void this.#bundleForNextStart();
    } catch (error) {
      await this.stop().catch((second: unknown) => tell(messageOf(second)));
      throw error;
    }
  }

  /**
   * Programs first, so that nothing new is started; then workers, with time to finish; then what they stand on. What fails on the
   * way keeps nothing else from being stopped. Rejects where something lives still.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopOnce();
    return this.#stopped;
  }

  async #stopOnce(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#tidy);
    this.#enter('stopping');
    const named = (names: readonly string[]): RunningPart[] =>
      this.#running.filter(({ part }) => names.includes(part.name));
    await this.#stopAll(named(['api', 'reconciler']));
    await this.#drainWorkers();
    await this.#stopAll(named(['supervisor']));
    // Those that a supervisor which was away, or had no room to write down what it does, has not ended.
    await endTasks(this.#places.tasks).catch((error: unknown) => this.#options.tell(messageOf(error)));
    await this.#stopAll(named(['kafka', 'postgres', 'dynamodb', 's3', 'registry']));
    const left = leftoversIn(this.#places);
    if (left.length === 0) this.#enter('stopped');
    this.#unlock?.();
    if (left.length > 0) throw stillAlive(left);
  }

  async #stopAll(parts: readonly RunningPart[]): Promise<void> {
    const outcomes = await Promise.allSettled(parts.map((part) => part.stop()));
    for (const outcome of outcomes) if (outcome.status === 'rejected') this.#options.tell(messageOf(outcome.reason));
  }

  async #startParts(ports: Ports, credentials: Credentials): Promise<void> {
    const { dataDir, tell, programs = platformPrograms, extra = [] } = this.#options;
    const registry = extra.includes('registry') ? { [environment.registryUrl]: registryUrl(ports.registry) } : {};
    const env = await withWorker({ ...platformEnvironment(dataDir, ports, credentials), ...registry });
    const program = (one: Program): RunningPart => this.#part(programPart({ ...one, port: ports[one.name], env }));
    const [postgres, ...onJava] = this.#stores(ports, credentials).map((part) => this.#part(part));
    // While what they stand on starts.
    const bundling = bundled(programs.filter(({ name }) => name !== 'supervisor'));
    bundling.catch(() => {});
    // It starts at once, so it is taken as it was bundled last, or from its sources.
    const lower = programs
      .filter(({ name }) => name === 'supervisor')
      .map((one) => ({ ...one, entry: lastBundleHere(relative(repository, one.entry)) ?? one.entry }));
    const supervisor = lower.map(program);
    this.#enter('starting');
    const jars = fetchJars([...jarSets, ...extra], { tell, signal: this.#stopping.signal });
    await all([
      this.#begin(postgres === undefined ? supervisor : [postgres, ...supervisor]),
      jars.then(() => this.#begin(onJava)),
    ]);
    const upper = await bundling;
    this.#entries = [env[environment.workerEntry] ?? '', ...[...lower, ...upper].map(({ entry }) => entry)];
    await this.#begin(upper.map(program));
  }

  /** When all is up: nobody waits for it, and without it commands only start slower. */
  async #bundleForNextStart(): Promise<void> {
    await bundleHere(nextStartEntries).catch((error: unknown) =>
      this.#options.tell(`programs were not bundled: ${messageOf(error)}`),
    );
  }

  async #begin(parts: readonly RunningPart[]): Promise<void> {
    this.#stopping.signal.throwIfAborted();
    await all(parts.map((part) => part.start()));
  }

  #stores(ports: Ports, credentials: Credentials): Part[] {
    const data = (name: string): string => join(this.#places.parts, name);
    return [
      postgresPart({ data: data('postgres'), port: ports.postgres, password: credentials.postgresPassword }),
      kafkaPart({ data: data('kafka'), port: ports.kafka, controllerPort: ports.kafkaController }),
      dynamodbPart({ data: data('dynamodb'), port: ports.dynamodb }),
      s3Part({ data: data('s3'), port: ports.s3, accessKey: credentials }),
      ...(this.#options.extra ?? []).map(() => registryPart({ data: data('registry'), port: ports.registry })),
    ];
  }

  #part(part: Part): RunningPart {
    const running = new RunningPart(part, this.#places, { tell: (event) => this.#onEvent(event) });
    this.#running.push(running);
    return running;
  }

  /** What a killed platform left running. */
  async #endStale(): Promise<void> {
    const { tell } = this.#options;
    const { parts, workersCount } = await endLeftovers(this.#places);
    if (parts.length > 0) {
      const names = parts.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ');
      tell(`ended what a killed platform left running: ${names}, and ${workersCount} workers`);
    }
  }

  async #drainWorkers(): Promise<void> {
    const supervisor = this.#running.find(({ part }) => part.name === 'supervisor');
    if (supervisor?.state !== 'ready' || this.#ports === null || this.#credentials === null) return;
    const url = supervisorUrl(this.#ports.supervisor, this.#credentials);
    await drainSupervisor(url, 'the platform goes down', drainWithinMs).catch((error: unknown) => {
      this.#options.tell(`workers were not drained: ${messageOf(error)}`);
    });
  }

  #onEvent(event: PartEvent): void {
    this.#options.tell(inWords(event));
    this.#write();
  }

  #enter(state: PlatformState): void {
    this.#state = state;
    this.#write();
  }

  /** A disk that is full is no reason to stop, and none not to be stopped: whoever reads the file sees by the host whether it still holds. */
  #write(): void {
    try {
      this.#writeFile();
    } catch (error) {
      this.#options.tell(`the platform's file was not written: ${messageOf(error)}`);
    }
  }

  #writeFile(): void {
    const ports = this.#ports;
    if (ports === null) return;
    const endpoint = (name: string): string =>
      this.#running.find(({ part }) => part.name === name)?.part.endpoint ?? '';
    writePlatformFile(this.#options.dataDir, {
      state: this.#state,
      apiUrl: `http://127.0.0.1:${ports.api}`,
      endpoints: {
        kafka: endpoint('kafka'),
        postgres: endpoint('postgres'),
        dynamodb: endpoint('dynamodb'),
        s3: endpoint('s3'),
        ...(this.#options.extra?.includes('registry') ? { registry: endpoint('registry') } : {}),
      },
      ports,
      startedAt: this.#startedAt,
      host: this.#state === 'stopped' ? null : identify(process.pid),
      pids: Object.fromEntries(
        this.#running.flatMap(({ part, identity }) => (identity === null ? [] : [[part.name, identity.pid]])),
      ),
      parts: this.#running.map(({ part, state, identity, startedAt, restarts, logPath }) => ({
        name: part.name,
        state,
        pid: identity?.pid ?? null,
        startedAt,
        restarts,
        endpoint: part.endpoint,
        log: logPath,
      })),
    });
  }

  #tidyUp(): void {
    for (const { logPath } of this.#running) boundLog(logPath);
    boundLog(this.#places.hostLog);
    for (const path of this.#entries) markUsed(path);
  }
}

/** Waits for all, even where one fails: nothing may still be starting when the rest is stopped. */
async function all(promises: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) if (result.status === 'rejected') throw result.reason;
}

function alreadyRunning(dataDir: string): PlatformError {
  const file = readPlatformFile(dataDir);
  const who = file === null ? '' : ` (pid ${file.host?.pid}, ${file.apiUrl})`;
  return new PlatformError('already-running', `a platform runs on ${resolve(dataDir)} already${who}`, {
    fault: 'user',
    retry: 'no-retry',
  });
}

const stillAlive = (left: readonly string[]): PlatformError =>
  new PlatformError('still-alive', `stopped, but for what does not end: ${left.join(', ')}`, {
    fault: 'external',
    retry: 'retry',
  });

function inWords(event: PartEvent): string {
  switch (event.kind) {
    case 'starting':
      return `${event.part}: starting`;
    case 'ready':
      return `${event.part}: ready after ${(event.tookMs / 1000).toFixed(1)} s`;
    case 'stopped':
      return `${event.part}: stopped`;
    case 'died':
      return `${event.part}: ${event.how}; started again in ${event.againInMs} ms`;
    case 'not-kept':
      return `${event.part}: what it left for later starts was not kept: ${event.reason}`;
    case 'not-ready':
      return `${event.part}: did not start; tried again in ${event.againInMs} ms. ${event.reason}`;
  }
}

/** Each from one file, where it is of our sources. */
async function bundled(programs: readonly Program[]): Promise<readonly Program[]> {
  const isOurs = ({ entry }: Program): boolean => relative(repository, entry).startsWith('functions/');
  const paths = (await bundleHere(programs.filter(isOurs).map(({ entry }) => relative(repository, entry)))).values();
  return programs.map((program) => (isOurs(program) ? { ...program, entry: paths.next().value! } : program));
}

/** Workers run from one bundled file, unless the caller names another program (tests do). */
async function withWorker(env: Record<string, string>): Promise<Record<string, string>> {
  const name = environment.workerEntry;
  return env[name] === undefined ? { ...env, [name]: await bundleWorker() } : env;
}
