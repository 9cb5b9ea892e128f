// ECS over HTTP on this machine, reached by the real SDK: its JSON protocol, what may befall a request, and the shapes that both sides are held to.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as sdk from '@aws-sdk/client-ecs';
import { type Body, EcsApi, type EcsApiOptions, EcsRefusal } from './ecs-api.ts';
import { type Shape, shapeFaults } from './smithy-shape.ts';

/**
 * What befalls a request: `cut` carries it out and answers nothing; what is held waits, before it is carried out
 * (`request`) or with its answer (`answer`), until the promise is kept.
 */
export type Fault =
  | 'throttle'
  | 'cut'
  | 'server-error'
  | { readonly hold: 'request' | 'answer'; readonly until: Promise<unknown> }
  | null;

export interface EcsServer extends AsyncDisposable {
  readonly url: string;
  readonly api: EcsApi;
  /** Calls by action, throttled ones included. */
  readonly calls: ReadonlyMap<string, number>;
  /** Asked before each request. */
  fault: (action: string) => Fault;
}

const targetPrefix = 'AmazonEC2ContainerServiceV20141113.';

/** The operations that are served, with the shapes of what goes in and what comes out. */
const shapes: Readonly<Record<string, { readonly request: Shape; readonly answer: Shape }>> = {
  RunTask: { request: sdk.RunTaskRequest$, answer: sdk.RunTaskResponse$ },
  StopTask: { request: sdk.StopTaskRequest$, answer: sdk.StopTaskResponse$ },
  ListTasks: { request: sdk.ListTasksRequest$, answer: sdk.ListTasksResponse$ },
  DescribeTasks: { request: sdk.DescribeTasksRequest$, answer: sdk.DescribeTasksResponse$ },
};

/** What ECS refuses with, by name; "Common Error Types" of all AWS actions are in no service's model. */
const errorShapes: Readonly<Record<string, Shape>> = {
  ClientException: sdk.ClientException$,
  ClusterNotFoundException: sdk.ClusterNotFoundException$,
  ConflictException: sdk.ConflictException$,
  InvalidParameterException: sdk.InvalidParameterException$,
  ServerException: sdk.ServerException$,
};
const commonErrors = ['ThrottlingException', 'UnknownOperationException', 'SerializationException'];

export async function startEcsServer(options: EcsApiOptions): Promise<EcsServer> {
  const api = new EcsApi(options);
  const calls = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => send(response, refusal('ServerException', String(error))));
  });
  const self: EcsServer = {
    ...{ url: '', api, calls, fault: () => null },
    [Symbol.asyncDispose]: async () => {
      api.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const action = String(request.headers['x-amz-target'] ?? '').replace(targetPrefix, '');
    calls.set(action, (calls.get(action) ?? 0) + 1);
    const fault = self.fault(action);
    if (fault === 'throttle') return send(response, refusal('ThrottlingException', 'Rate exceeded'));
    if (fault === 'server-error') return send(response, refusal('ServerException', 'Service Unavailable'));
    const held = fault === 'cut' ? null : fault;
    if (held?.hold === 'request') await held.until;
    const answer = answerTo(api, action, JSON.parse(Buffer.concat(chunks).toString() || '{}') as Body);
    if (held?.hold === 'answer') await held.until;
    if (fault === 'cut') response.destroy();
    else send(response, answer);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(self, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

interface Answer {
  readonly status: 200 | 400 | 500;
  readonly body: Body;
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(body));
}

/** A request that is not of its shape is refused as AWS does; an answer that is not of its shape is a fault of this server. */
function answerTo(api: EcsApi, action: string, asked: Body): Answer {
  const shape = shapes[action];
  const misfits = shape ? shapeFaults(shape.request, asked) : [];
  if (misfits.length > 0) return refusal('SerializationException', misfits.join('; '));
  try {
    const body = api.call(action, asked);
    if (shape) holdTo(shape.answer, body);
    return { status: 200, body };
  } catch (error) {
    if (!(error instanceof EcsRefusal)) throw error;
    return refusal(error.code, error.message, error.more);
  }
}

function refusal(code: string, message: string, more: Body = {}): Answer {
  const shape = errorShapes[code];
  if (shape) holdTo(shape, { ...more, message });
  else if (!commonErrors.includes(code)) throw new Error(`ECS has no error ${code}`);
  return { status: code === 'ServerException' ? 500 : 400, body: { __type: code, message, ...more } };
}

function holdTo(shape: Shape, body: Body): void {
  const misfits = shapeFaults(shape, JSON.parse(JSON.stringify(body)));
  if (misfits.length > 0) throw new Error(`ECS answers nothing like it: ${misfits.join('; ')}`);
}
