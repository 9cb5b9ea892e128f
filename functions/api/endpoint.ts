// An endpoint states itself in one place: where it is, what it takes, what it answers, and the function that does it.
import type * as z from 'zod';
import { describeIssues } from '#functions/api/describe-issues.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { ApiRefusal } from '#functions/api/refusal.ts';
import { type RequestHeader, requestHeaders } from '#functions/api/request-headers.ts';
import type { Role } from '#functions/api/roles.ts';

export interface Caller {
  readonly tenant: string;
  readonly author: string;
  /** Owners that the caller may act for; null: any (nobody says what the caller's teams are). */
  readonly teams: readonly string[] | null;
  readonly role: Role;
}

/** A request as the router hands it on: matched, sized, and of a content type that the endpoint reads. */
export interface RawRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The parsed body, where the endpoint takes JSON. */
  readonly json: unknown;
  readonly contentType: string;
  /** The content type of the answer that was agreed on; '' where the endpoint answers nothing. */
  readonly accepted: string;
  readonly caller: Caller;
  /** Aborted when the client has gone or the function's time is up. */
  readonly signal: AbortSignal;
  /** Whether the answer leaves as it is made; else it is collected first, and has to end soon. */
  readonly streams: boolean;
}

export interface ApiRequest<Params, Query, Body> extends RawRequest {
  readonly path: Params;
  readonly search: Query;
  readonly content: Body;
}

export type Answer =
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** JSON whose parts are copied as they stand: a 64-bit number stays what it is. */
  | { readonly kind: 'json-text'; readonly status: number; readonly text: string }
  | { readonly kind: 'empty'; readonly status: number }
  | { readonly kind: 'lines'; readonly contentType: string; readonly lines: AsyncIterable<Uint8Array> };

export interface AnswerStatement {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Else application/json where there is a schema. */
  readonly contentTypes?: readonly string[];
  readonly headers?: readonly ('etag' | 'location')[];
}

export interface BodyStatement<Body extends z.ZodType> {
  readonly schema: Body;
  readonly bytesMax: number;
  /** Keys and elements of its JSON; else as many as a document may have. */
  readonly keysMax?: number;
  /** Read by the handler itself, from the bytes; else `application/json` only. */
  readonly rawTypes?: readonly string[];
  /** The handler checks the JSON in better words than the schema's, which is then for the documentation. */
  readonly checkedBy?: 'handler';
  readonly example?: unknown;
}

interface EndpointFacts {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** `/v1/streams/{name}`; a parameter is a whole segment. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly answers: Readonly<Record<number, AnswerStatement>>;
  /** Problems that it can answer with, beside those that every endpoint can. */
  readonly problems?: readonly number[];
  /** Answers whoever asks, and knows nobody: what it tells is no secret. */
  readonly open?: true;
  /** Headers that it reads: documented, and checked before its handler runs. */
  readonly reads?: readonly RequestHeader[];
}

interface Definition<Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType>
  extends EndpointFacts {
  readonly params: Params;
  readonly query: Query;
  readonly body?: BodyStatement<Body>;
  readonly handle: (
    request: ApiRequest<z.infer<Params>, z.infer<Query>, z.infer<Body>>,
    parts: ApiParts,
  ) => Promise<Answer>;
}

export interface Endpoint extends EndpointFacts {
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body?: BodyStatement<z.ZodType>;
  readonly run: (request: RawRequest, parts: ApiParts) => Promise<Answer>;
}

/** Checks parameters, query and body by the definition's schemas before its handler sees them. */
export function endpoint<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType = z.ZodUndefined,
>(definition: Definition<Params, Query, Body>): Endpoint {
  const { handle, ...facts } = definition;
  return {
    ...facts,
    run: (request, parts) => {
      // A path parameter that cannot be a name is the name of nothing.
      const path = checked(definition.params, request.params, 404, 'not-found', 'path');
      checkHeaders(definition.reads ?? [], request.headers);
      const search = checked(definition.query, request.query, 400, 'query-invalid', 'query');
      const content =
        definition.body === undefined ||
        definition.body.rawTypes !== undefined ||
        definition.body.checkedBy === 'handler'
          ? (undefined as z.infer<Body>)
          : checked(definition.body.schema, request.json, 422, 'body-invalid', 'body');
      return handle({ ...request, path, search, content }, parts);
    },
  };
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  status: number,
  code: string,
  what: string,
): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = describeIssues(parsed.error.issues, value);
  const first = problems[0];
  const place = first?.path ? `${what} ${first.path}` : what;
  throw new ApiRefusal(status, code, `${place}: ${first?.message ?? 'refused'}`, { problems });
}

function checkHeaders(names: readonly RequestHeader[], headers: RawRequest['headers']): void {
  for (const name of names)
    if (headers[name] !== undefined) checked(requestHeaders[name], headers[name], 400, 'header-invalid', name);
}

export const jsonAnswer = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  kind: 'json',
  status,
  body,
  headers,
});
