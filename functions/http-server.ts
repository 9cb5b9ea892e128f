// A local HTTP server that makes the events that API Gateway's HTTP APIs make, so that the same handlers run behind both.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { messageOf } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Logger } from '#core/ports/logger.ts';
import { ApiRefusal, problemOf } from '#functions/api/refusal.ts';
import { tooLarge } from '#functions/api/router.ts';
import type { ApiHandler, Outgoing } from '#functions/middleware.ts';

const headerBytesMax = 64 * 1024;
const requestMsMax = 60_000;
const headersMsMax = 10_000;
/** Answers that are under way get this long when the server stops. */
const drainMs = 3_000;

export interface RunningServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Listens on this machine only: there is no authorization in front of it. Port 0 takes any that is free. */
export async function startServer(handler: ApiHandler, port: number, logger: Logger): Promise<RunningServer> {
  const stopping = new AbortController();
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      requestTimeout: requestMsMax,
      headersTimeout: headersMsMax,
      keepAliveTimeout: 30_000,
    },
    (request, response) => {
      serve(handler, request, response, stopping.signal).catch((error: unknown) => {
        logger.warn('answer cut off', { error: messageOf(error) });
        response.destroy();
      });
    },
  );
  server.on('clientError', answerUnreadable);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => stop(server, stopping) };
}

async function stop(server: Server, stopping: AbortController): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  // Whoever follows a stream would stay for ever.
  stopping.abort();
  const timer = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(timer);
}

async function serve(
  handler: ApiHandler,
  request: IncomingMessage,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const requestId = randomUUID();
  const left = new AbortController();
  response.once('close', () => left.abort());
  const refused = await readRequest(request, requestId).catch((error: unknown) => problemOf(error, requestId));
  if ('view' in refused) {
    // The rest of the body is not waited for.
    const headers = { ...refused.headers, 'content-type': 'application/problem+json', connection: 'close' };
    response.writeHead(refused.view.status, headers).end(JSON.stringify(refused.view));
    return;
  }
  await send(await handler(refused, { signal: AbortSignal.any([left.signal, stopping]) }), request, response);
}

/** The event; throws what the request is refused for before any handler sees it. */
async function readRequest(request: IncomingMessage, requestId: string): Promise<APIGatewayProxyEventV2> {
  requireLocalHost(request);
  const body = await readBody(request);
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  const rawPath = mark < 0 ? target : target.slice(0, mark);
  const rawQueryString = mark < 0 ? '' : target.slice(mark + 1);
  const method = request.method ?? 'GET';
  const headers = Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, values]) => [name, (values ?? []).join(',')]),
  );
  return {
    version: '2.0',
    routeKey: '$default',
    ...{ rawPath, rawQueryString, headers },
    ...(rawQueryString === ''
      ? {}
      : { queryStringParameters: Object.fromEntries(new URLSearchParams(rawQueryString)) }),
    requestContext: {
      ...{ accountId: 'local', apiId: 'local', domainName: 'localhost', domainPrefix: 'localhost', stage: '$default' },
      http: {
        ...{ method, path: rawPath, protocol: `HTTP/${request.httpVersion}` },
        ...{ sourceIp: request.socket.remoteAddress ?? '', userAgent: request.headers['user-agent'] ?? '' },
      },
      ...{ requestId, routeKey: '$default', time: new Date().toISOString(), timeEpoch: Date.now() },
    },
    ...(body.length === 0 ? {} : { body: body.toString('base64') }),
    isBase64Encoded: body.length > 0,
  };
}

const localHosts = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i;

/** A web page elsewhere whose name was made to point here says so in its Host. */
function requireLocalHost(request: IncomingMessage): void {
  const { host } = request.headers;
  if (host === undefined || localHosts.test(host)) return;
  throw new ApiRefusal(
    421,
    'host-unknown',
    `got host ${JSON.stringify(host.slice(0, 100))}, expected localhost or 127.0.0.1`,
  );
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limits.requestBytesMax) throw tooLarge(announced, limits.requestBytesMax);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limits.requestBytesMax) throw tooLarge(null, limits.requestBytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function send(outgoing: Outgoing, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, headers, body } = outgoing;
  if (body instanceof Uint8Array) {
    const length = status === 204 ? {} : { 'content-length': String(body.length) };
    response.writeHead(status, { ...headers, ...length });
    response.end(body);
    return;
  }
  response.writeHead(status, { ...headers });
  response.flushHeaders();
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  // A slow reader holds up the reading, and nothing is kept for it.
  for await (const chunk of body) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}

/** What is no HTTP, or too much of it, still gets an answer that a program can read. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: import('node:stream').Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, reason, code] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large', 'headers-too-large']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout', 'request-timeout']
        : [400, 'Bad Request', 'not-http'];
  const { view } = problemOf(new ApiRefusal(status as number, code as string, messageOf(error)), '');
  const text = JSON.stringify(view);
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}
