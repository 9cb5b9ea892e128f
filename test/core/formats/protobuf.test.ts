// Protobuf beside another implementation of it: what protobufjs writes is read, and what is written it reads; and what is refused.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { formatReal } from '#core/expression/values/float.ts';
import { FormatFault, SchemaRefused } from '#core/formats/format-fault.ts';
import { protoReader, protoWriter } from '#core/formats/protobuf/records.ts';
import { rowOfSchema } from '#core/formats/schema-row.ts';
import { writeFields } from '#core/spec/field-types.ts';

const everything = `
syntax = "proto3";
package com.acme; // of the tests
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
option java_package = "com.acme";
/* all there is */
message Event {
  reserved 90, 95 to 99; reserved "gone";
  double d = 1; float f = 2;
  int32 i32 = 3; int64 i64 = 4; uint32 u32 = 5; uint64 u64 = 6;
  sint32 s32 = 7; sint64 s64 = 8; fixed32 f32 = 9; fixed64 f64 = 10; sfixed32 sf32 = 11; sfixed64 sf64 = 12;
  bool yes = 13; string text = 14 [json_name = "TEXT"]; bytes raw = 15;
  optional int32 maybe = 16;
  Kind kind = 17;
  Inner inner = 18;
  repeated int64 numbers = 19; repeated string words = 20; repeated Inner inners = 21;
  map<string, int32> counts = 22; map<int32, Inner> by_number = 23;
  oneof choice { string a_word = 24; Inner an_inner = 25; bool a_flag = 26; }
  enum Kind { UNKNOWN = 0; PLAY = 1; STOP = 5; }
  message Inner { string name = 1; repeated Kind kinds = 2 [packed = false]; }
}
message Other { string id = 1; message Deep { int32 x = 1; } }
`;

const root = protobuf.parse(everything.replace(/import [^;]*;/g, ''), { keepCase: true }).root;
const Event = root.lookupType('com.acme.Event');

interface Named {
  readonly schema: string;
  readonly message?: string;
}
function decode(bytes: Uint8Array, { schema, message = 'Event' }: Named, writer = schema): string {
  const out = { bytes: new Uint8Array(16), length: 0 };
  protoReader({ schema, message }, writer, [])(bytes, 0, bytes.length, out);
  return Buffer.from(out.bytes.subarray(0, out.length)).toString();
}
function encode(json: string, { schema, message = 'Event' }: Named): Buffer {
  const out = { bytes: new Uint8Array(16), length: 0 };
  const bytes = Buffer.from(json);
  protoWriter({ schema, message })(bytes, 0, bytes.length, out);
  return Buffer.from(out.bytes.subarray(0, out.length));
}
const first = (body: Uint8Array): Buffer => Buffer.concat([Buffer.of(0), body]);

