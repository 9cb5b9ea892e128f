// The API over the real parts of a test run, behind real HTTP, in the test's own process.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { createLogger } from '#adapters/logging/pino-logger.ts';
import { defaultBucket, environment } from '#core/names.ts';
import { createApi } from '#functions/api/handler.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { composeApi } from '#functions/compose.ts';
import { startServer } from '#functions/http-server.ts';
import { testEnvironment } from '#test/support/start-parts.ts';

export interface ApiRig {
  readonly url: string;
  readonly parts: ApiParts;
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answered>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed text. Tests assert on it as a whole. */
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for.
  readonly json: any;
}

/** A database of its own on the shared server: suites do not see each other's declarations. */
export async function createDatabase(serverUrl: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export async function startApi(more: Readonly<Record<string, string>> = {}): Promise<ApiRig> {
  const given = (name: string): string => process.env[name] ?? '';
  const settings = {
    [environment.stage]: 'local',
    ...process.env,
    [environment.postgresUrl]:
      more[environment.postgresUrl] ?? (await createDatabase(given(testEnvironment.postgresUrl))),
    [environment.kafkaBrokers]: given(testEnvironment.kafka),
    [environment.dynamodbEndpoint]: given(testEnvironment.dynamodb),
    [environment.s3Endpoint]: given(testEnvironment.s3),
    [environment.bucket]: defaultBucket,
    ...more,
  };
  const { parts, close } = await composeApi(settings, createLogger({ level: 'error' }));
  const server = await startServer(createApi(parts), 0, parts.logger);
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    parts,
    call: (method, path, options = {}) => call(url, method, path, options),
    close: async () => {
      await server.close();
      await close();
    },
  };
}

async function call(url: string, method: string, path: string, options: CallOptions): Promise<Answered> {
  const body = options.bytes ?? options.text ?? (options.json === undefined ? null : JSON.stringify(options.json));
  const response = await fetch(`${url}${path}`, {
    method,
    body,
    headers: { ...(options.json === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const text = await response.text();
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Not JSON: the test looks at the text.
  }
  return { status: response.status, headers: response.headers, text, json };
}
