// Events through the API: sent, read, followed and tried over a real Kafka, and what happens when PostgreSQL is gone.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { limits } from '#core/limits.ts';
import { deadLetterTopic, environment } from '#core/names.ts';
import { createLambda } from '#functions/api/handler.ts';
import { type ApiRig, startApi } from '#test/support/api-rig.ts';
import { ownPostgres } from '#test/support/own-parts.ts';

let api: ApiRig;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

let nameCount = 0;
const newName = (): string => `r${process.pid % 10_000}-${++nameCount}`;

async function declare(rig: ApiRig, spec: object = {}, topic = true): Promise<string> {
  const name = newName();
  const json = { apiVersion: 'millrace/v1', kind: 'Stream', metadata: { name, owner: 'team' }, spec };
  const answer = await rig.call('PUT', `/v1/streams/${name}`, { json });
  if (answer.status !== 201) throw new Error(answer.text);
  if (topic) await rig.parts.broker.create(name, 2, { 'max.message.bytes': '4325376' });
  return name;
}
const ndjson = { 'content-type': 'application/x-ndjson' };
const send = (name: string, text: string, headers: Record<string, string> = ndjson) =>
  api.call('POST', `/v1/streams/${name}/records`, { text, headers });
const read = (name: string, query = '', headers: Record<string, string> = {}) =>
  api.call('GET', `/v1/streams/${name}/records${query}`, { headers });
const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

