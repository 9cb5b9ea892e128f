// The API as one function: the router behind the middy chain, and the form that API Gateway's HTTP APIs take answers in.
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { ApiParts } from '#functions/api/parts.ts';
import { ApiRefusal, problemOf } from '#functions/api/refusal.ts';
import { route } from '#functions/api/router.ts';
import { endpoints } from '#functions/api/routes.ts';
import { type ApiHandler, forApi, type Outgoing, type ServedContext } from '#functions/middleware.ts';

/** `streamed`: an answer leaves as it is made, as long as its client stays. `collected`: as a whole, and soon. */
export type Delivery = 'streamed' | 'collected';

export const createApi = (parts: ApiParts, delivery: Delivery): ApiHandler =>
  forApi(
    (event, context) => route(endpoints, event, { signal: signalOf(context), streams: delivery === 'streamed' }, parts),
    parts.logger,
  );

/** Time enough left to answer. */
const answerMs = 1_000;

function signalOf(context: ServedContext): AbortSignal {
  if (context.signal) return context.signal;
  const leftMs = context.getRemainingTimeInMillis?.();
  return leftMs === undefined ? new AbortController().signal : AbortSignal.timeout(Math.max(0, leftMs - answerMs));
}

/** The Lambda function. */
export function createLambda(
  parts: ApiParts,
): (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2> {
  const api = createApi(parts, 'collected');
  return async (event, context) => {
    const { status, headers, body } = await api(event, context);
    const bytes = await collect(body);
    if (bytes.length > answerBytesMax) return tooMuch(bytes.length);
    return { statusCode: status, headers: { ...headers }, body: bytes.toString('base64'), isBase64Encoded: true };
  };
}

/** Lambda hands on 6 MB, in which bytes are text of four characters for three; and the envelope. */
export const answerBytesMax = Math.floor((6 * 1024 * 1024 - 64 * 1024) * 0.75);

function tooMuch(bytes: number): APIGatewayProxyStructuredResultV2 {
  const detail = `the answer has ${bytes} bytes, and at most ${answerBytesMax} can leave at once`;
  const { view } = problemOf(new ApiRefusal(422, 'answer-too-large', detail, { fix: 'ask for fewer: limit' }), '');
  return { statusCode: 422, headers: { 'content-type': 'application/problem+json' }, body: JSON.stringify(view) };
}

async function collect(body: Outgoing['body']): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
