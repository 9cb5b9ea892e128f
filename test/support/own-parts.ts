// Real parts for tests: the shared ones that globalSetup starts, and own ones that a test may kill, stop and wipe.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archivePath, classArchive } from '#adapters/local/class-archive.ts';
import { fetchJars, type JarSet } from '#adapters/local/jars.ts';
import { type Part, RunningPart } from '#adapters/local/part.ts';
import { dynamodbPart } from '#adapters/local/parts/dynamodb.ts';
import { kafkaPart } from '#adapters/local/parts/kafka.ts';
import { postgresPart, postgresUrl } from '#adapters/local/parts/postgres.ts';
import { registryPart, registryUrl } from '#adapters/local/parts/registry.ts';
import { s3Part } from '#adapters/local/parts/s3.ts';
import { freePorts } from '#adapters/local/ports.ts';
import { identify, isAlive } from '#adapters/local/process-identity.ts';
import { endRecorded, readIdentity } from '#adapters/local/stale-processes.ts';
import { anOpenSearchPort, openSearchPart } from './opensearch-part.ts';

/** A part of a test's own. It is not restarted when it is killed: the test says when it starts again. */
export interface OwnPart {
  /** What a client needs: `127.0.0.1:port` for Kafka, a URL for the others. */
  readonly address: string;
  readonly data: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, and nothing is answered. */
  pause(): void;
  resume(): void;
  /** Deletes the data; the part must be stopped or killed. */
  wipe(): void;
  /** Stops the part and deletes everything of it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The S3 server of the tests takes this key; AWS clients find it in the environment. DynamoDB Local takes letters and digits only. */
export const testAccessKey = { accessKeyId: 'MILLRACETEST', secretAccessKey: 'millrace-test-secret' };
const password = 'millrace-test';

export async function ownKafka(settings: Readonly<Record<string, string>> = {}): Promise<OwnPart> {
  const [port = 0, controllerPort = 0] = await freePorts(2);
  return await own('kafka', `127.0.0.1:${port}`, (data) => kafkaPart({ data, port, controllerPort, settings }));
}

export interface SecuredKafka extends OwnPart {
  /** The listener for those who bear a token; the other one knows whoever comes as nobody, who may do everything. */
  readonly tokens: string;
  /** The listener for those who log in by SCRAM-SHA-512. */
  readonly logins: string;
}

/** A session lasts so long at most. Tokens are taken unsigned, and grant what access control lists say of their `sub`. */
export async function ownSecuredKafka(sessionMs: number): Promise<SecuredKafka> {
  const [port = 0, controllerPort = 0, tokensPort = 0, loginsPort = 0] = await freePorts(4);
  const [address, tokens, logins] = [`127.0.0.1:${port}`, `127.0.0.1:${tokensPort}`, `127.0.0.1:${loginsPort}`];
  const listener = 'listener.name.tokens';
  const login = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule';
  const settings = {
    listeners: `PLAINTEXT://${address},TOKENS://${tokens},LOGINS://${logins},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${address},TOKENS://${tokens},LOGINS://${logins}`,
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TOKENS:SASL_PLAINTEXT,LOGINS:SASL_PLAINTEXT',
    'listener.name.logins.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.logins.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    [`${listener}.sasl.enabled.mechanisms`]: 'OAUTHBEARER',
    [`${listener}.oauthbearer.sasl.jaas.config`]: `${login} required unsecuredLoginStringClaim_sub="broker";`,
    [`${listener}.oauthbearer.connections.max.reauth.ms`]: String(sessionMs),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
  };
  const part = await own('kafka', address, (data) => kafkaPart({ data, port, controllerPort, settings }));
  return { ...part, tokens, logins };
}

export async function ownPostgres(): Promise<OwnPart> {
  const [port = 0] = await freePorts(1);
  return await own(null, postgresUrl({ port, password }), (data) => postgresPart({ data, port, password }));
}

export async function ownDynamodb(): Promise<OwnPart> {
  const [port = 0] = await freePorts(1);
  return await own('dynamodb', `http://127.0.0.1:${port}`, (data) => dynamodbPart({ data, port }));
}

export async function ownS3(): Promise<OwnPart> {
  const [port = 0] = await freePorts(1);
  return await own('s3', `http://127.0.0.1:${port}`, (data) => s3Part({ data, port, accessKey: testAccessKey }));
}

export async function ownOpenSearch(): Promise<OwnPart> {
  const port = await anOpenSearchPort();
  return await own('opensearch', `http://127.0.0.1:${port}`, (data) => openSearchPart({ data, port }));
}

/** Its address is that of Confluent's API. */
export async function ownRegistry(): Promise<OwnPart> {
  const [port = 0] = await freePorts(1);
  return await own('registry', registryUrl(port), (data) => registryPart({ data, port }));
}

/** Starts and ends each part that many tests start, where that has not been done on this machine: from then on they start in half the time. */
export async function layOutClasses(): Promise<void> {
  const starts = [
    ['kafka', ownKafka],
    ['dynamodb', ownDynamodb],
    ['s3', ownS3],
  ] as const;
  const missing = starts.filter(([jars]) => archivePath(classArchive(jars, tmpdir())) === null);
  const parts = await Promise.all(missing.map(([_jars, start]) => start()));
  await Promise.all(parts.map((part) => part[Symbol.asyncDispose]()));
}

async function own(jars: JarSet | null, address: string, make: (data: string) => Part): Promise<OwnPart> {
  if (jars !== null) await fetchJars([jars]);
  const home = makeHome();
  const data = join(home, 'data');
  const places = { logs: join(home, 'logs'), run: join(home, 'run') };
  const running = new RunningPart(make(data), places, { restart: false });
  await running.start();
  let isPaused = false;
  const pause = (wanted: boolean): void => {
    if (isPaused !== wanted) process.kill(running.identity!.pid, wanted ? 'SIGSTOP' : 'SIGCONT');
    isPaused = wanted;
  };
  return {
    address,
    data,
    start: () => running.start(),
    stop: () => running.stop(),
    kill: () => running.kill(),
    pause: () => pause(true),
    resume: () => pause(false),
    wipe: () => rmSync(data, { recursive: true, force: true }),
    [Symbol.asyncDispose]: async () => {
      // One that stands still would not hear that it is to end.
      pause(false);
      // Nobody reads what it would put in order; only the first of its kind leaves its classes behind.
      if (jars !== null && archivePath(classArchive(jars, data)) !== null) await running.kill();
      else await running.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const homePrefix = 'millrace-test-';

/** A folder that is swept by a later run if this process is killed before it cleans up. */
function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), homePrefix));
  writeFileSync(join(home, 'owner.json'), JSON.stringify(identify(process.pid)));
  return home;
}

/** Ends the parts, and deletes the folders, of test runs that were killed. */
export async function sweepHomes(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(homePrefix)) continue;
    const home = join(tmpdir(), name);
    const owner = readIdentity(join(home, 'owner.json'));
    if (owner === null || isAlive(owner)) continue;
    await endRecorded(join(home, 'run'));
    rmSync(home, { recursive: true, force: true });
  }
}
