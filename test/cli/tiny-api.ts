// A small HTTP server that gives prepared answers, for what the commands do with answers; the real API has its own tests.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Answer {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly type?: string;
  /** Sends, and does not end. */
  readonly keepOpen?: boolean;
  /** Sends, and ends the connection in the middle of it. */
  readonly breakOff?: boolean;
  /** Ends the connection without an answer. */
  readonly hangUp?: boolean;
}

export interface TinyApi {
  readonly url: string;
  readonly seen: readonly Seen[];
  readonly close: () => Promise<void>;
}

/** `answer` gives null for what it does not know: 404 then. */
export async function startTinyApi(
  answer: (request: Seen) => Answer | null | Promise<Answer | null>,
): Promise<TinyApi> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then(async (body) => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      const one: Seen = {
        method: request.method ?? '',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body,
      };
      seen.push(one);
      const given = (await answer(one)) ?? {
        status: 404,
        json: { type: 'about:blank', title: 'Not found', status: 404, detail: `no ${one.path}`, code: 'not-found' },
      };
      if (given.hangUp) return request.socket.destroy();
      response.writeHead(given.status ?? 200, { 'content-type': given.type ?? 'application/json' });
      if (given.breakOff) return response.write(given.text ?? '', () => request.socket.destroy());
      if (given.keepOpen) return response.write(given.text ?? '');
      return response.end(given.text ?? JSON.stringify(given.json));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
