// From method and path to the endpoint, and what HTTP asks for before it runs: sizes, content types, agreement on a form.
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { readJson } from '#core/api/read-json.ts';
import { messageOf } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { didYouMean } from '#core/spec/nearest.ts';
import { callerOf } from '#functions/api/caller.ts';
import type { Answer, Caller, Endpoint, RawRequest } from '#functions/api/endpoint.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { requireRole } from '#functions/api/roles.ts';

export interface RequestContext {
  readonly signal: AbortSignal;
  readonly streams: boolean;
}

export async function route(
  endpoints: readonly Endpoint[],
  event: APIGatewayProxyEventV2,
  context: RequestContext,
  parts: ApiParts,
): Promise<Answer> {
  const { endpoint, params } = findEndpoint(endpoints, event.requestContext.http.method, event.rawPath);
  const headers = lowerCase(event.headers);
  // Before anything that they sent is looked at.
  const caller = endpoint.open ? nobody : callerOf(event, headers, parts.identity);
  if (!endpoint.open) await admit(endpoint, caller, parts);
  const body = bodyOf(event);
  const accepted = agree(endpoint, headers['accept']);
  const { contentType, json } = readBody(endpoint, headers, body);
  const request: RawRequest = {
    ...{ params, query: queryOf(event.rawQueryString), headers, body, json, contentType, accepted },
    ...{ caller, signal: context.signal, streams: context.streams },
  };
  return await endpoint.run(request, parts);
}

const nobody: Caller = { tenant: '', author: '', teams: null, role: 'viewer' };

/** A budget that cannot be read keeps nobody out: what needs the same database will say that it is down. */
async function admit(endpoint: Endpoint, caller: Caller, { budget, logger }: ApiParts): Promise<void> {
  requireRole(endpoint, caller);
  const taken = await budget.take(caller.tenant).catch((error: unknown) => {
    logger.warn('requests of tenants are not counted', { error: messageOf(error) });
    return 'taken' as const;
  });
  if (taken === 'taken') return;
  throw new ApiRefusal(429, 'too-many-requests', `${caller.tenant} has made more requests than it may for now`, {
    headers: { 'retry-after': '1' },
    fix: 'ask again in a second, less often; many documents fit into one apply',
  });
}

function findEndpoint(
  endpoints: readonly Endpoint[],
  method: string,
  rawPath: string,
): { endpoint: Endpoint; params: Record<string, string> } {
  const matches = endpoints.flatMap((endpoint) => {
    const params = matchPath(endpoint.path, rawPath);
    return params === null ? [] : [{ endpoint, params }];
  });
  if (matches.length === 0) {
    const known = [...new Set(endpoints.map((endpoint) => endpoint.path))];
    throw new ApiRefusal(404, 'path-unknown', `there is nothing at ${shown(rawPath)}${didYouMean(rawPath, known)}`, {
      fix: 'GET /v1/openapi.json tells what there is',
    });
  }
  const match = matches.find(({ endpoint }) => endpoint.method === (method === 'HEAD' ? 'GET' : method));
  if (match) return match;
  const allowed = [...new Set(matches.map(({ endpoint }) => endpoint.method))].join(', ');
  throw new ApiRefusal(405, 'method-not-allowed', `got ${shown(method)}, expected ${allowed}`, {
    headers: { allow: allowed },
  });
}

const shown = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);

/** The parameters by name, decoded; null where the path does not fit the template. */
export function matchPath(template: string, path: string): Record<string, string> | null {
  const wanted = template.split('/');
  const got = path.split('/');
  if (wanted.length !== got.length) return null;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = got[index]!;
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) {
      if (segment !== value) return null;
      continue;
    }
    if (value === '') return null;
    try {
      params[name] = decodeURIComponent(value);
    } catch {
      return null;
    }
  }
  return params;
}

const lowerCase = (headers: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value ?? '']));

const bodyOf = (event: APIGatewayProxyEventV2): Uint8Array =>
  Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');

