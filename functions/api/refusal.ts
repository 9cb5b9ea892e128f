// Refusals: what a handler throws to answer with a problem (RFC 9457), and how every other error becomes one.
import type { ProblemView } from '#core/api/wire.ts';
import { isPlatformError, PlatformError } from '#core/errors.ts';

type Extras = Pick<ProblemView, 'fix' | 'problems' | 'currentRevision'> & {
  readonly headers?: Readonly<Record<string, string>>;
};

/** What was asked cannot be done: the status, a code for programs, and words for people. */
export class ApiRefusal extends PlatformError {
  readonly status: number;
  readonly extras: Extras;
  constructor(status: number, code: string, detail: string, extras: Extras = {}) {
    super(code, detail, { fault: 'user', retry: 'no-retry' });
    this.status = status;
    this.extras = extras;
  }
}

const titles: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  403: 'Not allowed',
  404: 'There is no such thing',
  405: 'The method is not allowed here',
  406: 'Not available in that form',
  408: 'The request took too long',
  409: 'In conflict with what is declared',
  412: 'Changed meanwhile',
  413: 'Too large',
  415: 'Not in a form that is read here',
  421: 'Misdirected',
  422: 'Refused',
  429: 'Too many requests',
  431: 'Too large headers',
  500: 'A fault of ours',
  503: 'Unavailable',
};

export interface ProblemAnswer {
  readonly view: ProblemView;
  readonly headers: Readonly<Record<string, string>>;
}

/** Seconds after which a part that is down is worth another try. */
const retryAfterSeconds = '2';

/** A user's fault is told in full, a part that is down by its name, a fault of ours by the request's id alone. */
export function problemOf(error: unknown, requestId: string): ProblemAnswer {
  if (error instanceof ApiRefusal) {
    const { headers = {}, ...extras } = error.extras;
    return { view: view(error.status, error.code, error.message, extras), headers };
  }
  if (isPlatformError(error)) {
    if (error.code === 'topic-missing')
      return unavailable(
        error.code,
        'the stream has no topic yet: it was declared a moment ago, or its topic was lost and is being made',
      );
    if (error.fault === 'external') return unavailable(error.code, error.message);
    if (error.fault === 'user') return { view: view(422, error.code, error.message, {}), headers: {} };
  }
  const detail = `the request failed by a fault of ours; it is logged under request id ${requestId}`;
  return { view: view(500, 'internal', detail, {}), headers: {} };
}

const view = (status: number, code: string, detail: string, extras: Omit<Extras, 'headers'>): ProblemView => ({
  type: `urn:millrace:problem:${code}`,
  title: titles[status] ?? 'Refused',
  status,
  detail,
  code,
  ...extras,
});

const unavailable = (code: string, detail: string): ProblemAnswer => ({
  view: view(503, code, detail, { fix: 'try again in a moment; `millrace status` shows which part is down' }),
  headers: { 'retry-after': retryAfterSeconds },
});
