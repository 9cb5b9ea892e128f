// Routing and what HTTP asks for, with an endpoint of the test's own: no store, no broker.
import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import fc from 'fast-check';
import { z } from 'zod';
import { readJson } from '#core/api/read-json.ts';
import { unavailable } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Logger } from '#core/ports/logger.ts';
import { type RequestBudget, unlimitedRequests } from '#core/ports/request-budget.ts';
import { type Endpoint, endpoint, jsonAnswer } from '#functions/api/endpoint.ts';
import { pageFrom, reasonText } from '#functions/api/parameters.ts';
import type { ApiParts } from '#functions/api/parts.ts';
import { readDocuments } from '#functions/api/read-documents.ts';
import type { ApiRefusal } from '#functions/api/refusal.ts';
import { matchPath, route } from '#functions/api/router.ts';
import { endpoints } from '#functions/api/routes.ts';
import { splitRecords } from '#functions/api/split-records.ts';
import { forApi, type Outgoing } from '#functions/middleware.ts';
import { aDeclaration } from '#test/support/documents.ts';

const logged: { level: string; fields: Record<string, unknown> }[] = [];
const log =
  (level: string) =>
  (_message: string, fields: object = {}) =>
    void logged.push({ level, fields: { ...fields } });
const logger: Logger = {
  ...{ debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
  with: () => logger,
};

const facts = { operationId: 'x', summary: 'x', tag: 'x', query: z.strictObject({ q: z.string().optional() }) };
const answers = { 200: { description: 'x', schema: z.unknown() } };
const table: readonly Endpoint[] = [
  endpoint({
    ...{
      ...facts,
      answers,
      method: 'GET',
      path: '/v1/things/{name}',
      params: z.strictObject({ name: z.string().max(5) }),
    },
    handle: async ({ path, search, caller }) => jsonAnswer(200, { path, search, caller }, { etag: '"1"' }),
  }),
  endpoint({
    ...{ ...facts, answers, method: 'POST', path: '/v1/things/{name}', params: z.strictObject({ name: z.string() }) },
    body: { schema: z.strictObject({ n: z.int() }), bytesMax: 100 },
    handle: async ({ content }) => {
      if (content.n === 500) throw new Error('secret detail');
      if (content.n === 503) throw unavailable('postgres', new Error('gone'));
      return jsonAnswer(200, content);
    },
  }),
  ...[
    { path: '/v1/lists', bound: {} },
    { path: '/v1/long-lists', bound: { keysMax: 2 * limits.documentKeysMax } },
  ].map(({ path, bound }) =>
    endpoint({
      ...{ ...facts, answers, method: 'POST', path, params: z.strictObject({}) },
      body: { schema: z.array(z.int()), bytesMax: limits.requestBytesMax, ...bound },
      handle: async ({ content }) => jsonAnswer(200, content.length),
    }),
  ),
];

function event(
  method: string,
  path: string,
  more: { body?: string; headers?: Record<string, string>; query?: string } = {},
) {
  const http = { method, path, protocol: 'HTTP/1.1', sourceIp: '', userAgent: '' };
  return {
    ...{ version: '2.0', rawPath: path, rawQueryString: more.query ?? '', headers: more.headers ?? {} },
    ...(more.body === undefined ? {} : { body: more.body }),
    ...{ isBase64Encoded: false, requestContext: { requestId: 'gateway-id', http } },
  } as unknown as APIGatewayProxyEventV2;
}

/** So many requests a tenant, whatever the time. */
function countedRequests(burst: number): RequestBudget {
  const made = new Map<string, number>();
  return {
    take: async (tenant) => {
      const count = (made.get(tenant) ?? 0) + 1;
      made.set(tenant, count);
      return count > burst ? 'spent' : 'taken';
    },
  };
}

/** The endpoints above use none of the parts but who asks. */
const handlerFor = (identity: 'header' | 'authorizer', budget = unlimitedRequests) => {
  const context = { signal: new AbortController().signal, streams: true };
  return forApi((got) => route(table, got, context, { identity, budget, logger } as ApiParts), logger);
};
const ask = async (
  got: APIGatewayProxyEventV2,
  identity: 'header' | 'authorizer' = 'header',
  budget = unlimitedRequests,
) => {
  const { status, headers, body } = (await handlerFor(identity, budget)(got, {})) as Outgoing & { body: Uint8Array };
  return { status, headers, json: JSON.parse(Buffer.from(body).toString() || 'null') };
};
const post = (body: string, headers: Record<string, string> = {}) =>
  ask(event('POST', '/v1/things/a', { body, headers: { 'content-type': 'application/json', ...headers } }));

describe('routing', () => {
  test('a request reaches its endpoint with decoded parameters; the answer bears its id and is nobody’s to keep', async () => {
    const answer = await ask(
      event('GET', '/v1/things/a%20b', { query: 'q=1%262', headers: { 'Millrace-Author': 'ada' } }),
    );
    expect(answer.json).toEqual({
      path: { name: 'a b' },
      search: { q: '1&2' },
      caller: { tenant: 'default', author: 'ada', teams: null, role: 'admin' },
    });
    expect(answer.headers).toMatchObject({
      ...{ 'content-type': 'application/json', 'cache-control': 'no-store', etag: '"1"' },
      'millrace-request-id': 'gateway-id',
    });
    expect(logged.at(-1)).toMatchObject({
      level: 'info',
      fields: { method: 'GET', status: 200, requestId: 'gateway-id' },
    });
  });

  test.each([
    ['GET', '/v1/thing/a', {}, 404, 'path-unknown'],
    ['GET', '/v1/things/', {}, 404, 'path-unknown'],
    ['GET', '/v1/things/toolong', {}, 404, 'not-found'],
    ['PATCH', '/v1/things/a', {}, 405, 'method-not-allowed'],
    ['GET', '/v1/things/a', { query: 'other=1' }, 400, 'query-invalid'],
    ['GET', '/v1/things/a', { query: 'q=1&q=2' }, 400, 'query-invalid'],
    ['GET', '/v1/things/a', { body: 'x' }, 400, 'body-unexpected'],
    ['GET', '/v1/things/a', { headers: { accept: 'application/json;q=0, text/*' } }, 406, 'not-acceptable'],
    ['POST', '/v1/things/a', { body: '{"n":1}' }, 415, 'content-type-unsupported'],
    [
      'POST',
      '/v1/things/a',
      { body: '{"n":1}', headers: { 'content-type': 'application/json; charset=utf-16' } },
      415,
      'content-type-unsupported',
    ],
  ] as const)('%s %s %j is refused with %d %s', async (method, path, more, status, code) => {
    const answer = await ask(event(method, path, more));
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  test.each([
    ['*/*', 200],
    ['application/*;q=0.1', 200],
    ['text/html, application/json;q=0.5', 200],
    ['text/html', 406],
    ['*/*;q=0', 406],
  ])('accept %s gives %d', async (accept, status) => {
    expect((await ask(event('GET', '/v1/things/a', { headers: { accept } }))).status).toBe(status);
  });

  test('a body is checked: size, JSON, forbidden and repeated keys, shape [fault 14] [fault 15]', async () => {
    expect((await post('{"n":1}')).json).toEqual({ n: 1 });
    expect((await post(`{"n":1,"x":"${'x'.repeat(100)}"}`)).json.code).toBe('body-too-large');
    expect((await post('{"n":')).json.code).toBe('not-json');
    expect((await post('{"n":1,"n":2}')).json.code).toBe('duplicate-key');
    expect((await post('{"n":1,"\\u0070rototype":2}')).json.code).toBe('forbidden-key');
    expect((await post('{"n":1.5}')).json).toMatchObject({ status: 422, problems: [{ path: 'n' }] });
    expect((await post('{"n":1,"m":2}')).json.problems).toMatchObject([{ message: 'unknown: "m"' }]);
  });

  test('keys and elements are bounded by what the endpoint takes: as many as a document has, where it says nothing', async () => {
    const ones = (count: number) => JSON.stringify(Array.from({ length: count }, () => 1));
    const send = (path: string, body: string) =>
      ask(event('POST', path, { body, headers: { 'content-type': 'application/json' } }));
    expect((await send('/v1/lists', ones(limits.documentKeysMax + 2))).json).toMatchObject({
      ...{ status: 422, code: 'too-many-keys', fix: expect.stringMatching(/several requests/) },
      detail: `got more keys and elements than ${limits.documentKeysMax}, expected at most as many`,
    });
    expect((await send('/v1/lists', ones(limits.documentKeysMax))).json).toBe(limits.documentKeysMax);
    expect((await send('/v1/long-lists', ones(limits.documentKeysMax + 2))).json).toBe(limits.documentKeysMax + 2);
  });

  test.each(['plan', 'applyDocuments'])('%s takes as many documents as it says, each as large as it may be', (id) => {
    const { body } = endpoints.find(({ operationId }) => operationId === id)!;
    const fields = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`f${index}`, 'text']));
    const documents = Array.from({ length: 500 }, (_, index) =>
      aDeclaration('Stream', `s${index}`, { schema: { fields } }),
    );
    const text = JSON.stringify({ documents });
    expect(text.length).toBeLessThan(body!.bytesMax);
    const read = readJson(text, { keysMax: body!.keysMax! });
    expect(read.ok && readDocuments(read.value)).toHaveLength(documents.length);
  });

  test('as many held jobs are agreed to at once as the description says', () => {
    const { body } = endpoints.find(({ operationId }) => operationId === 'approveHeld')!;
    const jobs = Array.from({ length: 100_000 }, (_, index) => `t/j${index}.o@u`);
    expect(body!.schema.safeParse({ jobs }).success).toBe(true);
    expect(readJson(JSON.stringify({ jobs }), { keysMax: body!.keysMax! }).ok).toBe(true);
  });

  test('of documents that are all wrong, so many problems are told that an answer holds them', () => {
    const documents = Array.from({ length: 500 }, () => ({
      kind: 'Stream',
      ...Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`f${index}`, 1])),
    }));
    let problems = 0;
    try {
      readDocuments({ documents });
    } catch (error) {
      problems = (error as ApiRefusal).extras.problems?.length ?? 0;
    }
    expect(problems).toBeGreaterThanOrEqual(1_000);
    expect(problems).toBeLessThan(2_000);
  });

  test('a fault of ours tells nobody but the log; a part that is down is told by name, and when to come again', async () => {
    const fault = await post('{"n":500}');
    expect([fault.status, fault.json.code]).toEqual([500, 'internal']);
    expect(JSON.stringify(fault.json)).not.toContain('secret');
    expect(fault.json.detail).toContain('gateway-id');
    expect(logged.filter(({ level }) => level === 'error').at(-1)?.fields['error']).toMatchObject({
      message: 'secret detail',
    });
    const down = await post('{"n":503}');
    expect([down.status, down.json.code, down.headers['retry-after']]).toEqual([503, 'postgres-unavailable', '2']);
  });

  test('behind an authorizer, who asks is what it says, and never a header', async () => {
    const claimed = event('GET', '/v1/things/a', { headers: { 'millrace-author': 'eve' } });
    expect((await ask(claimed, 'authorizer')).status).toBe(403);
    const claims = { sub: 'u-1', email: 'ada@example.com', 'custom:tenant': 'blue' };
    Object.assign(claimed.requestContext, { authorizer: { jwt: { claims } } });
    expect((await ask(claimed, 'authorizer')).json.caller).toEqual({
      ...{ tenant: 'blue', author: 'ada@example.com', teams: null, role: 'admin' },
    });
    const userArn = 'arn:aws:sts::111122223333:assumed-role/platform/ada';
    Object.assign(claimed.requestContext, { authorizer: { iam: { userArn } } });
    expect((await ask(claimed, 'authorizer')).json.caller).toEqual({
      ...{ tenant: 'default', author: userArn, teams: null, role: 'admin' },
    });
  });

  test('a tenant that has spent its requests is told when to come again, and others are served', async () => {
    const budget = countedRequests(2);
    const asked = (tenant: string) => {
      const got = event('GET', '/v1/things/a');
      Object.assign(got.requestContext, { authorizer: { jwt: { claims: { sub: 'u', 'custom:tenant': tenant } } } });
      return ask(got, 'authorizer', budget);
    };
    expect([(await asked('blue')).status, (await asked('blue')).status]).toEqual([200, 200]);
    const refused = await asked('blue');
    expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([
      ...[429, 'too-many-requests', '1'],
    ]);
    expect((await asked('green')).status).toBe(200);
  });

  test('a budget that cannot be read keeps nobody out', async () => {
    const broken: RequestBudget = { take: () => Promise.reject(unavailable('postgres', new Error('gone'))) };
    expect((await ask(event('GET', '/v1/things/a'), 'header', broken)).status).toBe(200);
    expect(logged).toContainEqual(expect.objectContaining({ level: 'warn' }));
  });

  test('who may not is refused before the body is looked at', async () => {
    const got = event('POST', '/v1/things/a', { body: '{"n":', headers: { 'content-type': 'application/json' } });
    const claims = { sub: 'u', 'custom:role': 'viewer' };
    Object.assign(got.requestContext, { authorizer: { jwt: { claims } } });
    expect((await ask(got, 'authorizer')).json.code).toBe('role-insufficient');
  });

  test('an author or reason that would break a line is refused', async () => {
    for (const author of ['a\nb', 'x'.repeat(201)])
      expect((await ask(event('GET', '/v1/things/a', { headers: { 'millrace-author': author } }))).status).toBe(400);
  });

  test('a reason is whole characters, none of them NUL', () => {
    const taken = ['', 'moved to “new”', '\ud83d\ude00', 'x \ud800', '\udc00 x', 'a\u0000b'].map(
      (text) => reasonText.safeParse(text).success,
    );
    expect(taken).toEqual([true, true, true, false, false, false]);
  });

  test('a path fits its template exactly where each parameter is one segment that is not empty', () => {
    const segment = fc.string({ minLength: 1 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(segment, segment, (a, b) => {
        const path = `/v1/x/${encodeURIComponent(a)}/y/${encodeURIComponent(b)}`;
        expect(matchPath('/v1/x/{a}/y/{b}', path)).toEqual({ a, b });
        expect(matchPath('/v1/x/{a}/z/{b}', path)).toBeNull();
        expect(matchPath('/v1/x/{a}/y', path)).toBeNull();
      }),
    );
  });
});

