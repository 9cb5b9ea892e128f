// What may be declared of sinks over HTTP, what it means when less is said, and how the rest is refused.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { checkDocuments } from '#core/graph/check-documents.ts';
import { compilePlatform } from '#core/graph/compile-platform.ts';
import { localSettings, type PlatformSettings, withEnvironment } from '#core/graph/platform-settings.ts';
import { sinkTitle } from '#core/job/sink-goal.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import type { RouteSpec } from '#core/spec/route-spec.ts';
import { hasIndex, indexName, parseIndexPattern } from '#core/spec/sinks/index-pattern.ts';
import { aDeclaration, aRevision, aSnapshot, playbackEvents } from '#test/support/documents.ts';

beforeAll(loadParser);

const routeTo = (sink: object, more: object = {}) =>
  aDeclaration('Route', 'plays', {
    from: 'playback-events',
    select: 'id, ts, country',
    to: [{ name: 'out', ...sink }],
    ...more,
  });

/** `path: message | fix`, of the document itself or, where it is whole, beside the stream that it reads. */
function problems(json: object, settings: PlatformSettings = localSettings): readonly string[] {
  const parsed = parseDocument(json);
  const found = parsed.ok
    ? checkDocuments([playbackEvents], [parsed.value], planRoute, settings.sinks).problems.get('Route/plays')
    : parsed.problem;
  return (found ?? []).map(({ path, message, fix }) => `${path}: ${message}${fix === undefined ? '' : ` | ${fix}`}`);
}

const search = { url: 'https://search.example.com/', index: 'plays-{ts:yyyy.MM.dd}', id: 'id' };
const hook = { url: 'https://example.com/hook' };

describe('an OpenSearch sink', () => {
  test('means, with its defaults', () => {
    const parsed = parseDocument(routeTo({ opensearch: { ...search, auth: { secret: 'login' } } }));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem));
    expect((parsed.value.spec as RouteSpec).sinks).toEqual([
      {
        ...{ name: 'out', kind: 'opensearch', url: 'https://search.example.com', index: search.index, id: 'id' },
        batch: { maxRecords: 1_000, maxBytes: 2 * 1024 * 1024, maxWaitMs: 200 },
        auth: { secret: 'login', scheme: 'basic' },
      },
    ]);
    expect(problems(routeTo({ opensearch: search }))).toEqual([]);
  });

  test.each([
    [{ ...search, idx: 1 }, /opensearch\.idx: unknown field \(did you mean "id" or "index"\?\)/],
    [{ ...search, id: 'idd' }, /spec\.to\[0\]\.opensearch\.id: .*"?idd/],
    [{ ...search, index: 'plays-{tss:yyyy.MM.dd}' }, /spec\.to\[0\]\.opensearch\.index: .*tss.*| .*"ts"/],
    [{ ...search, index: 'plays-{country:yyyy}' }, /a column of type text, expected timestamptz.*cast it in select/],
    [{ ...search, index: 'plays-{ts:YYYY}' }, /got the date "YYYY", expected yyyy, MM, dd and HH/],
    [{ ...search, index: 'plays-{ts:yyyy.dd}' }, /got the date "yyyy.dd"/],
    [{ ...search, index: 'plays-{ts}' }, /got the date ""/],
    [{ ...search, index: 'Plays' }, /expected lower-case letters/],
    [{ ...search, index: '_plays' }, /with a letter or digit first/],
    [{ ...search, index: 'a{ts:yyyy}b{ts:MM}' }, /at most one date/],
    [{ ...search, url: 'http://search.example.com' }, /expected https: without it anybody on the way reads/],
    [{ ...search, url: 'https://search.example.com/?pretty' }, /got a query/],
    [{ ...search, url: 'https://ann:secret@search.example.com' }, /carries a user or a password \| .*auth/],
    [{ ...search, url: 'https://10.0.0.1:9200' }, /10\.0\.0\.1 is a private address.*MILLRACE_SINK_NETWORKS/],
    [{ ...search, auth: { secret: 'Hunter2!' } }, /auth\.secret: .*expected lower-case/],
    [{ ...search, auth: { secret: 'a', scheme: 'digest' } }, /expected "basic" or "bearer" or "api-key"/],
    [{ ...search, auth: { secret: 'a', scheme: 'basic', header: 'x' } }, /got scheme and header, expected one/],
    [{ ...search, auth: {} }, /expected either secret or aws/],
    [{ ...search, auth: { secret: 'a', aws: { service: 'es' } } }, /expected either secret or aws/],
    [{ ...search, auth: { aws: { service: 'es' }, scheme: 'basic' } }, /got aws with scheme or header/],
    [
      { ...search, auth: { aws: { service: 'dynamodb' } } },
      /auth\.aws\.service: got "dynamodb", expected "es" or "aoss"/,
    ],
    [{ ...search, auth: { aws: { service: 'es', region: 'Ireland' } } }, /auth\.aws\.region: .*name of an AWS region/],
    [{ ...search, batch: { maxBytes: '1GiB' } }, /batch\.maxBytes: got 1GiB, expected 1KiB to 10MiB/],
    [{ ...search, batch: { maxWait: '2m' } }, /batch\.maxWait: got 2m, expected at most 60s/],
    [{ ...search, batch: { maxRecords: 0 } }, /batch\.maxRecords: got 0, expected at least 1/],
    [
      { index: 'plays' },
      /opensearch\.url: got nothing, and this platform names no cluster of its own \| name the cluster/,
    ],
  ])('is refused as %j', (opensearch, expected) => {
    expect(problems(routeTo({ opensearch })).join('\n')).toMatch(expected);
  });

  test('without a URL writes to the platform’s cluster', () => {
    const settings = withEnvironment(localSettings, { MILLRACE_OPENSEARCH_URL: 'https://search.example.com/' });
    const json = routeTo({ opensearch: { index: 'plays' } });
    expect(problems(json, settings)).toEqual([]);
    const parsed = parseDocument(json);
    if (!parsed.ok) throw new Error('refused');
    const snapshot = aSnapshot([aRevision(playbackEvents), aRevision(parsed.value)]);
    const [job] = compilePlatform(snapshot, settings, planRoute).jobs;
    expect(job!.goal.sink).toMatchObject({ kind: 'opensearch', url: 'https://search.example.com', keyed: false });
    expect(sinkTitle(job!.goal.sink)).toBe('opensearch search.example.com/plays');
    expect(compilePlatform(snapshot, localSettings, planRoute).jobs).toEqual([]);
  });
});

