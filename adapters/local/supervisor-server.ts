// The supervisor over HTTP, on the loopback interface only and with a password: whoever may call it may run programs.
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import * as z from 'zod';
import { messageOf } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { readJobId } from '#core/names.ts';
import { loopback } from './ports.ts';
import type { Supervisor } from './supervisor.ts';

const taskRequest = z.strictObject({
  clientToken: z.string().min(1).max(limits.clientTokenCharsMax),
  job: z.string().refine((id) => readJobId(id) !== null, 'a job’s id: <tenant>/<route>.<sink>@<uid>'),
  cpu: z.number().positive(),
  memoryMiB: z.number().int().positive(),
  environment: z.record(z.string(), z.string()),
  tags: z.record(z.string(), z.string()),
});
const stopRequest = z.strictObject({ reason: z.string() });
const drainRequest = z.strictObject({ reason: z.string(), withinMs: z.number().int().nonnegative() });

const bodyBytesMax = 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Resolves when it listens. `password` is that of the URL's user part. */
export function serveSupervisor(supervisor: Supervisor, port: number, password: string): Promise<Server> {
  const server = createServer((request, response) => {
    answer(supervisor, password, request).then(
      (result) => send(response, result),
      (error) => send(response, { status: error instanceof z.ZodError ? 400 : 500, body: { error: messageOf(error) } }),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, loopback, () => resolve(server));
  });
}

async function answer(supervisor: Supervisor, password: string, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://supervisor');
  if (request.method === 'GET' && url.pathname === '/health') return { status: 200, body: { ok: true } };
  if (!isAllowed(request, password)) return { status: 401, body: { error: 'the password in the URL is not right' } };
  const [, collection = '', taskId, verb] = url.pathname.split('/');
  switch (`${request.method} ${collection}${verb === undefined ? '' : `/${verb}`}`) {
    case 'GET tasks':
      return { status: 200, body: supervisor.list(url.searchParams.get('job') ?? undefined) };
    case 'POST tasks':
      return { status: 200, body: supervisor.run(taskRequest.parse(await json(request))) };
    case 'POST tasks/stop':
      supervisor.stop(taskId ?? '', stopRequest.parse(await json(request)).reason);
      return { status: 200, body: {} };
    case 'POST drain': {
      const { reason, withinMs } = drainRequest.parse(await json(request));
      await supervisor.drain(reason, withinMs);
      return { status: 200, body: {} };
    }
    default:
      return { status: 404, body: { error: `no ${request.method} ${url.pathname}` } };
  }
}

function isAllowed(request: IncomingMessage, password: string): boolean {
  const expected = Buffer.from(basicAuthorization(password));
  const got = Buffer.from(request.headers.authorization ?? '');
  return got.length === expected.length && timingSafeEqual(got, expected);
}

const basicAuthorization = (password: string): string =>
  `Basic ${Buffer.from(`millrace:${password}`).toString('base64')}`;

async function json(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyBytesMax) throw new Error(`got more than ${bodyBytesMax} bytes; expected a task's request`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
