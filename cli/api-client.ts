// The HTTP API as the commands call it: deadlines, retries of what may be sent twice, and its problems as errors.
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, exitCodes } from '#cli/exit.ts';
import { proveIdentity } from '#cli/prove-identity.ts';
import type { PageView, ProblemView } from '#core/api/wire.ts';
import { messageOf } from '#core/errors.ts';
import { environment } from '#core/names.ts';

const requestMs = 30_000;
const retryPausesMs = [200, 600, 1_500] as const;
const pageItems = 200;
const authorCharsMax = 60;
/** A list is read to its end, within reason. */
const pagesMax = 100;

/** The API refused, in its own words (RFC 9457). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly problem: ProblemView;
  readonly request: string;
  constructor(problem: ProblemView, request: string) {
    super(problem.detail || problem.title);
    this.problem = problem;
    this.request = request;
  }
}

export interface ApiRequest {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly json?: unknown;
  readonly ndjson?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Until the whole answer is here (for a stream: until it begins). */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** Numbers that JavaScript cannot hold keep their text (for events that are shown again, never computed with). */
  readonly exact?: boolean;
}

export interface ApiClient {
  readonly url: string;
  readonly get: <Answer>(path: string, request?: ApiRequest) => Promise<Answer>;
  /** Sent again with the same Idempotency-Key where no answer came. */
  readonly put: <Answer>(path: string, request: ApiRequest) => Promise<Answer>;
  /** Sent once, unless `headers` bear an Idempotency-Key. */
  readonly post: <Answer>(path: string, request: ApiRequest) => Promise<Answer>;
  readonly remove: <Answer>(path: string, request?: ApiRequest) => Promise<Answer>;
  /** All items of a paged list. */
  readonly list: <Item>(path: string, query?: ApiRequest['query']) => Promise<readonly Item[]>;
  /** The answer's body as it arrives. */
  readonly stream: (path: string, request?: ApiRequest) => Promise<Response>;
}

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** `where` says how the address was found, for the message when nobody answers there. */
export function createApiClient(baseUrl: string, where: string): ApiClient {
  const url = baseUrl.replace(/\/+$/, '');
  const call = async <Answer>(method: Method, path: string, request: ApiRequest, again: boolean): Promise<Answer> => {
    const response = await send(url, where, method, path, request, again);
    const text = await response.text();
    return (text === '' ? null : readJson(text, `${method} ${path}`, request.exact)) as Answer;
  };
  const get: ApiClient['get'] = (path, request = {}) => call('GET', path, request, true);
  return {
    url,
    get,
    put: (path, request) => call('PUT', path, withKey(request), true),
    post: (path, request) => call('POST', path, request, request.headers?.['idempotency-key'] !== undefined),
    remove: (path, request = {}) => call('DELETE', path, withKey(request), true),
    stream: (path, request = {}) => send(url, where, 'GET', path, request, false),
    list: async <Item>(path: string, query: ApiRequest['query'] = {}) => {
      const items: Item[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < pagesMax; page++) {
        const answer: PageView<Item> = await get(path, { query: { limit: pageItems, ...query, cursor } });
        items.push(...answer.items);
        cursor = answer.cursor;
        if (cursor === undefined || (typeof query['limit'] === 'number' && items.length >= query['limit'])) break;
      }
      return items;
    },
  };
}

/** A key under which the API knows a repeated request again. */
export const newIdempotencyKey = (): string => randomUUID();

const withKey = (request: ApiRequest): ApiRequest => ({
  ...request,
  headers: { 'idempotency-key': newIdempotencyKey(), ...request.headers },
});

async function send(
  url: string,
  where: string,
  method: Method,
  path: string,
  request: ApiRequest,
  mayRepeat: boolean,
): Promise<Response> {
  const target = withQuery(`${url}${path}`, request.query);
  for (let attempt = 0; ; attempt++) {
    const pauseMs = mayRepeat ? retryPausesMs[attempt] : undefined;
    try {
      const response = await fetchOnce(target, method, request);
      if (response.ok) return response;
      const problem = await readProblem(response, `${method} ${path}`);
      if (pauseMs === undefined || ![429, 502, 503, 504].includes(response.status)) throw problem;
    } catch (error) {
      if (error instanceof ApiError || error instanceof CommandError || request.signal?.aborted) throw error;
      // Nobody listens: waiting for somebody to start would only hide it.
      if (pauseMs === undefined || isRefused(error)) throw unreachable(url, where, error, request);
    }
    await sleep(pauseMs);
  }
}

