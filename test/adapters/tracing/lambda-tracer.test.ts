// What a Lambda function's trace tells: bundled as it is deployed, in a process that is set up as Lambda does, and a daemon that takes what it sends.
import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bundleInParts } from '#adapters/local/bundle-program.ts';

interface Subsegment {
  readonly name: string;
  readonly trace_id?: string;
  readonly parent_id?: string;
  readonly fault?: boolean;
  readonly annotations?: Readonly<Record<string, unknown>>;
  readonly metadata?: object;
  readonly http?: { readonly request: { readonly url: string }; readonly response: { readonly status: number } };
  readonly cause?: { readonly exceptions: readonly { readonly message: string }[] };
  readonly subsegments?: readonly Subsegment[];
}

const root = '1-5f84c7a1-d5b0d2f4a1b2c3d4e5f60718';
const parent = '53995c3f42cd8ad8';
let folder: string;
let daemon: Socket;
let service: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-traced-'));
  const { files } = await bundleInParts('adapters/tracing/lambda-tracer.ts', { small: true });
  for (const { name, text } of files) await writeFile(join(folder, name), text);
  daemon = createSocket('udp4').bind(0, '127.0.0.1');
  service = createServer((_, response) => void response.end('done')).listen(0, '127.0.0.1');
  await Promise.all([once(daemon, 'listening'), once(service, 'listening')]);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  daemon.close();
  service.close();
});

/** `body`: what the function does; `ask` is a request to another service, with a query, made as a bundle's clients make theirs. */
async function invoke(
  body: string,
  set: { Sampled: 0 | 1; switch?: string },
): Promise<{ said: string; sent: readonly Subsegment[] }> {
  const sent: Subsegment[] = [];
  const take = (message: Buffer): void => void sent.push(JSON.parse(message.toString().split('\n')[1]!) as Subsegment);
  daemon.on('message', take);
  const { port } = service.address() as AddressInfo;
  const program = `
    import http from 'node:http';
    import { traced } from ${JSON.stringify(join(folder, 'index.mjs'))};
    const ask = () => new Promise((resolve, reject) => http.get('http://127.0.0.1:${port}/things?token=secret', (answer) => answer.resume().on('end', resolve)).on('error', reject));
    const handler = traced('api', async (event) => { ${body} });
    console.log(await handler({ secret: 'of the request' }, {}).catch((error) => 'failed: ' + error.message));
  `;
  const env = {
    ...{ PATH: process.env['PATH'], LAMBDA_TASK_ROOT: '/var/task', AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    ...{ _HANDLER: 'index.handler', _X_AMZN_TRACE_ID: `Root=${root};Parent=${parent};Sampled=${set.Sampled}` },
    POWERTOOLS_TRACE_ENABLED: set.switch ?? 'true',
    AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${(daemon.address() as AddressInfo).port}`,
  };
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], { env });
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  await once(child, 'close');
  // What it sent last lies in this process's own queue by now: one message of ours comes behind it.
  const over = Promise.withResolvers<void>();
  daemon.on('message', () => void (sent.at(-1)?.name === 'over' && over.resolve()));
  daemon.send('{}\n{"name":"over"}', (daemon.address() as AddressInfo).port, '127.0.0.1');
  await over.promise;
  daemon.removeAllListeners('message');
  return { said: Buffer.concat(said).toString().split('\n')[0]!, sent: sent.filter(({ name }) => name !== 'over') };
}

test('a request that is sampled has a subsegment for the handler, and in it one for each call; no query, no answer is in them', async () => {
  const { said, sent } = await invoke("await ask(); return 'an answer with a secret';", { Sampled: 1 });
  expect(said).toBe('an answer with a secret');
  const all = sent.flatMap((one) => [one, ...(one.subsegments ?? [])]);
  expect(sent.every(({ trace_id }) => trace_id === root)).toBe(true);
  const handler = all.find(({ name }) => name === '## index.handler');
  expect(handler).toMatchObject({ parent_id: parent, annotations: { ColdStart: true, Service: 'api' } });
  expect(all.find(({ name }) => name === '127.0.0.1')?.http).toMatchObject({
    ...{ request: { url: expect.stringMatching(/\/things$/) }, response: { status: 200 } },
  });
  expect(JSON.stringify(sent)).not.toMatch(/secret/);
});

test('a request that fails is told as a fault with its error, which goes on to the caller', async () => {
  const { said, sent } = await invoke("throw new Error('the store is down');", { Sampled: 1 });
  expect(said).toBe('failed: the store is down');
  expect(sent.find(({ name }) => name === '## index.handler')).toMatchObject({
    ...{ fault: true, cause: { exceptions: [{ message: 'the store is down' }] } },
  });
});

test.each([
  ['is not sampled', { Sampled: 0 }],
  ['is sampled while tracing is turned off', { Sampled: 1, switch: 'false' }],
] as const)('a request that %s is served without a tracer', async (_, set) => {
  expect(await invoke("await ask(); return 'served';", set)).toEqual({ said: 'served', sent: [] });
});
