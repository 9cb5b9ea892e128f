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
/** A list is read to its end; one that goes on beyond this has none. */
const pagesMax = 1_000;

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
  /** All items of a paged list, or the first so many. */
  readonly list: <Item>(path: string, itemsMax?: number) => Promise<readonly Item[]>;
  /** The answer's body as it arrives. */
  readonly stream: (path: string, request?: ApiRequest) => Promise<Response>;
}

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** An API's address, and how it was found, for the message when nobody answers there. */
interface Place {
  readonly url: string;
  readonly where: string;
}

interface Call {
  readonly place: Place;
  readonly method: Method;
  readonly path: string;
  readonly request: ApiRequest;
  readonly mayRepeat: boolean;
}

export function createApiClient(baseUrl: string, where: string): ApiClient {
  const url = baseUrl.replace(/\/+$/, '');
  const place = { url, where };
  const call = async <Answer>(method: Method, path: string, request: ApiRequest, again: boolean): Promise<Answer> => {
    const text = await send({ place, method, path, request, mayRepeat: again }, (response) => response.text());
    return (text === '' ? null : readJson(text, `${method} ${path}`, request.exact)) as Answer;
  };
  const get: ApiClient['get'] = (path, request = {}) => call('GET', path, request, true);
  return {
    url,
    get,
    put: (path, request) => call('PUT', path, withKey(request), true),
    post: (path, request) => call('POST', path, request, request.headers?.['idempotency-key'] !== undefined),
    remove: (path, request = {}) => call('DELETE', path, withKey(request), true),
    stream: (path, request = {}) =>
      send({ place, method: 'GET', path, request, mayRepeat: false }, async (response) => response),
    list: (path, itemsMax) => readPages(get, path, itemsMax),
  };
}

async function readPages<Item>(
  get: ApiClient['get'],
  path: string,
  itemsMax = Number.POSITIVE_INFINITY,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const limit = Math.min(pageItems, itemsMax - items.length);
    const answer: PageView<Item> = await get(path, { query: { limit, cursor } });
    items.push(...answer.items);
    cursor = answer.cursor;
    if (cursor === undefined || items.length >= itemsMax) return items.slice(0, itemsMax);
  }
  throw notTheApi(`GET ${path}`, `got ${pagesMax} pages and no end, expected a list that ends`);
}

/** A key under which the API knows a repeated request again. */
export const newIdempotencyKey = (): string => randomUUID();

const withKey = (request: ApiRequest): ApiRequest => ({
  ...request,
  headers: { 'idempotency-key': newIdempotencyKey(), ...request.headers },
});

/** `read` takes the answer in, within the deadline: where it breaks off, that is as if none had come. */
async function send<Body>(call: Call, read: (response: Response) => Promise<Body>): Promise<Body> {
  const { place, method, path, request, mayRepeat } = call;
  const target = withQuery(`${place.url}${path}`, request.query);
  for (let attempt = 0; ; attempt++) {
    const pauseMs = mayRepeat ? retryPausesMs[attempt] : undefined;
    const deadline = startDeadline(request);
    let hasBegun = false;
    try {
      const response = await fetchOnce(target, method, request, deadline.signal);
      hasBegun = true;
      if (response.ok) return await read(response);
      const problem = await readProblem(response, `${method} ${path}`);
      if (pauseMs === undefined || ![429, 502, 503, 504].includes(response.status)) throw problem;
    } catch (error) {
      if (error instanceof ApiError || error instanceof CommandError || request.signal?.aborted) throw error;
      // Nobody listens: waiting for somebody to start would only hide it.
      if (pauseMs === undefined || isRefused(error)) throw withoutAnswer(place, error, request, hasBegun);
    } finally {
      deadline.clear();
    }
    await sleep(pauseMs);
  }
}

function startDeadline(request: ApiRequest): { readonly signal: AbortSignal; readonly clear: () => void } {
  const end = new AbortController();
  const late = (): void => end.abort(new DOMException('no answer in time', 'TimeoutError'));
  const timer = setTimeout(late, request.deadlineMs ?? requestMs);
  return { signal: end.signal, clear: () => clearTimeout(timer) };
}

async function fetchOnce(
  target: string,
  method: Method,
  request: ApiRequest,
  deadline: AbortSignal,
): Promise<Response> {
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

/** What was read of the answer is not all of it. */
export const brokenOff = (url: string, error: unknown): CommandError =>
  new CommandError(exitCodes.failure, `the answer of the API at ${url} broke off: ${messageOf(causeOf(error))}`, {
    fix: 'millrace status   shows what runs; then try again',
    cause: error,
  });

function withoutAnswer({ url, where }: Place, error: unknown, request: ApiRequest, hasBegun: boolean): CommandError {
  if (error instanceof Error && error.name === 'TimeoutError')
    return new CommandError(
      exitCodes.timeout,
      `the API at ${url} gave no answer within ${(request.deadlineMs ?? requestMs) / 1_000} s`,
      { fix: 'millrace status' },
    );
  if (hasBegun) return brokenOff(url, error);
  return new CommandError(
    exitCodes.failure,
    `the API at ${url} (${where}) cannot be reached: ${messageOf(causeOf(error))}`,
    {
      fix: 'millrace up        starts the platform on this machine\nmillrace status    shows what runs',
      cause: error,
    },
  );
}