async function fetchOnce(target: string, method: Method, request: ApiRequest): Promise<Response> {
  const deadline = AbortSignal.timeout(request.deadlineMs ?? requestMs);
  const signal = request.signal ? AbortSignal.any([deadline, request.signal]) : deadline;
  const body = request.ndjson ?? (request.json === undefined ? undefined : JSON.stringify(request.json));
  const contentType = request.ndjson ? 'application/x-ndjson' : 'application/json';
  const headers = {
    accept: 'application/json',
    'millrace-author': author(),
    ...(body === undefined ? {} : { 'content-type': contentType }),
    ...request.headers,
  };
  const proof = await proveIdentity(process.env, { method, url: target, headers, body });
  return fetch(target, {
    method,
    signal,
    headers: { ...headers, ...proof },
    ...(body === undefined ? {} : { body }),
  });
}

/** Who asks, as far as this machine knows; behind a gateway its authorizer knows better. */
function author(): string {
  let name = process.env['MILLRACE_AUTHOR'] ?? process.env['USER'] ?? '';
  try {
    if (name === '') name = userInfo().username;
  } catch {
    // A user id without a name.
  }
  return name.replace(/[^\x20-\x7e]/g, '?').slice(0, authorCharsMax);
}

function withQuery(target: string, query: ApiRequest['query'] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.append(name, String(value));
  return search.size === 0 ? target : `${target}?${search}`;
}

/** Newer than the compiler's library: a number's own text, and JSON that stays as it was written. */
type ReviveExact = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

const keepNumbers: ReviveExact = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value;

function readJson(text: string, request: string, exact = false): unknown {
  try {
    return exact ? JSON.parse(text, keepNumbers as (key: string, value: unknown) => unknown) : JSON.parse(text);
  } catch {
    throw notTheApi(request, `got ${JSON.stringify(text.slice(0, 60))}, expected JSON`);
  }
}

async function readProblem(response: Response, request: string): Promise<ApiError | CommandError> {
  const text = await response.text();
  let problem: Partial<ProblemView> | null = null;
  try {
    problem = JSON.parse(text) as Partial<ProblemView> | null;
  } catch {
    // Told below.
  }
  if (typeof problem?.title !== 'string' && [401, 403].includes(response.status))
    return new CommandError(exitCodes.failure, `${request}: the gateway does not take who asks (${response.status})`, {
      fix: `set ${environment.apiToken}, or for an API that takes AWS identities AWS_ACCESS_KEY_ID and its like`,
    });
  if (typeof problem?.title !== 'string')
    return notTheApi(
      request,
      `got status ${response.status} and ${JSON.stringify(text.slice(0, 60))}, expected problem+json`,
    );
  return new ApiError(
    { type: 'about:blank', code: 'unknown', detail: '', ...problem, title: problem.title, status: response.status },
    request,
  );
}

const notTheApi = (request: string, what: string): CommandError =>
  new CommandError(exitCodes.failure, `${request}: ${what}`, {
    fix: 'check that --api or MILLRACE_API is the address of a Millrace API of this version',
  });

const isRefused = (error: unknown): boolean =>
  ['ECONNREFUSED', 'ENOTFOUND'].includes(String((causeOf(error) as { code?: unknown } | null)?.code));

const causeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? error.cause : error;

function unreachable(url: string, where: string, error: unknown, request: ApiRequest): CommandError {
  if (error instanceof Error && error.name === 'TimeoutError')
    return new CommandError(
      exitCodes.timeout,
      `the API at ${url} gave no answer within ${(request.deadlineMs ?? requestMs) / 1_000} s`,
      { fix: 'millrace status' },
    );
  return new CommandError(
    exitCodes.failure,
    `the API at ${url} (${where}) cannot be reached: ${messageOf(causeOf(error))}`,
    {
      fix: 'millrace up        starts the platform on this machine\nmillrace status    shows what runs',
      cause: error,
    },
  );
}