describe('an HTTP sink', () => {
  test('means, with its defaults', () => {
    const parsed = parseDocument(routeTo({ http: { ...hook, auth: { secret: 'token' } } }));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem));
    expect((parsed.value.spec as RouteSpec).sinks).toEqual([
      {
        ...{ name: 'out', kind: 'http', ...hook, method: 'POST', format: 'array', envelope: false, headers: {} },
        compression: 'none',
        batch: { maxRecords: 100, maxBytes: 1024 * 1024, maxWaitMs: 200 },
        ...{ timeoutMs: 30_000, auth: { secret: 'token', scheme: 'bearer' } },
      },
    ]);
  });

  test.each([
    [{ ...hook, methd: 'PUT' }, /http\.methd: unknown field \(did you mean "method"\?\)/],
    [{ ...hook, method: 'GET' }, /http\.method: got "GET", expected "POST" or "PUT" or "PATCH"/],
    [
      { ...hook, headers: { Authorization: 'Bearer x' } },
      /headers\.Authorization: .*carries a secret.*header: Authorization/,
    ],
    [{ ...hook, headers: { 'X-Api-Key': 'x' } }, /headers\.X-Api-Key: .*carries a secret/],
    [{ ...hook, headers: { 'Content-Length': '1' } }, /headers\.Content-Length: the sink sets this header itself/],
    [{ ...hook, headers: { 'x-a': 'b\r\nx-c: d' } }, /headers\.x-a: expected printable ASCII/],
    [{ ...hook, format: 'single', batch: { maxRecords: 2 } }, /format single sends one event a request/],
    [{ ...hook, compression: 'br' }, /http\.compression: got "br", expected "none" or "gzip"/],
    [{ ...hook, timeout: '10m' }, /timeout: got 10m, expected 1s to 5m/],
    [{ url: 'https://169.254.169.254/latest' }, /link-local, metadata or reserved/],
    [{ url: 'https://192.168.1.1/' }, /private address/],
    [{}, /http\.url: got nothing, expected this required field/],
  ])('is refused as %j', (http, expected) => {
    expect(problems(routeTo({ http })).join('\n')).toMatch(expected);
  });

  test('may be shown the worker’s own role on AWS instead of a secret', () => {
    const auth = { aws: { service: 'execute-api', region: 'eu-west-1' } };
    const parsed = parseDocument(routeTo({ http: { ...hook, compression: 'gzip', auth } }));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem));
    expect((parsed.value.spec as RouteSpec).sinks[0]).toMatchObject({
      ...{ compression: 'gzip', auth: { scheme: 'aws', service: 'execute-api', region: 'eu-west-1' } },
    });
  });

  test('writes to loopback where the platform opens it, as one on a laptop does', () => {
    const json = routeTo({ http: { url: 'http://127.0.0.1:8080/hook' } });
    expect(problems(json)).toEqual([]);
    const closed = withEnvironment(localSettings, { MILLRACE_SINK_NETWORKS: 'none' });
    expect(problems(json, closed).join()).toMatch(/loopback address, which is not opened/);
    expect(() => withEnvironment(localSettings, { MILLRACE_SINK_NETWORKS: 'home' })).toThrow(
      /got "home", expected networks/,
    );
  });
});

describe('a sink', () => {
  test('is of one kind', () => {
    expect(problems(routeTo({})).join()).toMatch(/got none, expected exactly one of: stream, opensearch, http/);
    expect(problems(routeTo({ stream: 'plays', http: hook })).join()).toMatch(
      /got stream and http, expected exactly one/,
    );
    expect(problems(routeTo({ key: 'id', http: hook })).join()).toMatch(/spec\.to\[0\]\.key: belongs to a stream sink/);
  });
});

describe('an index’s name', () => {
  const nameOf = (text: string, at: string): string => {
    const pattern = parseIndexPattern(text);
    if (!pattern.ok) throw new Error(pattern.problem);
    return indexName(pattern.value, Date.parse(at));
  };
  test('bears the event’s date in UTC', () => {
    expect(nameOf('plays-{ts:yyyy.MM.dd}', '2026-03-01T00:30:00+01:00')).toBe('plays-2026.02.28');
    expect(nameOf('p{ts:yyyy}-x', '2026-12-31T23:59:59.999Z')).toBe('p2026-x');
    expect(nameOf('p-{ts:yyyy-MM-dd_HH}', '2026-03-01T05:00:00Z')).toBe('p-2026-03-01_05');
    expect(nameOf('plays', '2026-03-01T05:00:00Z')).toBe('plays');
  });
  test('is not made of times that no event has', () => {
    expect([Number.NaN, -1, Date.UTC(2100, 0, 1), Infinity].map(hasIndex)).toEqual([false, false, false, false]);
  });
});