describe('pages', () => {
  test('over any list, pages of any size hold each item once, in order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.integer({ min: 1, max: 7 }), (keys, limit) => {
        const items = [...keys].sort();
        const got: string[] = [];
        let cursor: string | undefined;
        do {
          const page = pageFrom(items, (item) => item, { limit, ...(cursor === undefined ? {} : { cursor }) });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          got.push(...page.items);
          cursor = page.cursor;
        } while (cursor !== undefined);
        expect(got).toEqual(items);
      }),
    );
  });
});

describe('records in a body', () => {
  test('the elements of any JSON array come out as they were written', () => {
    const value = fc.jsonValue();
    fc.assert(
      fc.property(fc.array(value), fc.constantFrom(undefined, 1, '\t'), (values, indent) => {
        const body = Buffer.from(JSON.stringify(values, null, indent));
        const records = splitRecords('application/json', body).map((one) =>
          JSON.parse(Buffer.from(one.bytes).toString()),
        );
        expect(records).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });

  test('lines keep their numbers and lose only the space around them', () => {
    const body = Buffer.from('\r\n {"a":1} \r\n\n{"b":2}');
    const records = splitRecords('application/x-ndjson', body);
    expect(records.map((one) => [one.line, Buffer.from(one.bytes).toString()])).toEqual([
      [2, '{"a":1}'],
      [4, '{"b":2}'],
    ]);
  });
});