/** One value a name: which of two was meant cannot be known. */
function queryOf(rawQuery: string): Record<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    if (query.has(name)) throw new ApiRefusal(400, 'query-invalid', `got the parameter ${shown(name)} more than once`);
    query.set(name, value);
  }
  return Object.fromEntries(query);
}

/** The first of the forms that the endpoint can answer in, by its own order, that the client takes. */
function agree(endpoint: Endpoint, accept: string | undefined): string {
  const offered = Object.values(endpoint.answers).flatMap(
    (answer) => answer.contentTypes ?? (answer.schema ? ['application/json'] : []),
  );
  if (offered.length === 0) return '';
  const ranges = acceptRanges(accept);
  const best = offered
    .map((type) => ({ type, quality: qualityOf(type, ranges) }))
    .reduce((a, b) => (b.quality > a.quality ? b : a));
  if (best.quality > 0) return best.type;
  throw new ApiRefusal(406, 'not-acceptable', `got accept ${shown(accept ?? '')}, expected ${offered.join(' or ')}`);
}

interface AcceptRange {
  readonly range: string;
  readonly quality: number;
}

function acceptRanges(accept: string | undefined): readonly AcceptRange[] {
  if (accept === undefined || accept.trim() === '') return [{ range: '*/*', quality: 1 }];
  return accept.split(',').map((part) => {
    const [range = '', ...settings] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const quality = Number(settings.find((setting) => setting.startsWith('q='))?.slice(2) ?? 1);
    return { range, quality: Number.isFinite(quality) ? quality : 0 };
  });
}

/** The most specific range that fits decides. */
function qualityOf(type: string, ranges: readonly AcceptRange[]): number {
  for (const fitting of [type, `${type.split('/')[0]}/*`, '*/*']) {
    const found = ranges.find((candidate) => candidate.range === fitting);
    if (found) return found.quality;
  }
  return 0;
}

function readBody(
  endpoint: Endpoint,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): { contentType: string; json: unknown } {
  const statement = endpoint.body;
  if (statement === undefined) {
    if (body.length === 0) return { contentType: '', json: undefined };
    throw new ApiRefusal(400, 'body-unexpected', `got a body of ${body.length} bytes, expected none`);
  }
  if (body.length > statement.bytesMax) throw tooLarge(body.length, statement.bytesMax);
  const taken = statement.rawTypes ?? ['application/json'];
  const [contentType = '', ...settings] = (headers['content-type'] ?? '')
    .split(';')
    .map((piece) => piece.trim().toLowerCase());
  const charset = settings
    .find((setting) => setting.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  if (!taken.includes(contentType) || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8'))
    throw new ApiRefusal(
      415,
      'content-type-unsupported',
      `got content type ${shown(headers['content-type'] ?? '')}, expected ${taken.join(' or ')}`,
    );
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    throw new ApiRefusal(415, 'content-encoding-unsupported', 'got an encoded body, expected it as it is');
  return { contentType, json: statement.rawTypes === undefined ? parseJson(body, statement.keysMax) : undefined };
}

export const tooLarge = (gotBytes: number | null, bytesMax: number): ApiRefusal =>
  new ApiRefusal(
    413,
    'body-too-large',
    `got a body of ${gotBytes === null ? 'more' : `${gotBytes} bytes`}, expected at most ${bytesMax} bytes`,
    bytesMax === limits.requestBytesMax ? { fix: 'send it in several requests' } : {},
  );

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseJson(body: Uint8Array, keysMax?: number): unknown {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    throw new ApiRefusal(400, 'not-utf8', 'got a body that is not UTF-8');
  }
  const parsed = readJson(text, keysMax === undefined ? {} : { keysMax });
  if (parsed.ok) return parsed.value;
  const { code, message } = parsed.problem;
  throw new ApiRefusal(
    code === 'not-json' ? 400 : 422,
    code,
    message,
    code === 'too-many-keys' ? { fix: 'send it in several requests, or as several smaller documents' } : {},
  );
}
