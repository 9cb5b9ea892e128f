// Personal data on its way through a route: what is treated, how, and that nothing of it slips through.
import { createHmac } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadParser, planRoute } from '#core/expression/index.ts';
import { buildWorld } from '#core/graph/world.ts';
import { trialSalt } from '#core/operators/trial-salts.ts';
import type { Document } from '#core/spec/document.ts';
import { aRoute, aStream } from '#test/support/documents.ts';
import { chainOf, plannedRoute, runEvent } from '#test/support/run-chain.ts';

beforeAll(loadParser);

const hygiene = (rules: object) => ({ operators: [{ hygiene: rules }] });
const once = (route: object, event: string, stream: object = {}) => runEvent(chainOf(route, stream), event);
const hashOf = (text: string): string => createHmac('sha256', trialSalt).update(text).digest('hex');

describe('a hygiene operator', () => {
  test('masks, with as many characters at the ends as are asked for', () => {
    const rules = { a: 'mask', b: { mask: { keepLast: 4 } }, c: { mask: { keepFirst: 1, keepLast: 2 } } };
    expect(once(hygiene(rules), '{"a":"x@y.de","b":"4111111111111111","c":"ÄÖÜ日本語ab"}')).toEqual([
      '{"a":"****","b":"****1111","c":"Ä****ab"}',
    ]);
  });

  test('hides a text whole where what is kept would be half of it or more', () => {
    expect(once(hygiene({ b: { mask: { keepLast: 4 } } }), '{"b":"1234567"}')).toEqual(['{"b":"****"}']);
  });

  test('hashes as pgcrypto does: hex of HMAC-SHA-256 over the text, whatever its escapes', () => {
    expect(once(hygiene({ a: 'hash', n: 'hash' }), '{"a":"\\u0041\\/","n":1.10}')).toEqual([
      `{"a":"${hashOf('A/')}","n":"${hashOf('1.10')}"}`,
    ]);
  });

  test('truncates by characters, not by bytes or UTF-16 units', () => {
    expect(once(hygiene({ a: { truncate: 2 } }), '{"a":"😀ä😀"}')).toEqual(['{"a":"😀ä"}']);
  });

  test('drops members whole, wherever their commas are', () => {
    expect(once(hygiene({ a: 'drop' }), '{ "a" : 1 }')).toEqual(['{}']);
    expect(once(hygiene({ a: 'drop' }), '{"a":1, "b":2 ,"a":[{"x":"}"}],"c":3}')).toEqual(['{"b":2,"c":3}']);
    expect(once(hygiene({ 'd.a': 'drop' }), '{"d":{"b":1,"a":2},"a":3}')).toEqual(['{"d":{"b":1},"a":3}']);
  });

  test('leaves NULL and what is missing as they are, and every other byte too', () => {
    expect(once(hygiene({ a: 'hash', z: 'mask' }), '{"a":null,"b":1.10,"c":{ "x" : [1, 2] }}')).toEqual([
      '{"a":null,"b":1.10,"c":{ "x" : [1, 2] }}',
    ]);
  });

  test('reaches through lists, into lists, and into numbers and objects', () => {
    const rules = { 'viewers.email': 'mask', tags: 'mask', n: 'mask', o: 'mask' };
    expect(
      once(
        hygiene(rules),
        '{"viewers":[{"email":"a","id":1},{"email":"b"}],"tags":["x",null,["y"]],"n":7,"o":{"p":"q"}}',
      ),
    ).toEqual([
      '{"viewers":[{"email":"****","id":1},{"email":"****"}],"tags":["****",null,["****"]],"n":"****","o":"****"}',
    ]);
  });

  test('is not fooled by repeated keys, or by keys written with escapes', () => {
    expect(once(hygiene({ email: 'mask' }), '{"email":"a","\\u0065mail":"b","email":"c"}')).toEqual([
      '{"email":"****","\\u0065mail":"****","email":"****"}',
    ]);
  });

  test('sets aside what is no JSON before it looks at it', () => {
    expect(once(hygiene({ a: 'drop' }), '{"a":1')).toBe('malformed_json');
    expect(once(hygiene({ a: 'drop' }), '[]')).toBe('malformed_json');
  });
});

/** JSON text with repeated keys, escapes and white space; the values below `email` and `p.phone` hold the secret. */
const secret = 'S3CR3T';
const space = fc.constantFrom('', ' ', '\n', '\t ');
const nameText = (name: string) =>
  fc.constantFrom(`"${name}"`, `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}"`);
const plainValue: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('1', '-1.50e3', 'true', 'null', '"x"', '"\\"}]{["', '""', '[]', '{}'),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[ ${items.join(' ,')}]`),
    fc
      .array(tie('value'), { maxLength: 3 })
      .map((items) => `{${items.map((item, index) => `"k${index}" : ${item}`).join(', ')} }`),
  ),
})).value;
const secretValue = fc.constantFrom(
  `"${secret}"`,
  `"\\n${secret}\\""`,
  `["${secret}", [ "${secret}" ] ]`,
  `{ "deep":"${secret}" }`,
);
const objectOf = (members: fc.Arbitrary<readonly string[]>) => members.map((each) => `{${each.join(',')}}`);
const member = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>) =>
  fc.tuple(space, name, space, space, value, space).map(([a, n, b, c, v, d]) => `${a}${n}${b}:${c}${v}${d}`);
