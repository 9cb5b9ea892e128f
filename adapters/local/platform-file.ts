// The files of a local platform's data folder: where they are, and the one by which other programs find the platform.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { PartState } from './part.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';

export const defaultDataDir = '.millrace';

export interface Places {
  readonly data: string;
  /** A file for each process of the platform, for whoever has to end them when the host no longer can. */
  readonly run: string;
  readonly logs: string;
  readonly taskLogs: string;
  readonly tasks: string;
  readonly parts: string;
  readonly platformFile: string;
  readonly credentials: string;
  /** A file a secret, which only workers read. */
  readonly secrets: string;
  readonly lock: string;
  readonly hostLog: string;
}

export function placesIn(dataDir: string): Places {
  const data = resolve(dataDir);
  const logs = join(data, 'logs');
  return {
    data,
    logs,
    run: join(data, 'run'),
    taskLogs: join(logs, 'tasks'),
    tasks: join(data, 'tasks'),
    parts: join(data, 'parts'),
    platformFile: join(data, 'platform.json'),
    credentials: join(data, 'credentials.json'),
    secrets: join(data, 'secrets'),
    lock: join(data, 'lock'),
    hostLog: join(logs, 'host.log'),
  };
}

/** One port each; Kafka's controller has its own. */
export interface Ports {
  readonly kafka: number;
  readonly kafkaController: number;
  readonly postgres: number;
  readonly dynamodb: number;
  readonly s3: number;
  /** Used only where a registry is asked for. */
  readonly registry: number;
  readonly supervisor: number;
  readonly reconciler: number;
  readonly api: number;
}

export const portNames = [
  'kafka',
  'kafkaController',
  'postgres',
  'dynamodb',
  's3',
  'registry',
  'supervisor',
  'reconciler',
  'api',
] as const satisfies readonly (keyof Ports)[];

/** Parts that run only where they are asked for. */
export const extraParts = ['registry'] as const;
export type ExtraPart = (typeof extraParts)[number];

/** `killed`: the host is gone without having stopped the platform; its parts may still run. */
export type PlatformState = 'starting' | 'ready' | 'stopping' | 'stopped' | 'killed';

export interface PartStatus {
  readonly name: string;
  readonly state: PartState;
  readonly pid: number | null;
  readonly startedAt: number;
  readonly restarts: number;
  readonly endpoint: string;
  readonly log: string;
}

export interface PlatformFile {
  readonly state: PlatformState;
  readonly apiUrl: string;
  /** Without passwords: those are in the credentials file. */
  readonly endpoints: {
    readonly kafka: string;
    readonly postgres: string;
    readonly dynamodb: string;
    readonly s3: string;
    /** A schema registry, where one was asked for. */
    readonly registry?: string;
  };
  readonly ports: Ports;
  readonly startedAt: number;
  readonly host: ProcessIdentity | null;
  readonly pids: Readonly<Record<string, number>>;
  readonly parts: readonly PartStatus[];
}

/** The platform of a data folder as it is now, or null where there never was one. */
export function readPlatformFile(dataDir: string): PlatformFile | null {
  let file: PlatformFile;
  try {
    file = JSON.parse(readFileSync(placesIn(dataDir).platformFile, 'utf8')) as PlatformFile;
  } catch {
    return null;
  }
  if (typeof file?.state !== 'string' || typeof file.ports !== 'object') return null;
  if (file.state === 'stopped' || (file.host !== null && isAlive(file.host))) return file;
  return { ...file, state: 'killed' };
}

export const isRunning = (file: PlatformFile | null): file is PlatformFile =>
  file !== null && file.state !== 'stopped' && file.state !== 'killed';

/** Readers see the old file or the new one, never half of one. */
export function writePlatformFile(dataDir: string, file: PlatformFile): void {
  const places = placesIn(dataDir);
  mkdirSync(places.data, { recursive: true, mode: 0o700 });
  writeFileSync(`${places.platformFile}.new`, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${places.platformFile}.new`, places.platformFile);
}
