// The API as one function: the router behind the middy chain, and the form that API Gateway's HTTP APIs take answers in.
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { ApiParts } from '#functions/api/parts.ts';
import { route } from '#functions/api/router.ts';
import { endpoints } from '#functions/api/routes.ts';
import { type ApiHandler, forApi, forWholeAnswers, type Outgoing, type ServedContext } from '#functions/middleware.ts';

/** Its answers leave as they are made, as long as their clients stay. */
export const createApi = (parts: ApiParts): ApiHandler => forApi(routed(parts, { streams: true }), parts.logger);

/** Its answers leave as a whole, and soon. */
export const createWholeApi = (parts: ApiParts): ApiHandler<Outgoing<Uint8Array>> =>
  forWholeAnswers(routed(parts, { streams: false }), parts.logger, answerBytesMax);

const routed =
  (parts: ApiParts, { streams }: { readonly streams: boolean }) =>
  (event: APIGatewayProxyEventV2, context: ServedContext) =>
    route(endpoints, event, { signal: signalOf(context), streams }, parts);

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
  const api = createWholeApi(parts);
  return async (event, context) => {
    const { status, headers, body } = await api(event, context);
    const text = Buffer.from(body).toString('base64');
    return { statusCode: status, headers: { ...headers }, body: text, isBase64Encoded: true };
  };
}

/** Lambda hands on 6 MB, in which bytes are text of four characters for three; and the envelope. */
export const answerBytesMax = Math.floor((6 * 1024 * 1024 - 64 * 1024) * 0.75);
