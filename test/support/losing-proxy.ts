// A TCP proxy in front of a part that loses answers after the part has carried out the request, or goes silent.
import { connect, createServer, type Socket } from 'node:net';

export interface LosingProxy {
  readonly url: string;
  /** The next answers are cut off: the request was carried out, and the client does not learn it. */
  loseAnswers(count: number): void;
  /** Nothing is answered any more, and no connection is closed. */
  silence(): void;
  close(): void;
}

export async function losingProxy(target: string): Promise<LosingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let toLose = 0;
  let isSilent = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  };
  const server = createServer((client) => {
    const upstream = keep(connect(Number(port), hostname));
    keep(client).pipe(upstream);
    upstream.on('data', (answer) => {
      if (isSilent) return;
      if (toLose === 0) {
        client.write(answer);
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
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