function failure(run: () => unknown): FormatFault | SchemaRefused {
  try {
    run();
  } catch (error) {
    if (error instanceof FormatFault || error instanceof SchemaRefused) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const int32 = fc.integer();
const uint32 = fc.nat(0xffff_ffff);
const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const uint64 = fc.bigInt(0n, 2n ** 64n - 1n);
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const bytes = fc.uint8Array({ maxLength: 9 }).map((array) => Buffer.from(array));
const kind = fc.constantFrom('UNKNOWN', 'PLAY', 'STOP');
const inner = fc.record({ name: text, kinds: fc.array(kind, { maxLength: 3 }) });
const key = fc.string({ unit: fc.constantFrom(...'abc é'), maxLength: 4 });
const float = fc.float({ noNaN: true, noDefaultInfinity: true });

const anyEvent = fc.record({
  ...{
    d: fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
    f: float,
    i32: int32,
    i64: int64,
    u32: uint32,
    u64: uint64,
  },
  ...{ s32: int32, s64: int64, f32: uint32, f64: uint64, sf32: int32, sf64: int64 },
  ...{ yes: fc.boolean(), text, raw: bytes, kind },
  ...{ numbers: fc.array(int64, { maxLength: 4 }), words: fc.array(text, { maxLength: 3 }) },
  ...{
    inners: fc.array(inner, { maxLength: 2 }),
    counts: fc.dictionary(key, int32, { maxKeys: 3, noNullPrototype: true }),
  },
  by_number: fc.dictionary(fc.integer().map(String), inner, { maxKeys: 2, noNullPrototype: true }),
  more: fc.record({ maybe: int32, inner }, { requiredKeys: [] }),
  choice: fc.oneof(
    fc.constant({}),
    text.map((a_word) => ({ a_word })),
    inner.map((an_inner) => ({ an_inner })),
    fc.boolean().map((a_flag) => ({ a_flag })),
  ),
});

/** As protobufjs takes it, and as our JSON says it: 64 bits as digits. */
const forTheirs = (value: unknown): unknown =>
  typeof value === 'bigint'
    ? String(value)
    : value instanceof Buffer
      ? value
      : Array.isArray(value)
        ? value.map(forTheirs)
        : isPlain(value)
          ? mapValues(value, forTheirs)
          : value;
const isPlain = (value: unknown): value is object => typeof value === 'object' && value !== null;
const mapValues = (value: object, change: (one: unknown) => unknown): object =>
  Object.fromEntries(Object.entries(value).map(([name, one]) => [name, change(one)]));
function jsonOf(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Buffer) return JSON.stringify(value.toString('base64'));
  if (Object.is(value, -0)) return '-0';
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  if (isPlain(value))
    return `{${Object.entries(value)
      .map(([name, one]) => `${JSON.stringify(name)}:${jsonOf(one)}`)
      .join(',')}}`;
  return JSON.stringify(value);
}
/** Digits beyond a double's compare as texts. */
const comparable = (json: string): unknown =>
  JSON.parse(json.replace(/:(-?\d{16,})/g, ':"$1"').replace(/(?<=[[,])(-?\d{16,})(?=[,\]])/g, '"$1"'));

describe('beside protobufjs', () => {
  test('any event that it writes is read as it was meant, and what is written it reads', () => {
    fc.assert(
      fc.property(anyEvent, ({ more, choice, ...plain }) => {
        const event = { ...plain, ...more, ...choice };
        const theirs = Event.encode(Event.fromObject(forTheirs(event) as object)).finish();
        const json = decode(first(theirs), { schema: everything });
        const meant = jsonOf({ ...event, f: 0 }).replace('"f":0', `"f":${formatReal(event.f)}`);
        expect(comparable(json)).toEqual(comparable(meant));
        const ours = encode(json, { schema: everything });
        expect(ours[0]).toBe(0);
        const options = { longs: String, enums: String, bytes: String, defaults: true, oneofs: false };
        expect(Event.toObject(Event.decode(ours.subarray(1)), options)).toEqual(
          Event.toObject(Event.decode(theirs), options),
        );
        // Twice behind one another is one event: scalars as the last says, lists joined.
        const twice = JSON.parse(decode(first(Buffer.concat([theirs, theirs])), { schema: everything })) as {
          words: string[];
        };
        expect(twice.words).toEqual([...event.words, ...event.words]);
      }),
      { numRuns: 100 },
    );
  });

  test('any bytes at all are a value or a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        try {
          JSON.parse(decode(first(body), { schema: everything }));
        } catch (error) {
          expect(error instanceof FormatFault || error instanceof SyntaxError).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('the mapping to JSON', () => {
  test('types are those of PostgreSQL', () => {
    expect(writeFields(rowOfSchema('protobuf', everything, 'com.acme.Event'))).toEqual({
      ...{ d: 'double precision', f: 'real', i32: 'integer', i64: 'bigint', u32: 'bigint', u64: 'numeric' },
      ...{ s32: 'integer', s64: 'bigint', f32: 'bigint', f64: 'numeric', sf32: 'integer', sf64: 'bigint' },
      ...{ yes: 'boolean', text: 'text', raw: 'text', maybe: 'integer', kind: 'text' },
      ...{ inner: { name: 'text', kinds: 'text[]' }, numbers: 'bigint[]', words: 'text[]', inners: 'jsonb' },
      ...{
        counts: 'jsonb',
        by_number: 'jsonb',
        a_word: 'text',
        an_inner: { name: 'text', kinds: 'text[]' },
        a_flag: 'boolean',
      },
    });
  });

  const known = (type: string): string =>
    `syntax = "proto3"; import "google/protobuf/any.proto"; message Event { google.protobuf.${type} v = 1; int32 n = 2; }`;
  test.each([
    ['Timestamp', '"2026-02-28T01:02:03.000000001Z"', 'timestamptz'],
    ['Timestamp', '"1969-12-31T23:59:59.500Z"', 'timestamptz'],
    ['Duration', '"PT-1.5S"', 'interval'],
    ['Int64Value', '-9223372036854775808', 'bigint'],
    ['StringValue', '""', 'text'],
    ['BoolValue', 'false', 'boolean'],
    ['Struct', '{"a":[1,"x",null,true,{"b":{}}],"c":-0.5}', 'jsonb'],
    ['Value', 'null', 'jsonb'],
    ['ListValue', '[[],{}]', 'jsonb'],
    ['FieldMask', '{"paths":["a.b"]}', { paths: 'text[]' }],
  ])('google.protobuf.%s as %s, of type %j', (type, json, sqlType) => {
    const schema = known(type);
    expect(decode(encode(`{"v":${json}}`, { schema }), { schema })).toBe(`{"v":${json},"n":0}`);
    expect(writeFields(rowOfSchema('protobuf', schema, null))).toEqual({ v: sqlType, n: 'integer' });
  });

  test('in proto2 a field that is not there is not there, or its default; a required one must be', () => {
    const schema = `message Event { required string id = 1; optional int32 n = 2; optional int32 m = 3 [default = -7]; repeated int32 l = 4; }`;
    expect(decode(encode('{"id":"a"}', { schema }), { schema })).toBe('{"id":"a","m":-7,"l":[]}');
    expect(failure(() => encode('{"n":1}', { schema })).message).toMatch(/lacks id/);
    expect(failure(() => decode(Buffer.of(0), { schema })).message).toMatch(/required field id/);
  });

  test.each([
    ['int32', '0x10', '16'],
    ['int32', '-0x1', '-1'],
    ['int64', '010', '8'],
    ['sint32', '- 7', '-7'],
    ['fixed64', '18446744073709551615', '18446744073709551615'],
    ['double', '1.', '1'],
    ['double', '.5', '0.5'],
    ['double', '1e3', '1000'],
    ['double', '0x10', '16'],
    ['double', '-inf', '"-Infinity"'],
    ['float', '0.1', '0.1'],
    ['float', 'nan', '"NaN"'],
    ['bool', 'true', 'true'],
    ['string', String.raw`"a\n\"\x41\101\u00e9\U0001F600\?"`, String.raw`"a\n\"AAé😀?"`],
    ['string', String.raw`'\xc3\xa9' "b"`, '"éb"'],
    ['bytes', String.raw`"é\377"`, `"${Buffer.from([0xc3, 0xa9, 0xff]).toString('base64')}"`],
    ['Kind', 'STOP', '"STOP"'],
  ])('a default of %s is read as it may be written: %s', (type, literal, json) => {
    const enums = 'enum Kind { UNKNOWN = 0; STOP = 0x5; }';
    const schema = `${enums} message Event { optional ${type} a = 1 [default = ${literal}, deprecated = true]; }`;
    expect(decode(first(Buffer.of()), { schema })).toBe(`{"a":${json}}`);
  });

  test.each([
    ['int32', '3000000000'],
    ['uint32', '-1'],
    ['int32', '1.5'],
    ['int32', 'inf'],
    ['int32', '08'],
    ['double', '1x'],
    ['bool', '1'],
    ['string', String.raw`"\q"`],
    ['string', String.raw`"\xff"`],
    ['string', String.raw`"\ud800"`],
    ['bytes', String.raw`"\400"`],
    ['Kind', 'GONE'],
    ['Event', '""'],
  ])('a default of %s that is none is refused by its field: %s', (type, literal) => {
    const schema = `enum Kind { UNKNOWN = 0; } message Event { optional ${type} a = 1 [default = ${literal}]; }`;
    const refused = failure(() => decode(first(Buffer.of()), { schema }));
    expect(refused).toMatchObject({
      name: 'SchemaRefused',
      at: 'a',
      message: expect.stringMatching(/^got the default/),
    });
  });

  test('a number in another radix, and a name with escapes, is what it means', () => {
    const schema = String.raw`syntax = "proto3"; message Event { int32 a = 010 [json_name = "\x41"]; }`;
    expect([...encode('{"A":1}', { schema })]).toEqual([0, 8 << 3, 1]);
  });

  test('fields may be named as JSON usually does, null is not there, an enum may be a number', () => {
    const json = '{"byNumber":{"1":{"name":"x"}},"aWord":null,"TEXT":"t","kind":7}';
    const read = JSON.parse(decode(encode(json, { schema: everything }), { schema: everything })) as object;
    expect(read).toMatchObject({ by_number: { 1: { name: 'x', kinds: [] } }, text: 't', kind: '7' });
    expect(read).not.toHaveProperty('a_word');
  });

  test('which message a record is stands before it', () => {
    const deep = encode('{"x":5}', { schema: everything, message: 'Deep' });
    expect([...deep.subarray(0, 3)]).toEqual([4, 2, 0]);
    expect(decode(deep, { schema: everything, message: 'com.acme.Other.Deep' })).toBe('{"x":5}');
    expect(failure(() => decode(deep, { schema: everything }))).toMatchObject({
      errorClass: 'schema',
      code: 'other_message',
    });
    expect(failure(() => decode(Buffer.of(2, 40), { schema: everything }))).toMatchObject({ errorClass: 'poison' });
  });
});

describe('evolution', () => {
  const of = (fields: string): string => `syntax = "proto3"; message Event { ${fields} }`;
  const read = (writer: string, json: string, reader: string): string =>
    decode(encode(json, { schema: of(writer) }), { schema: of(reader) }, of(writer));

  test('fields come, go and are renamed; numbers are what counts', () => {
    expect(read('string id = 1; int32 gone = 2;', '{"id":"a","gone":5}', 'string name = 1; bool more = 3;')).toBe(
      '{"name":"a","more":false}',
    );
    expect(read('int32 n = 1;', '{"n":-5}', 'int64 n = 1;')).toBe('{"n":-5}');
    expect(read('int32 n = 1;', '{"n":5}', 'repeated int32 n = 1;')).toBe('{"n":[5]}');
  });

  test.each([
    ['string n = 1;', 'int32 n = 1;', /written as string \(field 1\) and cannot be read as int32/],
    ['int64 n = 1;', 'int32 n = 1;', /int64/],
    ['repeated int32 n = 1;', 'int32 n = 1;', /repeated int32/],
    ['sint32 n = 1;', 'int32 n = 1;', /sint32/],
  ])('%s cannot be read as %s', (writer, reader, message) => {
    const refused = failure(() => protoReader({ schema: of(reader), message: null }, of(writer), []));
    expect(refused).toBeInstanceOf(SchemaRefused);
    expect(refused.message).toMatch(message);
    expect((refused as SchemaRefused).at).toBe('n');
  });

  test('what a schema imports comes with it', () => {
    const shared = { name: 'acme/shared.proto', text: 'syntax = "proto3"; package acme; message Id { string v = 1; }' };
    const writer = 'syntax = "proto3"; import "acme/shared.proto"; message Event { acme.Id id = 1; }';
    const out = { bytes: new Uint8Array(16), length: 0 };
    protoReader({ schema: null, message: null }, writer, [shared])(Buffer.of(0, 10, 3, 10, 1, 97), 0, 6, out);
    expect(Buffer.from(out.bytes.subarray(0, out.length)).toString()).toBe('{"id":{"v":"a"}}');
    expect(failure(() => protoReader({ schema: null, message: null }, writer, [])).message).toMatch(
      /imports acme\/shared/,
    );
  });
});

describe('hostile bytes', () => {
  const list =
    'syntax = "proto3"; message Event { Event next = 1; repeated int32 n = 2; oneof o { int32 a = 3; int32 b = 4; } }';

  test('nesting without end is a fault, known or unknown', () => {
    let deep = Buffer.alloc(0);
    for (let level = 0; level < 400; level++) {
      const head: number[] = [10];
      for (let rest = deep.length; ; rest >>= 7) {
        head.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest < 128) break;
      }
      deep = Buffer.concat([Buffer.from(head), deep]);
    }
    expect(failure(() => decode(first(deep), { schema: list })).message).toMatch(/nested deeper/);
    const groups = Buffer.alloc(5_000, 0x7b);
    expect(failure(() => decode(first(groups), { schema: list })).message).toMatch(/nested deeper/);
  });

  test.each([
    ['a length beyond the record', [10, 127]],
    ['a huge length', [10, 255, 255, 255, 255, 255, 255, 255, 255, 127]],
    ['a varint without end', Array<number>(20).fill(255)],
    ['field number nothing', [0, 0]],
    ['an unknown wire type', [0x0f, 0]],
    ['the end of a group that did not begin', [0x0c]],
    ['the wrong wire type', [0x08, 1]],
  ])('%s is a fault', (_what, body) => {
    expect(failure(() => decode(first(Uint8Array.from(body)), { schema: list }))).toBeInstanceOf(FormatFault);
  });

  test('many alternatives cost no more than as many fields', () => {
    const body = Buffer.from(Array.from({ length: 50_000 }, (_, index) => [index % 2 === 0 ? 0x18 : 0x20, 1]).flat());
    expect(decode(first(body), { schema: list })).toBe('{"n":[],"b":1}');
  });
});

describe('a .proto file that is none', () => {
  test.each([
    ['nothing', '', /no message/],
    ['an unknown type', 'message Event { Foo x = 1; }', /type Foo/],
    ['no number', 'message Event { string x; }', /line 1: got ;/],
    ['a number twice', 'message Event { int32 a = 1; int32 b = 1; }', /number 1/],
    ['a name twice', 'message Event { int32 a = 1; int32 a = 2; }', /named a/],
    ['an edition', 'edition = "2023"; message Event { int32 a = 1; }', /edition/],
    ['a group', 'message Event { optional group G = 1 { } }', /groups/],
    ['the end too early', 'message Event { int32 a = 1;', /ends/],
    ['strange signs', 'message Event { int32 a = 1; } §', /no word/],
    ['a message that it does not have', 'message Other { int32 a = 1; }', /no message Event: there is Other/],
  ])('%s', (_what, schema, message) => {
    const refused = failure(() => rowOfSchema('protobuf', schema, 'Event'));
    expect(refused).toBeInstanceOf(SchemaRefused);
    expect(refused.message).toMatch(message);
  });
});
