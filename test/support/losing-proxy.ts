// A TCP proxy in front of a part that loses answers after the part has carried out the request, or goes silent.
import { connect, createServer, type Socket } from 'node:net';

export interface LosingProxy {
  readonly url: string;
  /** The next answers are cut off: the request was carried out, and the client does not learn it. */
  loseAnswers(count: number): void;
  /** Nothing is answered any more, and no connection is closed. */
  silence(): void;
  /** From now on an answer's headers come, and nothing of its body; its connection stays. */
  stallBodies(): void;
  /** Connections that were silent or stalled are closed; new ones are answered. */
  speak(): void;
  /** The next connection that has sent so many bytes is broken off, in the middle of whatever it was sending. */
  cutRequestAfter(bytes: number): void;
  close(): void;
}

export async function losingProxy(target: string): Promise<LosingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let toLose = 0;
  let isSilent = false;
  let cutAfter = Infinity;
  let isStalling = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  };
  const server = createServer((client) => {
    const upstream = keep(connect(Number(port), hostname));
    let sentBytes = 0;
    let isInBody = false;
    keep(client).on('data', (request) => {
      sentBytes += request.length;
      isInBody = false;
      upstream.write(request.subarray(0, Math.max(0, request.length - Math.max(0, sentBytes - cutAfter))));
      if (sentBytes < cutAfter) return;
      cutAfter = Infinity;
      client.destroy();
      upstream.end();
    });
    upstream.on('data', (answer) => {
      if (isSilent) return;
      if (toLose === 0) {
        const headersEnd = isInBody ? 0 : answer.indexOf('\r\n\r\n') + 4;
        isInBody ||= headersEnd >= 4;
        client.write(isStalling && isInBody ? answer.subarray(0, headersEnd) : answer);
        return;
      }
      toLose--;
      client.destroy();
      upstream.destroy();
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => !isSilent && client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    loseAnswers: (count) => {
      toLose = count;
    },
    silence: () => {
      isSilent = true;
    },
    stallBodies: () => {
      isStalling = true;
    },
    speak: () => {
      isSilent = false;
      isStalling = false;
      for (const socket of sockets) socket.destroy();
    },
    cutRequestAfter: (bytes) => {
      cutAfter = bytes;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
