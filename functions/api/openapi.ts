// OpenAPI 3.1 from the table of endpoints and their zod schemas.
import * as z from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { problemSchema } from '#core/api/schemas.ts';
import type { AnswerStatement, Endpoint } from '#functions/api/endpoint.ts';
import { requestHeaders } from '#functions/api/request-headers.ts';

const answerHeaders = {
  etag: z.string().meta({ description: 'The revision, in quotes.' }),
  location: z.string(),
};

const problemTexts: Readonly<Record<number, string>> = {
  400: 'The request is malformed.',
  403: 'Who asks is not known, or may not: another tenant, another team, a role that is too low.',
  404: 'There is nothing under that name; the nearest names are told.',
  405: 'Not a method of this address.',
  406: 'Not available in the form that was asked for.',
  409: 'In conflict with what is declared, or with a request under way.',
  412: 'The condition on the revision does not hold.',
  413: 'The body is too large.',
  415: 'The body is in a form that is not read here.',
  429: 'The tenant has made more requests than it may for now; Retry-After says when to try again.',
  431: 'The address and headers are too large.',
  422: 'Refused; `problems` says what is wrong, where, and what to do.',
  503: 'A part that is needed does not answer; Retry-After says when to try again.',
};

export function describeApi(endpoints: readonly Endpoint[]): unknown {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const endpoint of endpoints) {
    paths[endpoint.path] ??= {};
    paths[endpoint.path]![endpoint.method.toLowerCase()] = describeOperation(endpoint);
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version: 'v1',
      description: 'Declare streams and routes; the platform makes them true and keeps them true.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(endpoints.map((endpoint) => endpoint.tag))].map((name) => ({ name })),
    paths: paths as ZodOpenApiPathsObject,
  });
}

function describeOperation(endpoint: Endpoint): ZodOpenApiOperationObject {
  const { operationId, summary, description, tag, params, query, body, answers } = endpoint;
  const header = Object.fromEntries(
    (endpoint.reads ?? []).map((name) => [name, z.exactOptional(requestHeaders[name])]),
  );
  const named = Object.keys(params.shape).length > 0;
  return {
    ...{ operationId, summary, tags: [tag] },
    ...(description === undefined ? {} : { description }),
    requestParams: {
      ...(named ? { path: params } : {}),
      ...(Object.keys(query.shape).length > 0 ? { query } : {}),
      ...(Object.keys(header).length > 0 ? { header: z.object(header) } : {}),
    },
    ...(body === undefined ? {} : { requestBody: { required: true, content: contentOf(body) } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)])),
      ...Object.fromEntries(problemsOf(endpoint).map((status) => [status, describeProblem(status)])),
    },
  } as ZodOpenApiOperationObject;
}

function contentOf(body: NonNullable<Endpoint['body']>): Record<string, unknown> {
  const types = body.rawTypes ?? ['application/json'];
  const example = body.example === undefined ? {} : { example: body.example };
  return Object.fromEntries(
    types.map((type) => [
      type,
      type === 'application/json' ? { schema: body.schema, ...example } : { schema: z.string() },
    ]),
  );
}

function describeAnswer(answer: AnswerStatement): Record<string, unknown> {
  const { description, schema, contentTypes = ['application/json'], headers = [] } = answer;
  return {
    description,
    ...(headers.length === 0
      ? {}
      : { headers: z.object(Object.fromEntries(headers.map((name) => [name, z.exactOptional(answerHeaders[name])]))) }),
    ...(schema === undefined ? {} : { content: Object.fromEntries(contentTypes.map((type) => [type, { schema }])) }),
  };
}

/** What every endpoint of its shape can answer, and what it says of itself. */
function problemsOf(endpoint: Endpoint): readonly number[] {
  const named = Object.keys(endpoint.params.shape).length > 0;
  return [
    ...new Set([
      400,
      406,
      431,
      503,
      ...(endpoint.open ? [] : [403, 429]),
      ...(named ? [404] : []),
      ...(endpoint.body ? [413, 415, 422] : []),
      ...(endpoint.problems ?? []),
    ]),
    ...(!endpoint.body && (endpoint.reads?.includes('idempotency-key') || 'where' in endpoint.query.shape)
      ? [422]
      : []),
  ].sort((a, b) => a - b);
}

const describeProblem = (status: number): Record<string, unknown> => ({
  description: problemTexts[status] ?? 'Refused.',
  content: { 'application/problem+json': { schema: problemSchema } },
});
