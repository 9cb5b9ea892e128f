// The other end of a sink over HTTP, for tests: takes requests and answers as it is told, or stands before a real server.
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As text, unzipped. */
  readonly body: string;
  /** As sent. */
  readonly bytes: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * `forward`: the real server behind answers. `lose`: it is asked, and its answer is cut off. `cut`: the connection is closed
 * without anything done. `hang`: nothing is answered. `change`: the real server's answer, made another.
 */
export type Behaviour = Reply | 'forward' | 'lose' | 'cut' | 'hang' | { readonly change: (answer: Reply) => Reply };

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** How each request from now on is answered. */
  behave(next: Behaviour | Chooser): void;
  close(): Promise<void>;
}

export interface ReceiverOptions {
  /** The real server's URL. */
  readonly before?: string;
  readonly tls?: { readonly pfx: Buffer; readonly passphrase: string };
  readonly port?: number;
}

type Chooser = (request: ReceivedRequest, index: number) => Behaviour | Promise<Behaviour>;

export async function startReceiver({ before, tls, port = 0 }: ReceiverOptions = {}): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  let choose: Chooser = () => (before === undefined ? { status: 200 } : 'forward');
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const bytes = await buffer(incoming);
    const request = received(incoming, bytes);
    const index = requests.push(request) - 1;
    const behaviour = await choose(request, index);
    if (behaviour === 'hang') return;
    if (behaviour === 'cut') return void incoming.socket.destroy();
    if (typeof behaviour === 'object' && 'status' in behaviour) return reply(response, behaviour);
    const answer = await ask(before!, incoming, bytes);
    if (behaviour === 'lose') return void incoming.socket.destroy();
    reply(response, typeof behaviour === 'object' ? behaviour.change(answer) : answer);
  };
  const listener = (incoming: IncomingMessage, response: ServerResponse): void => {
    handle(incoming, response).catch(() => incoming.socket.destroy());
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port');
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`,
    port: address.port,
    requests,
    behave: (next) => {
      choose = typeof next === 'function' ? next : () => next;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function received(incoming: IncomingMessage, bytes: Buffer): ReceivedRequest {
  const isZipped = incoming.headers['content-encoding'] === 'gzip';
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])),
    body: (isZipped ? gunzipSync(bytes) : bytes).toString(),
    bytes,
  };
}

function reply(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, headers).end(body ?? '');
}

function ask(before: string, incoming: IncomingMessage, bytes: Buffer): Promise<Reply> {
  const { hostname, port } = new URL(before);
  const { method, url: path, headers } = incoming;
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path, headers }, (answer) => {
      const given = { 'content-type': answer.headers['content-type'] ?? 'application/json' };
      buffer(answer).then(
        (body) => resolve({ status: answer.statusCode ?? 0, headers: given, body: body.toString() }),
        reject,
      );
    });
    request.on('error', reject);
    request.end(bytes);
  });
}
