// Exact, or refused: what an event says is what any reader of its record is told, and what nobody could be told is not written.
import { describe, expect, test } from '@jest/globals';
import { compileReader, compileWriter, type DeclaredSchema } from '#core/formats/codec.ts';
import { FormatFault } from '#core/formats/format-fault.ts';

type Declared = DeclaredSchema & { readonly schema: string };
const avro = (type: unknown): Declared => ({
  ...{ kind: 'avro', message: null },
  schema: JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'a', type }] }),
});
const proto3 = (fields: string): Declared => ({
  ...{ kind: 'protobuf', message: null },
  schema: `syntax = "proto3"; message R { ${fields} }`,
});

function written(declared: Declared, json: string): Uint8Array {
  const out = { bytes: new Uint8Array(16), length: 0 };
  const event = Buffer.from(json);
  compileWriter(declared)(event, 0, event.length, out);
  return out.bytes.slice(0, out.length);
}

function read(declared: Declared, bytes: Uint8Array): string {
  const out = { bytes: new Uint8Array(16), length: 0 };
  const writer = { kind: declared.kind, text: declared.schema, references: [] };
  compileReader(declared, writer)(bytes, 0, bytes.length, out);
  return Buffer.from(out.bytes.subarray(0, out.length)).toString();
}

function faultOf(run: () => unknown): FormatFault {
  try {
    run();
  } catch (error) {
    if (error instanceof FormatFault) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('what a message of Protobuf would keep only a part of', () => {
  const one = proto3('int32 a = 1; repeated int32 l = 2; string foo_bar = 3; oneof k { string x = 4; R r = 5; }');
  test.each([
    ['a field twice', '{"a":1,"a":0}', 'duplicate_field', /R: the event has "a" twice/],
    ['a field and nothing', '{"a":1,"a":null}', 'duplicate_field', /"a" twice/],
    ['nothing and a field', '{"a":null,"l":[],"a":1}', 'duplicate_field', /"a" twice/],
    ['a list twice', '{"l":[1],"l":[2]}', 'duplicate_field', /"l" twice/],
    ['a field by both its names', '{"fooBar":"x","foo_bar":""}', 'duplicate_field', /"foo_bar" twice/],
    ['two alternatives', '{"x":"1","r":{}}', 'several_alternatives', /has x and r, of which the schema takes one/],
    ['two of them further in', '{"r":{"r":{"r":{},"x":""}}}', 'several_alternatives', /has r and x/],
  ])('is refused: %s', (_what, json, code, message) => {
    const fault = faultOf(() => written(one, json));
    expect(fault).toMatchObject({ errorClass: 'schema', code });
    expect(fault.message).toMatch(message);
  });

  test('is told from what one writer has had before: the next event, the next message of a list, another branch', () => {
    const many = proto3('repeated R l = 1; oneof k { string x = 2; string y = 3; } int32 a = 4;');
    const json =
      '{"l":[{"l":[],"x":"1","a":1},{"l":[],"y":"2","a":0},{"l":[{"l":[],"x":"3","a":3}],"a":2}],"y":"4","a":4}';
    expect(read(many, written(many, json))).toBe(json);
    expect(read(many, written(many, '{"x":null,"y":"1","a":0}'))).toBe('{"l":[],"y":"1","a":0}');
    const encode = compileWriter(many);
    const out = { bytes: new Uint8Array(64), length: 0 };
    const put = (text: string): void => encode(Buffer.from(text), 0, text.length, out);
    expect(faultOf(() => put('{"a":1,"a":1}')).code).toBe('duplicate_field');
    put('{"a":1}');
  });

  test('nor is null what is required', () => {
    const needed: Declared = { kind: 'protobuf', message: null, schema: 'message R { required string id = 1; }' };
    expect(faultOf(() => written(needed, '{"id":null}'))).toMatchObject({ code: 'missing_field' });
  });

  test.each([
    ['map<string, int32>', '{"a":1,"b":2,"a":3}', /a: the event has "a" twice/],
    ['map<int32, int32>', '{"1":1,"01":2}', /got the key "01", expected int32/],
    ['map<int32, int32>', '{"-0":1}', /got the key "-0"/],
    ['google.protobuf.Struct', '{"x":1,"x":{}}', /the event has "x" twice/],
  ])('in a %s: %s', (type, json, message) => {
    expect(faultOf(() => written(proto3(`${type} a = 1;`), `{"a":${json}}`)).message).toMatch(message);
  });
});

describe('a number that is too large to stay one', () => {
  test.each([
    ['double of Avro', '1e400', avro('double'), /a: the number 1e400 does not fit double/],
    ['float of Avro', '-1e39', avro('float'), /a: the number -1e39 does not fit float/],
    ['double of Protobuf', '1e400', proto3('double a = 1;'), /does not fit double/],
    ['float of Protobuf', '3.5e38', proto3('float a = 1;'), /does not fit float/],
    [
      'google.protobuf.FloatValue of Protobuf',
      '1e39',
      proto3('google.protobuf.FloatValue a = 1;'),
      /does not fit float/,
    ],
    [
      'google.protobuf.Value of Protobuf',
      '[{"x":-1e400}]',
      proto3('google.protobuf.Value a = 1;'),
      /does not fit double/,
    ],
  ])('is refused: %s, from %s', (_what, json, declared, message) => {
    const fault = faultOf(() => written(declared, `{"a":${json}}`));
    expect(fault).toMatchObject({ errorClass: 'schema', code: 'out_of_range' });
    expect(fault.message).toMatch(message);
  });

  test('is no infinity, which may be said', () => {
    for (const declared of [avro('float'), avro('double'), proto3('double a = 1;'), proto3('float a = 1;')])
      expect(read(declared, written(declared, '{"a":"-Infinity"}'))).toBe('{"a":"-Infinity"}');
  });
});

describe('a time that no reader could tell', () => {
  const avroTime = (logicalType: string, base = 'long') => avro({ type: base, logicalType });
  const stamp = proto3('google.protobuf.Timestamp a = 1;');
  const duration = proto3('google.protobuf.Duration a = 1;');
  const avroDuration = avro({ type: 'fixed', name: 'D', size: 12, logicalType: 'duration' });
  test.each([
    [
      'timestamp-millis of Avro',
      '1769860800000000',
      avroTime('timestamp-millis'),
      'out_of_range',
      /outside of the years 1 to 9999; .* milliseconds/,
    ],
    [
      'timestamp-micros of Avro',
      '253402300800000',
      avroTime('timestamp-micros'),
      'out_of_range',
      /the number 253402300800000 lies outside/,
    ],
    [
      'local-timestamp-millis of Avro',
      '-62135596800001',
      avroTime('local-timestamp-millis'),
      'out_of_range',
      /years 1 to 9999/,
    ],
    [
      'timestamp-millis of Avro',
      '"9999-12-31T23:59:59-01:00"',
      avroTime('timestamp-millis'),
      'out_of_range',
      /years 1 to 9999/,
    ],
    ['Timestamp of Protobuf', '1769860800000000', stamp, 'out_of_range', /years 1 to 9999/],
    ['Timestamp of Protobuf', '"0001-01-01T00:00:00+00:01"', stamp, 'out_of_range', /years 1 to 9999/],
    [
      'time-micros of Avro',
      '"12:00:00.0000010009"',
      avroTime('time-micros'),
      'not_exact',
      /finer than a nanosecond|finer than the schema/,
    ],
    [
      'timestamp-nanos of Avro',
      '"2026-01-31T12:00:00.0000000001Z"',
      avroTime('timestamp-nanos'),
      'not_exact',
      /finer than a nanosecond/,
    ],
    ['Timestamp of Protobuf', '"2026-01-31T12:00:00.0000000001Z"', stamp, 'not_exact', /finer than a nanosecond/],
    ['Duration of Protobuf', '"PT1.0000000001S"', duration, 'misfit', /an interval/],
    ['Duration of Protobuf', '"PT315576000001S"', duration, 'out_of_range', /longer than 10,000 years/],
    ['duration of Avro', '"PT1.0000001S"', avroDuration, 'misfit', /an interval/],
  ])('is refused: %s, from %s', (_what, json, declared, code, message) => {
    const fault = faultOf(() => written(declared, `{"a":${json}}`));
    expect(fault).toMatchObject({ errorClass: 'schema', code });
    expect(fault.message).toMatch(message);
  });

  test.each([
    ['timestamp-millis of Avro', '253402300799999', avroTime('timestamp-millis'), '"9999-12-31T23:59:59.999Z"'],
    ['timestamp-micros of Avro', '-62135596800000', avroTime('timestamp-micros'), '"0001-01-01T00:00:00Z"'],
    ['Timestamp of Protobuf', '253402300799999', stamp, '"9999-12-31T23:59:59.999Z"'],
    ['time-micros of Avro', '"12:00:00.000001000000"', avroTime('time-micros'), '"12:00:00.000001"'],
    ['Duration of Protobuf', '"PT-315576000000S"', duration, '"PT-315576000000S"'],
  ])('but the last one of %s is written: %s', (_what, json, declared, back) => {
    expect(read(declared, written(declared, `{"a":${json}}`))).toBe(`{"a":${back}}`);
  });
});

describe('keys of a map of Protobuf', () => {
  const maps = proto3('map<string, int32> s = 1; map<bool, int32> b = 2; map<sint64, int32> n = 3;');
  const record = (...body: number[]): Uint8Array => Uint8Array.of(0, ...body);

  test('that are not there are their zero, as a writer takes it too', () => {
    const json = read(maps, record(0x0a, 2, 0x10, 7, 0x12, 2, 0x10, 7, 0x1a, 2, 0x10, 7));
    expect(json).toBe('{"s":{"":7},"b":{"false":7},"n":{"0":7}}');
    expect(read(maps, written(maps, json))).toBe(json);
  });

  test('that are no UTF-8 are a fault, and no two of them one', () => {
    const body = [0x0a, 5, 0x0a, 1, 0xff, 0x10, 1, 0x0a, 5, 0x0a, 1, 0xfe, 0x10, 2];
    expect(faultOf(() => read(maps, record(...body)))).toMatchObject({
      ...{ errorClass: 'poison', code: 'malformed', message: 'a key is no UTF-8' },
    });
    const struct = proto3('google.protobuf.Struct a = 1;');
    expect(faultOf(() => read(struct, record(0x0a, 5, 0x0a, 3, 0x0a, 1, 0xff))).message).toBe('a key is no UTF-8');
  });
});
