// The jars of the parts that run on Java: fetched once by Maven, by a pinned pom, into a cache that is never half full.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { PlatformError } from '#core/errors.ts';

/**
 * OpenSearch is no part of the platform: it stands at the other end of a sink, in tests and examples. The registry is one
 * for those who ask for it. Kafka's tools hold a producer in Java, for tests.
 */
export const everyJarSet = ['kafka', 'dynamodb', 's3', 'opensearch', 'registry', 'kafka-tools'] as const;
export type JarSet = (typeof everyJarSet)[number];
/** What the platform itself runs on. */
export const jarSets: readonly JarSet[] = ['kafka', 'dynamodb', 's3'];

export const jarsHere = resolve(import.meta.dirname, 'jars');
const repository = resolve(import.meta.dirname, '../..');
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
/** The registry comes as one archive, which Maven unpacks. */
const goalOf = (set: JarSet): string => `${plugin}:${set === 'registry' ? 'unpack-dependencies' : 'copy-dependencies'}`;

/** `MILLRACE_CACHE`, or `.cache` beside the code. */
export const cacheDir = (): string => resolve(process.env['MILLRACE_CACHE'] ?? join(repository, '.cache'));

/** Where a set of jars is kept; its name changes with its pom. */
export function jarsDir(set: JarSet): string {
  const hash = createHash('sha256')
    .update(readFileSync(pomPath(set)))
    .digest('hex')
    .slice(0, 12);
  return join(cacheDir(), 'jars', `${set}-${hash}`);
}

const pomPath = (set: JarSet): string => join(jarsHere, `${set}.pom.xml`);

/** Fetches what is missing, one set after the other: Maven's own store does not bear two at a time. */
export async function fetchJars(sets: readonly JarSet[], progress: FetchProgress = {}): Promise<void> {
  for (const set of sets) {
    const target = jarsDir(set);
    if (!existsSync(target)) await fetchSet(set, target, progress);
  }
}

export interface FetchProgress {
  readonly tell?: (line: string) => void;
  /** Ends Maven; what it has fetched so far is thrown away. */
  readonly signal?: AbortSignal;
}

async function fetchSet(set: JarSet, target: string, progress: FetchProgress): Promise<void> {
  mkdirSync(join(cacheDir(), 'jars'), { recursive: true });
  const project = mkdtempSync(`${target}.`);
  const jars = join(project, 'jars');
  try {
    progress.tell?.(`${set}: fetching its jars with Maven (once)`);
    // Maven works in a project of its own: beside the pom it notes what it has unpacked, and would not unpack that again.
    copyFileSync(pomPath(set), join(project, 'pom.xml'));
    await runMaven(set, ['-B', '-f', join(project, 'pom.xml'), goalOf(set), `-DoutputDirectory=${jars}`], progress);
    if (!existsSync(jars) || readdirSync(jars).length === 0) throw notFetched(set, 'Maven ended well but left none');
    if (set === 'dynamodb') hideManifest(jars, 'DynamoDBLocal-');
    moveUnlessThere(jars, target);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

/**
 * DynamoDB Local's jar names the folder that it lies in as a class path, and of a class path with a folder the virtual machine lays no classes
 * out (class-archive.ts). All jars are named by us, so its manifest gets a name that is looked for by nobody.
 */
export function hideManifest(folder: string, name: string): void {
  const path = join(folder, readdirSync(folder).find((file) => file.startsWith(name)) ?? name);
  const bytes = readFileSync(path);
  // An archive says the name of a file twice: before its bytes, and in the directory at its end. The length must stay.
  for (let at = bytes.indexOf(manifest.name); at >= 0; at = bytes.indexOf(manifest.name))
    bytes.write(manifest.hidden, at, 'latin1');
  writeFileSync(path, bytes);
}

const manifest = { name: 'META-INF/MANIFEST.MF', hidden: 'META-INF/MANIFEST.--' } as const;

/** Another process may have been quicker; its copy is as good. */
function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}

async function runMaven(set: JarSet, args: string[], { tell = () => {}, signal }: FetchProgress): Promise<void> {
  const maven = spawn('mvn', args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    // It runs for seconds: what its better compiler costs it never brings in.
    env: { MAVEN_OPTS: '-XX:+UseSerialGC -XX:TieredStopAtLevel=1', ...process.env },
    ...(signal === undefined ? {} : { signal }),
  });
  const problems: string[] = [];
  const exit = new Promise<number | Error>((done) => {
    maven.once('error', done);
    maven.once('close', (code) => done(code ?? 1));
  });
  await follow(maven, set, problems, tell);
  const outcome = await exit;
  if (outcome === 0) return;
  const got =
    outcome instanceof Error
      ? `Maven could not be run (${outcome.message})`
      : `Maven ended with code ${outcome}: ${problems.slice(0, 3).join(' ') || 'no reason given'}`;
  throw notFetched(set, got);
}

const notFetched = (set: JarSet, got: string): PlatformError =>
  new PlatformError(
    'jars-not-fetched',
    `the jars of ${set} are not there and could not be fetched: ${got}. Expected \`mvn\` on the PATH and a reachable ` +
      `Maven repository (a mirror is set in ~/.m2/settings.xml). Or copy a filled ${cacheDir()} from another machine.`,
    { fault: 'external', retry: 'retry' },
  );

/** Turns Maven's output into a line of progress now and then, and keeps what it says of errors. */
async function follow(
  maven: ChildProcessByStdio<null, Readable, null>,
  set: JarSet,
  problems: string[],
  tell: (line: string) => void,
): Promise<void> {
  let fetched = 0;
  let toldAt = performance.now();
  for await (const line of createInterface({ input: maven.stdout })) {
    const file = /^Downloaded from \S+: \S+\/(\S+\.(?:jar|so|dylib|dll)) \(([^)]*) at/.exec(
      line.replace('[INFO] ', ''),
    );
    if (file !== null) fetched++;
    if (line.includes('[ERROR]')) problems.push(line.slice(line.indexOf('[ERROR]') + 8).trim());
    if (file === null || performance.now() - toldAt < 1_000) continue;
    toldAt = performance.now();
    tell(`${set}: ${fetched} files fetched, last ${file[1]} (${file[2]})`);
  }
}
