// Which answered requests have changed what the reconciler goes by: it is told of those, and of no other.
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** Not GET, and yet nothing is declared or asked for by them. A stream's records are its producers', as many requests as they like. */
const changesNothing: readonly RegExp[] = [/^\/v1\/(plan|try|sql)$/, /^\/v1\/streams\/[^/]+\/records$/];

export function changesGoals(
  {
    requestContext: { http },
    queryStringParameters,
  }: Pick<APIGatewayProxyEventV2, 'queryStringParameters'> & {
    readonly requestContext: { readonly http: { readonly method: string; readonly path: string } };
  },
  statusCode: number,
): boolean {
  if (http.method === 'GET' || statusCode >= 300 || queryStringParameters?.['dryRun'] === 'true') return false;
  return !changesNothing.some((path) => path.test(http.path));
}
