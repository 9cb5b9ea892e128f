// The middy chain of every API request: an id, one log line, headers that every answer bears, errors as problems.
import { randomUUID } from 'node:crypto';
import middy, { type MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type { Logger } from '#core/ports/logger.ts';
import type { Answer } from '#functions/api/endpoint.ts';
import { ApiRefusal, problemOf } from '#functions/api/refusal.ts';

/** An answer that is on its way out: the status and headers stand; lines may still be coming. */
export interface Outgoing<Body = Uint8Array | AsyncIterable<Uint8Array>> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

/** Locally a request also bears the signal of its connection. */
export type ServedContext = Partial<Context> & { readonly signal?: AbortSignal };

export type ApiHandler<Answered = Outgoing> = (
  event: APIGatewayProxyEventV2,
  context: ServedContext,
) => Promise<Answered>;
type Handle = (event: APIGatewayProxyEventV2, context: ServedContext) => Promise<Answer>;

interface Internal extends Record<string, unknown> {
  requestId: string;
  startedAt: number;
}
type Layer = MiddlewareObj<APIGatewayProxyEventV2, Answer | Outgoing, Error, Context, Internal>;

export const forApi = (handle: Handle, logger: Logger): ApiHandler => chainOf(handle, logger, []) as ApiHandler;

/** For answers that leave as a whole: what fails while its lines are made is answered, and logged, as what fails before. */
export const forWholeAnswers = (handle: Handle, logger: Logger, bytesMax: number): ApiHandler<Outgoing<Uint8Array>> =>
  chainOf(handle, logger, [collected(bytesMax)]) as ApiHandler<Outgoing<Uint8Array>>;

/** `leaving`: after the answer has got its form, and before it is logged. */
const chainOf = (handle: Handle, logger: Logger, leaving: readonly Layer[]): unknown =>
  middy<APIGatewayProxyEventV2, Answer | Outgoing, Error, Context, Internal>()
    .use([requestId(), logLine(logger), ...leaving, outgoing(), problems(logger)])
    .handler(handle as never);

/** The gateway's id where there is one, so that its log and ours meet. */
const requestId = (): Layer => ({
  before: (request) => {
    request.internal.requestId = request.event.requestContext.requestId || randomUUID();
    request.internal.startedAt = performance.now();
  },
});

/** After the others have run: what was asked, what was answered, how long it took. Bodies and queries stay out of it. */
function logLine(logger: Logger): Layer {
  const log: NonNullable<Layer['after']> = (request) => {
    const { method, path } = request.event.requestContext.http;
    const status = (request.response as Outgoing | undefined)?.status ?? 500;
    logger.info('request', {
      ...{ requestId: request.internal.requestId, method, path: path.slice(0, 200), status },
      durationMs: Math.round(performance.now() - request.internal.startedAt),
    });
  };
  return { after: log, onError: log };
}

const encoder = new TextEncoder();

/** The answer's form becomes bytes; what is declared and its status are nobody's to cache. */
function outgoing(): Layer {
  const finish: NonNullable<Layer['after']> = (request) => {
    const answer = request.response as Answer;
    const always = {
      'millrace-request-id': request.internal.requestId,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    };
    request.response = dress(answer, always);
  };
  return { after: finish, onError: finish };
}

function dress(answer: Answer, always: Readonly<Record<string, string>>): Outgoing {
  switch (answer.kind) {
    case 'empty':
      return { status: answer.status, headers: always, body: new Uint8Array(0) };
    case 'json': {
      const headers = { 'content-type': 'application/json', ...always, ...answer.headers };
      return { status: answer.status, headers, body: encoder.encode(JSON.stringify(answer.body)) };
    }
    case 'json-text': {
      const headers = { 'content-type': 'application/json', ...always };
      return { status: answer.status, headers, body: encoder.encode(answer.text) };
    }
    case 'lines':
      return { status: 200, headers: { 'content-type': answer.contentType, ...always }, body: answer.lines };
  }
}

const collected = (bytesMax: number): Layer => ({
  after: async (request) => {
    const answer = request.response as Outgoing;
    const body = await collect(answer.body);
    if (body.length > bytesMax) throw tooMuch(body.length, bytesMax);
    request.response = { ...answer, body };
  },
});

async function collect(body: Outgoing['body']): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const tooMuch = (bytes: number, bytesMax: number): ApiRefusal =>
  new ApiRefusal(422, 'answer-too-large', `the answer has ${bytes} bytes, and at most ${bytesMax} can leave at once`, {
    fix: 'ask for fewer: limit',
  });

/** A fault of ours is logged with all there is, a part that is down by its name; a user's fault is their answer. */
const problems = (logger: Logger): Layer => ({
  onError: (request) => {
    const { requestId: id } = request.internal;
    const { view, headers } = problemOf(request.error, id);
    const { status, code, detail } = view;
    if (status === 500) logger.error('request failed', { requestId: id, error: request.error });
    else if (status > 500) logger.warn('request put off', { requestId: id, code, detail });
    const answer: Answer = {
      ...{ kind: 'json', status: view.status, body: view },
      headers: { ...headers, 'content-type': 'application/problem+json' },
    };
    request.response = answer;
  },
});
