// The platform's API called as a function, by a program whose right is to call that function: with the event that its gateway would send.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { waitAtMost } from '#adapters/aws/waits.ts';
import { unavailable } from '#core/errors.ts';
import type { ApiAnswer, ApiAsk, ApiCaller } from '#core/ports/api-caller.ts';

/** The API answers within 29 s or not at all. */
const requestMsDefault = 30_000;

export function apiFunction(options: {
  readonly region: string;
  readonly functionName: string;
  readonly endpoint?: string;
  readonly requestMs?: number;
}): ApiCaller {
  const { region, functionName, endpoint, requestMs = requestMsDefault } = options;
  const client = new LambdaClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    requestHandler: waitAtMost(requestMs),
  });
  return async (ask, caller) => {
    const command = { FunctionName: functionName, Payload: Buffer.from(JSON.stringify(gatewayEvent(ask, caller))) };
    const { FunctionError, Payload } = await client.send(new InvokeCommand(command)).catch((error: unknown) => {
      throw unavailable('api', error);
    });
    const text = Buffer.from(Payload ?? []).toString();
    if (FunctionError !== undefined) throw unavailable('api', new Error(text.slice(0, 500)));
    return readAnswer(JSON.parse(text) as GatewayAnswer);
  };
}

/** Payload format 2.0. `caller` stands where the gateway puts the identity of a signed request. */
export function gatewayEvent({ method, path, headers, body }: ApiAsk, caller: string): object {
  const [rawPath = '', rawQueryString = ''] = path.split('?');
  return {
    ...{ version: '2.0', routeKey: '$default', rawPath, rawQueryString, isBase64Encoded: false },
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    requestContext: {
      ...{ requestId: '', stage: '$default', http: { method, path: rawPath } },
      authorizer: { iam: { userArn: caller } },
    },
  };
}

export interface GatewayAnswer {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

export function readAnswer({ statusCode = 500, headers = {}, body = '', isBase64Encoded }: GatewayAnswer): ApiAnswer {
  const text = isBase64Encoded === true ? Buffer.from(body, 'base64').toString() : body;
  return {
    status: statusCode,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)])),
    body: text === '' ? null : JSON.parse(text),
  };
}