describe('sending', () => {
  test('each line is an event with a result of its own, and its bytes stay as they are', async () => {
    const name = await declare(api, { key: 'id' });
    const good = '{"id":"a","big":12345678901234567890, "dec":1.10}';
    const answer = await send(name, `${good}\n\n not json\n[1]\n{"id":7}\r\n{"id":"z"`);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ acknowledged: 2, refused: 3 });
    expect(answer.json.results.map((one: { line: number; ok: boolean }) => [one.line, one.ok])).toEqual([
      ...[
        [1, true],
        [3, false],
        [4, false],
        [5, true],
        [6, false],
      ],
    ]);
    expect([...lines((await read(name)).text)].sort()).toEqual(['{"id":7}', good].sort());
    const page = await read(name, '?metadata=true');
    const keys = lines(page.text).map((line) => JSON.parse(line).key);
    expect(keys.sort()).toEqual(['7', 'a']);
  });

  test('an array, or a single object, is taken as JSON, each element as it was written', async () => {
    const name = await declare(api);
    const json = { 'content-type': 'application/json; charset=utf-8' };
    expect((await send(name, '[ {"n":1.0} , {"n":[2,"]"]},3 ]', json)).json).toMatchObject({
      acknowledged: 2,
      refused: 1,
    });
    expect((await send(name, '{"n":4}', json)).json).toMatchObject({ acknowledged: 1 });
    expect((await send(name, '[]', json)).json).toEqual({ acknowledged: 0, refused: 0, results: [] });
    expect([...lines((await read(name)).text)].sort()).toEqual(['{"n":1.0}', '{"n":4}', '{"n":[2,"]"]}']);
    expect((await send(name, '7', json)).status).toBe(422);
    expect((await send(name, '[1', json)).status).toBe(400);
  });

  test('an event that does not fit the schema is taken; one that is malformed, too large or not UTF-8 is not', async () => {
    const name = await declare(api, { schema: { fields: { n: 'bigint' } } });
    const bodies = [
      Buffer.from('{"n":"no number"}\n'),
      Buffer.from('{"n":1,"n":2}\n'),
      Buffer.concat([Buffer.from('{"n":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}\n')]),
      Buffer.from('{"__proto__":{"polluted":true}}\n'),
      Buffer.from(`{"n":"${'x'.repeat(limits.recordBytesMax)}"}\n`),
    ];
    const answer = await api.call('POST', `/v1/streams/${name}/records`, {
      bytes: Buffer.concat(bodies),
      headers: ndjson,
    });
    const codes = answer.json.results.map((one: { ok: boolean; code?: string }) => (one.ok ? 'ok' : one.code));
    expect(codes[0]).toBe('ok');
    expect(codes.slice(2)).toEqual(['not-utf8', 'ok', 'too-large']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('under one idempotency key the same events are sent once', async () => {
    const name = await declare(api);
    const headers = { ...ndjson, 'idempotency-key': `send-${name}` };
    const first = await send(name, '{"n":1}\n', headers);
    expect((await send(name, '{"n":1}\n', headers)).json).toEqual(first.json);
    expect((await send(name, '{"n":2}\n', headers)).json).toMatchObject({ code: 'idempotency-key-reused' });
    expect(lines((await read(name)).text)).toEqual(['{"n":1}']);
  });

  test('until its topic is made, a stream takes nothing and says so; the key is free for the next try', async () => {
    const name = await declare(api, {}, false);
    const headers = { ...ndjson, 'idempotency-key': `early-${name}` };
    const early = await send(name, '{"n":1}', headers);
    expect([early.status, early.json.code, early.headers.get('retry-after')]).toEqual([503, 'topic-missing', '1']);
    expect((await read(name)).status).toBe(503);
    await api.parts.broker.create(name, 1, {});
    expect((await send(name, '{"n":1}', headers)).json).toMatchObject({ acknowledged: 1 });
  });

  test('more records than one request may hold are refused as a whole', async () => {
    const name = await declare(api);
    const answer = await send(name, '{}\n'.repeat(limits.requestRecordsMax + 1));
    expect([answer.status, answer.json.code]).toEqual([413, 'too-many-records']);
    expect((await read(name)).text).toBe('');
  });
});

describe('reading', () => {
  test('where, limit and from choose; a refused expression is told with its place', async () => {
    const name = await declare(api);
    await send(name, Array.from({ length: 10 }, (_, n) => JSON.stringify({ n })).join('\n'));
    expect(lines((await read(name, `?where=${encodeURIComponent('n >= 7')}`)).text)).toHaveLength(3);
    expect(lines((await read(name, '?limit=4')).text)).toHaveLength(4);
    expect((await read(name, '?from=latest')).text).toBe('');
    expect(lines((await read(name, '?from=2020-01-01T00:00:00Z')).text)).toHaveLength(10);
    expect((await read(name, '?from=2999-01-01T00:00:00Z')).text).toBe('');
    const refused = await read(name, `?where=${encodeURIComponent('n >=')}`);
    expect([refused.status, refused.json.problems[0].path]).toEqual([422, 'where']);
    for (const query of ['?limit=0', '?limit=x', '?from=yesterday', '?timeout=5', '?unknown=1', '?limit=1&limit=2'])
      expect((await read(name, query)).status).toBe(400);
  });

  test('as a JSON page: partition, offset, time, key, headers, and the value with all its digits', async () => {
    const name = await declare(api, { key: 'id' });
    await send(name, '{"id":"k","big":12345678901234567890}');
    const page = await read(name, '', { accept: 'application/json' });
    expect(page.headers.get('content-type')).toBe('application/json');
    expect(page.json.items).toMatchObject([{ offset: '0', key: 'k' }]);
    expect(page.text).toContain('"value":{"id":"k","big":12345678901234567890}');
    const none = await read(name, `?where=${encodeURIComponent("id = 'x'")}`, { accept: 'application/json' });
    expect(none.json).toEqual({ items: [] });
  });

  test('followed, it goes on with what arrives, as server-sent events, until the client leaves', async () => {
    const name = await declare(api);
    const leave = new AbortController();
    const response = await fetch(`${api.url}/v1/streams/${name}/records?follow=true&from=earliest`, {
      headers: { accept: 'text/event-stream' },
      signal: leave.signal,
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const reader = response.body!.getReader();
    for (const n of [1, 2, 3]) {
      await send(name, JSON.stringify({ n }));
      const { value } = await reader.read();
      expect(Buffer.from(value!).toString()).toBe(`data: {"n":${n}}\n\n`);
    }
    leave.abort();
    const limited = await read(name, '?follow=true&from=earliest&limit=3');
    expect(lines(limited.text)).toHaveLength(3);
    const timed = await read(name, '?follow=true&timeout=200ms');
    expect([timed.status, timed.text]).toEqual([200, '']);
  });

  test('dead letters are read as a stream is, with what is not JSON in base64', async () => {
    const name = await declare(api);
    const spec = { from: name, to: [{ name: 'out', stream: `${name}-out` }] };
    const json = { apiVersion: 'millrace/v1', kind: 'Route', metadata: { name: `${name}-r`, owner: 'team' }, spec };
    expect((await api.call('PUT', `/v1/routes/${name}-r`, { json })).status).toBe(201);
    const topic = deadLetterTopic('default', `${name}-r.out`);
    await api.parts.broker.create(topic, 1, {});
    await api.parts.records.append(topic, [{ key: null, value: Buffer.of(0xff, 0x00) }]);
    const page = await api.call('GET', `/v1/jobs/${name}-r.out/dead-letters?limit=20`, {
      headers: { accept: 'application/json' },
    });
    expect(page.json.items).toMatchObject([{ offset: '0', value: 'base64:/wA=' }]);
  });

  test('a route is tried over real events: what passes, what is filtered, what fails', async () => {
    const name = await declare(api);
    await send(name, ['{"n":1}', '{"n":0}', '{"n":5}'].join('\n'));
    await api.parts.records.append(name, [{ key: null, value: Buffer.from('not json') }]);
    const spec = { from: name, where: 'n < 5', select: '10 / n AS x', to: [{ name: 'out', stream: `${name}-out` }] };
    const document = { apiVersion: 'millrace/v1', kind: 'Route', metadata: { name: `${name}-r`, owner: 'team' }, spec };
    const tried = await api.call('POST', '/v1/try', { json: { document } });
    expect(tried.json).toMatchObject({ read: 4, passed: 1, filtered: 1, failed: 2 });
    const passed = tried.json.records.find((one: { verdict: string }) => one.verdict === 'passed');
    expect(passed).toMatchObject({ before: { n: 1 }, after: { x: 10 } });
    const newest = await api.call('POST', '/v1/try', { json: { document, from: 'latest', limit: 2 } });
    expect(newest.json.read).toBeLessThanOrEqual(2);
    const bad = { ...document, spec: { ...spec, where: 'n <' } };
    expect((await api.call('POST', '/v1/try', { json: { document: bad } })).status).toBe(422);
    expect((await api.call('GET', `/v1/routes/${name}-r`)).status).toBe(404);
  });

  test('an expression is evaluated over a row, or refused with its place', async () => {
    const ask = (json: object) => api.call('POST', '/v1/sql', { json });
    expect((await ask({ expression: '1 / 3.0' })).text).toContain('"value":0.33333333333333333333');
    expect((await ask({ expression: 'upper(a)', row: { a: 'x' } })).json).toEqual({
      ok: true,
      type: 'text',
      value: 'X',
    });
    expect((await ask({ expression: '1 / 0' })).json).toMatchObject({
      ok: false,
      code: expect.stringContaining('division'),
    });
    expect((await ask({ expression: 'nope(1)' })).json).toMatchObject({ ok: false, line: 1, column: 1 });
    expect((await ask({ expression: 'a', stream: 'nowhere' })).status).toBe(404);
  });
});

describe('as a Lambda function', () => {
  test('the same handlers answer as a whole: a follow ends by itself, lines are base64, a problem is a problem', async () => {
    const name = await declare(api);
    await send(name, '{"n":1}\n{"n":2}');
    const lambda = createLambda(api.parts);
    const ask = async (path: string, rawQueryString: string) => {
      const http = { method: 'GET', path, protocol: 'HTTP/1.1', sourceIp: '', userAgent: '' };
      const event = { rawPath: path, rawQueryString, headers: {}, requestContext: { requestId: 'r', http } };
      const context = { getRemainingTimeInMillis: () => 3_000 };
      const answer = await lambda(event as never, context as never);
      return { ...answer, text: Buffer.from(answer.body ?? '', 'base64').toString() };
    };
    const read = await ask(`/v1/streams/${name}/records`, 'follow=true&from=earliest');
    expect([read.statusCode, read.isBase64Encoded]).toEqual([200, true]);
    expect([...lines(read.text)].sort()).toEqual(['{"n":1}', '{"n":2}']);
    const missing = await ask('/v1/streams/nowhere', '');
    expect([missing.statusCode, JSON.parse(missing.text).code]).toEqual([404, 'stream-missing']);
  });
});

describe('HTTP', () => {
  test.each([
    ['an unknown path', 'GET', '/v1/nothing', {}, 404],
    ['a method that is not there', 'POST', '/v1/streams', {}, 405],
    ['a body in another form', 'PUT', '/v1/streams/a', { text: 'x', headers: { 'content-type': 'text/yaml' } }, 415],
    ['a body of no form', 'POST', '/v1/plan', { bytes: Buffer.from('{}') }, 415],
    ['an answer in another form', 'GET', '/v1/streams', { headers: { accept: 'text/html' } }, 406],
    ['no JSON', 'POST', '/v1/plan', { text: '{', headers: { 'content-type': 'application/json' } }, 400],
    [
      'a repeated key',
      'POST',
      '/v1/sql',
      { text: '{"expression":"1","expression":"2"}', headers: { 'content-type': 'application/json' } },
      422,
    ],
    [
      'a forbidden key',
      'POST',
      '/v1/sql',
      { text: '{"expression":"1","row":{"\\u005f_proto__":1}}', headers: { 'content-type': 'application/json' } },
      422,
    ],
    [
      'JSON too deep',
      'POST',
      '/v1/plan',
      { text: '['.repeat(100_000) + ']'.repeat(100_000), headers: { 'content-type': 'application/json' } },
      422,
    ],
    ['a document too large', 'PUT', '/v1/streams/a', { json: { x: 'x'.repeat(limits.documentBytesMax) } }, 413],
    ['a body too large', 'POST', '/v1/plan', { json: { x: 'x'.repeat(limits.requestBytesMax) } }, 413],
    ['a name that cannot be', 'GET', "/v1/streams/a'%20OR%201=1", {}, 404],
    ['a path that is not encoded right', 'GET', '/v1/streams/%ff', {}, 404],
  ] as const)('%s is answered with a problem', async (_what, method, path, options, status) => {
    const answer = await api.call(method, path, options);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.json).toMatchObject({
      status,
      code: expect.any(String),
      title: expect.any(String),
      detail: expect.any(String),
    });
    if (status === 405) expect(answer.headers.get('allow')).toBe('GET');
    expect(answer.headers.get('millrace-request-id') ?? 'before any handler').toBeTruthy();
  });

  async function raw(text: string): Promise<string> {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(text);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'close');
    return Buffer.concat(chunks).toString();
  }

  test('too large headers, another host, and what is no HTTP are answered with problems too', async () => {
    const large = await raw(`GET /v1/health HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(80_000)}\r\n\r\n`);
    expect(large).toMatch(/^HTTP\/1.1 431 [\s\S]*problem\+json[\s\S]*"code":"headers-too-large"/);
    const elsewhere = await raw('GET /v1/health HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n');
    expect(elsewhere).toMatch(/^HTTP\/1.1 421 [\s\S]*"code":"host-unknown"/);
    expect(await raw('what is this\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [\s\S]*problem\+json/);
  });

  test('health says what answers', async () => {
    const health = await api.call('GET', '/v1/health');
    expect(health.json).toMatchObject({ ok: true, version: expect.stringMatching(/^\d/) });
    expect(health.json.parts.map((part: { name: string }) => part.name)).toEqual(['postgres', 'kafka', 'dynamodb']);
    expect((await fetch(`${api.url}/v1/health`, { method: 'HEAD' })).status).toBe(200);
  });
});

describe('when PostgreSQL is gone', () => {
  test('declarations are refused with 503 and when to try again; events go on; afterwards all is as it was', async () => {
    await using postgres = await ownPostgres();
    const own = await startApi({ [environment.postgresUrl]: postgres.address });
    try {
      const name = await declare(own);
      const path = `/v1/streams/${name}`;
      const sent = () => own.call('POST', `${path}/records`, { text: '{"n":1}', headers: ndjson });
      expect((await sent()).json).toMatchObject({ acknowledged: 1 });
      await postgres.kill();
      const refused = await own.call('GET', path);
      expect([refused.status, refused.json.code]).toEqual([503, 'postgres-unavailable']);
      expect(refused.headers.get('retry-after')).toBe('2');
      expect(refused.headers.get('content-type')).toBe('application/problem+json');
      expect((await sent()).json).toMatchObject({ acknowledged: 1 });
      expect(lines((await own.call('GET', `${path}/records`)).text)).toHaveLength(2);
      const health = await own.call('GET', '/v1/health');
      expect(health.json).toMatchObject({
        ok: false,
        parts: [{ name: 'postgres', ok: false }, { ok: true }, { ok: true }],
      });
      await postgres.start();
      expect((await own.call('GET', path)).json).toMatchObject({ revision: 1 });
    } finally {
      await own.close();
    }
  });
});