const person = objectOf(
  fc.array(fc.oneof(member(nameText('phone'), secretValue), member(fc.constant('"q"'), plainValue)), { maxLength: 3 }),
);
const personalEvent = objectOf(
  fc.array(
    fc.oneof(
      member(nameText('email'), secretValue),
      member(
        nameText('p'),
        fc.oneof(
          person,
          fc.array(person, { maxLength: 2 }).map((all) => `[${all.join(', ')}]`),
        ),
      ),
      member(fc.constantFrom('"other"', '"em"', '"emailx"'), plainValue),
    ),
    { maxLength: 5 },
  ),
);

describe('whatever the event looks like', () => {
  test.each(['mask', 'hash', 'drop'])('%s lets nothing of a treated field through and leaves JSON', (rule) => {
    const chain = chainOf(hygiene({ email: rule, 'p.phone': rule }));
    fc.assert(
      fc.property(personalEvent, (event) => {
        const [out] = runEvent(chain, event) as readonly string[];
        expect(out).not.toContain(secret);
        const parsed = JSON.parse(out!) as Record<string, unknown>;
        const before = JSON.parse(event) as Record<string, unknown>;
        expect(parsed['other']).toEqual(before['other']);
        expect(Object.hasOwn(parsed, 'email')).toBe(rule !== 'drop' && Object.hasOwn(before, 'email'));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a field that its stream tags as pii', () => {
  const stream = {
    schema: {
      fields: {
        id: 'text',
        email: { type: 'text', pii: 'hash' },
        device: { serial: { type: 'text', pii: 'drop' }, os: 'text' },
        tags: { type: 'text[]', pii: { truncate: 1 } },
      },
    },
  };
  const event = '{"id":"a","email":"x@y.de","device":{"serial":"s1","os":"ios"},"tags":["ab","cd"]}';

  test('is treated by every route, with or without a select, before anything is computed of it', () => {
    expect(once({}, event, stream)).toEqual([
      `{"id":"a","email":"${hashOf('x@y.de')}","device":{"os":"ios"},"tags":["a","c"]}`,
    ]);
    expect(once({ select: 'upper(email) AS e' }, event, stream)).toEqual([`{"e":"${hashOf('x@y.de').toUpperCase()}"}`]);
  });

  test('may be looked at by `where`, which writes nothing', () => {
    expect(once({ where: "email LIKE '%@y.de'", select: 'id' }, event, stream)).toEqual(['{"id":"a"}']);
  });

  test('passes as it is only where the route exposes it by name, and then carries its tag on', () => {
    const route = { exposePii: ['email'], select: 'email' };
    expect(once(route, event, stream)).toEqual(['{"email":"x@y.de"}']);
    expect(plannedRoute(route, stream).programs.get('out')!.output).toEqual([
      { name: 'email', type: { kind: 'scalar', type: 'text', pii: { kind: 'hash', salt: 'pii-salt' } } },
    ]);
  });

  test('that is dropped does not exist for what comes after', () => {
    expect(plannedRoute({ select: 'device.serial AS s' }, stream).problems).toEqual([
      expect.objectContaining({
        path: 'spec.select',
        message: expect.stringContaining('"device.serial" does not exist'),
      }),
    ]);
    expect(plannedRoute({ exposePii: ['emial'] }, stream).problems).toEqual([
      expect.objectContaining({ path: 'spec.exposePii[0]', message: expect.stringContaining('did you mean "email"') }),
    ]);
  });
});

describe('a tagged field of the records in a list', () => {
  const record = (name: string, fields: readonly object[]) => ({ type: 'record', name, fields });
  const listOf = (items: unknown) => ({ type: 'array', items });
  const phones = record('Phones', [{ name: 'home', type: listOf('string') }]);
  const viewer = record('Viewer', [
    { name: 'email', type: 'string' },
    { name: 'n', type: 'int' },
    { name: 'phones', type: ['null', phones], default: null },
  ]);
  const fields = [
    { name: 'id', type: 'string' },
    { name: 'viewers', type: listOf(viewer) },
    { name: 'rooms', type: listOf(listOf(record('Room', [{ name: 'name', type: 'string' }]))) },
  ];
  const tagging = (pii: object) => ({ format: 'avro', schema: { avro: record('Event', fields), pii } });
  const treatedBy = (route: object, pii: object) =>
    plannedRoute(route, tagging(pii)).operators.flatMap((operator) =>
      operator.kind === 'hygiene' ? operator.fields.map(({ path }) => path.join('.')) : [],
    );

  test('is treated in each of them', () => {
    const event = '{"id":"a","viewers":[{"email":"x@y.de","n":1},{"email":"z@y.de","n":2}],"rooms":[]}';
    expect(once({}, event, tagging({ 'viewers.email': 'hash' }))).toEqual([
      `{"id":"a","viewers":[{"email":"${hashOf('x@y.de')}","n":1},{"email":"${hashOf('z@y.de')}","n":2}],"rooms":[]}`,
    ]);
  });

  test('is treated whatever path the stream may tag', () => {
    const paths = ['id', 'viewers.email', 'viewers.n', 'viewers.phones.home', 'rooms.name', 'viewers', 'rooms'];
    for (const path of paths) expect(treatedBy({}, { [path]: 'mask' })).toEqual([path]);
    const inner = paths.slice(0, 5);
    expect(treatedBy({}, Object.fromEntries(inner.map((path) => [path, 'mask'])))).toEqual(inner);
  });

  test('goes with its list where that is treated, and is exposed by its own name alone', () => {
    const both = { viewers: 'drop', 'viewers.email': 'hash' };
    expect(treatedBy({}, both)).toEqual(['viewers']);
    expect(treatedBy({ exposePii: ['viewers'] }, both)).toEqual(['viewers.email']);
    expect(treatedBy({ exposePii: ['viewers', 'viewers.email'] }, both)).toEqual([]);
    expect(plannedRoute({ exposePii: ['viewers.email'] }, tagging({ 'viewers.email': 'hash' })).problems).toEqual([]);
  });
});

describe('a record’s key', () => {
  const stream = { key: 'email', schema: { fields: { id: 'text', email: { type: 'text', pii: 'hash' } } } };
  const problems = (route: object, of: object = stream) =>
    plannedRoute(route, of).problems.map(({ path, message }) => `${path}: ${message}`);
  const keyed = (key: string) => ({ to: [{ name: 'out', stream: 'sink', key }] });

  test('does not carry a treated field past its treatment', () => {
    expect(problems({})).toEqual([expect.stringMatching(/^spec.to\[0\].key: .*keyed by "email".*as it is/)]);
    expect(problems(hygiene({ email: 'mask' }), { key: 'email' })).toHaveLength(1);
    expect(problems({ to: [{ name: 'out', http: { url: 'https://example.com' } }] })).toHaveLength(1);
  });

  test('may be the treated value, another column, or the raw one where it is exposed', () => {
    expect(problems(keyed('email'))).toEqual([]);
    expect(problems(keyed('id'))).toEqual([]);
    expect(problems({ exposePii: ['email'] })).toEqual([]);
  });

  const field = { type: 'text', pii: 'hash' };
  const nested = { u: { email: field } };
  const kept = { to: [{ name: 'out', stream: 'events' }] };

  /** Of a route that keeps the key of `events`, whose records another route writes with such a key. */
  const behind = (
    key: string,
    fields: object,
    before: readonly Document[] = [aStream('raw')],
    writer: object = keyedTo(key),
  ) => {
    const events = aStream('events', { schema: { fields: { id: 'text', ...fields } } });
    const world = buildWorld(
      [...before, events, aRoute('up', 'raw', 'events', writer), aRoute('r', 'events', 's')],
      planRoute,
    );
    return world.routes.get('r')!.problems.map(({ path, message }) => `${path}: ${message}`);
  };
  const keyedTo = (key: string) => ({ to: [{ name: 'out', stream: 'events', key }] });

  test.each([
    ['user_email', { user_email: field }],
    ['"user_email"', { user_email: field }],
    ['USER_EMAIL', { user_email: field }],
    ['"userEmail"', { userEmail: field }],
    ['u.email', nested],
    ['"u"."email"', nested],
    ['u', nested],
    ['email.domain', { email: field }],
    ['email[1]', { email: field }],
  ])('is refused as %s, which is or may be the treated field', (key, fields) => {
    expect(behind(key, fields)).toEqual([expect.stringMatching(/^spec.to\[0\].key: .*as it is/)]);
  });

  test.each([
    ['id', nested],
    ['u.id', nested],
    ['userEmail', { userEmail: field }],
    ['"u.email"', nested],
  ])('may be %s, which is another field', (key, fields) => {
    expect(behind(key, fields)).toEqual([]);
  });

  test('is known through routes that keep it', () => {
    const raw = aStream('raw', { key: 'email' });
    expect(behind('', { email: field }, [raw], kept)).toHaveLength(1);
    expect(behind('', { mail: field }, [raw], kept)).toEqual([]);
    const deeper = [
      aStream('first'),
      aRoute('a', 'first', 'raw', { to: [{ name: 'out', stream: 'raw', key: 'u.email' }] }),
    ];
    expect(behind('', nested, deeper, kept)).toHaveLength(1);
    const back = aRoute('back', 'events', 'raw', { to: [{ name: 'out', stream: 'raw' }] });
    expect(behind('', { email: field }, [raw, back], kept)).toHaveLength(1);
  });
});
