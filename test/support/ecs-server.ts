// ECS as its API reference says it behaves, over HTTP on this machine: for the adapter's contract, reached by the real SDK.
//
// What it keeps to, and where AWS says so: idempotency tokens ("Ensuring idempotency", ECS API Reference), the life of a
// task ("Amazon ECS task lifecycle"), throttling ("Request throttling for the Amazon ECS API"), limits of parameters and
// error codes (RunTask, StopTask, ListTasks, DescribeTasks in the API Reference), and eventual consistency (RunTask: "the
// Amazon ECS API follows an eventual consistency model").
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EcsModel, type EcsModelOptions, EcsRefusal } from './ecs-model.ts';

/** What befalls a request: `cut` carries it out and answers nothing. */
export type Fault = 'throttle' | 'cut' | 'server-error' | null;

export interface EcsServer extends AsyncDisposable {
  readonly url: string;
  readonly model: EcsModel;
  /** Calls by action, throttled ones included. */
  readonly calls: ReadonlyMap<string, number>;
  /** Asked before each request. */
  fault: (action: string) => Fault;
}

const targetPrefix = 'AmazonEC2ContainerServiceV20141113.';

export async function startEcsServer(options: EcsModelOptions): Promise<EcsServer> {
  const model = new EcsModel(options);
  const calls = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  const self: EcsServer = {
    ...{ url: '', model, calls, fault: () => null },
    [Symbol.asyncDispose]: async () => {
      model.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const action = String(request.headers['x-amz-target'] ?? '').replace(targetPrefix, '');
    calls.set(action, (calls.get(action) ?? 0) + 1);
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    };
    const fault = self.fault(action);
    if (fault === 'throttle') return send(400, { __type: 'ThrottlingException', message: 'Rate exceeded' });
    if (fault === 'server-error') return send(500, { __type: 'ServerException', message: 'Service Unavailable' });
    try {
      const body = model.call(action, JSON.parse(Buffer.concat(chunks).toString() || '{}'));
      if (fault === 'cut') response.destroy();
      else send(200, body);
    } catch (error) {
      if (!(error instanceof EcsRefusal)) throw error;
      send(400, { __type: error.code, message: error.message, ...error.more });
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(self, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
