// Avro beside another implementation of it: what avsc writes is read, what is written is what avsc writes; and what is refused.
import { describe, expect, test } from '@jest/globals';
import avsc from 'avsc';
import fc from 'fast-check';
import { compileAvroDecoder } from '#core/formats/avro/decoder.ts';
import { compileAvroEncoder } from '#core/formats/avro/encoder.ts';
import { avroRow } from '#core/formats/avro/row-type.ts';
import { type AvroRecord, type AvroType, parseAvroSchema } from '#core/formats/avro/schema.ts';
import { FormatFault, SchemaRefused } from '#core/formats/format-fault.ts';
import { writeFields } from '#core/spec/field-types.ts';
import type { Json } from '#core/spec/json.ts';
import { anyAvro } from './any-avro.ts';

const parse = (schema: unknown): AvroType => parseAvroSchema(schema as Json);

function decodeText(bytes: Uint8Array, writer: AvroType, reader: AvroType = writer): string {
  const out = { bytes: new Uint8Array(16), length: 0 };
  compileAvroDecoder(writer, reader)(bytes, 0, bytes.length, out);
  return Buffer.from(out.bytes.subarray(0, out.length)).toString();
}

function encode(json: string, type: AvroType): Buffer {
  const out = { bytes: new Uint8Array(16), length: 0 };
  const bytes = Buffer.from(json);
  compileAvroEncoder(type)(bytes, 0, bytes.length, out);
  return Buffer.from(out.bytes.subarray(0, out.length));
}

const record = (fields: readonly object[], more: object = {}): AvroType =>
  parse({ type: 'record', name: 'R', fields, ...more });
const field = (type: unknown, more: object = {}): AvroType => record([{ name: 'a', type, ...more }]);

/** The fault or refusal of a run that must fail. */
function failure(run: () => unknown): FormatFault | SchemaRefused {
  try {
    run();
  } catch (error) {
    if (error instanceof FormatFault || error instanceof SchemaRefused) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('beside avsc', () => {
  test('any value of any schema is read as it was meant, and written byte for byte as avsc writes it', () => {
    fc.assert(
      fc.property(anyAvro, ({ schema, value, json }) => {
        const theirs = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: true });
        const type = parse(schema);
        const bytes = theirs.toBuffer(value);
        const text = decodeText(bytes, type);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(json)));
        expect(encode(text, type)).toEqual(bytes);
        // In any order, with space around everything.
        const turned = Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse());
        expect(encode(JSON.stringify(turned, null, 2), type)).toEqual(bytes);
      }),
      { numRuns: 150 },
    );
  });

  test('a value that is cut short anywhere, or has bytes too many, is a fault and nothing else', () => {
    fc.assert(
      fc.property(anyAvro, fc.nat(), ({ schema, value }, cut) => {
        const bytes = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: true }).toBuffer(value);
        const type = parse(schema);
        if (bytes.length > 0)
          expect(failure(() => decodeText(bytes.subarray(0, cut % bytes.length), type))).toBeInstanceOf(FormatFault);
        expect(failure(() => decodeText(Buffer.concat([bytes, Buffer.of(0)]), type))).toMatchObject({
          code: 'malformed',
        });
      }),
    );
  });

  test('any bytes at all are a value or a fault', () => {
    fc.assert(
      fc.property(anyAvro, fc.uint8Array({ maxLength: 200 }), ({ schema }, bytes) => {
        try {
          JSON.parse(decodeText(bytes, parse(schema)));
        } catch (error) {
          // Text that is no UTF-8 is found by whoever reads the JSON.
          expect(error instanceof FormatFault || error instanceof SyntaxError).toBe(true);
        }
      }),
    );
  });
});

describe('the mapping to JSON', () => {
  const examples: readonly (readonly [string, unknown, string, unknown])[] = [
    ['a long beyond 53 bits', 'long', '9223372036854775807', 'bigint'],
    ['the smallest long', 'long', '-9223372036854775808', 'bigint'],
    ['an int', 'int', '-2147483648', 'integer'],
    ['a double', 'double', '0.1', 'double precision'],
    ['a float by its own shortest digits', 'float', '0.1', 'real'],
    ['what is no number', 'double', '"NaN"', 'double precision'],
    ['minus infinity', 'float', '"-Infinity"', 'real'],
    ['minus zero', 'double', '-0', 'double precision'],
    ['bytes', 'bytes', '"AAEC/w=="', 'text'],
    [
      'a decimal with its zeros',
      { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 4 },
      '-1234567890.1000',
      'numeric',
    ],
    [
      'a decimal in a fixed',
      { type: 'fixed', name: 'F', size: 8, logicalType: 'decimal', precision: 18, scale: 2 },
      '0.07',
      'numeric',
    ],
    ['a date', { type: 'int', logicalType: 'date' }, '"0001-01-01"', 'date'],
    ['a time of day', { type: 'int', logicalType: 'time-millis' }, '"23:59:59.999"', 'time'],
    ['one to the microsecond', { type: 'long', logicalType: 'time-micros' }, '"00:00:00.000001"', 'time'],
    ['milliseconds', { type: 'long', logicalType: 'timestamp-millis' }, '"1969-12-31T23:59:59.999Z"', 'timestamptz'],
    ['microseconds', { type: 'long', logicalType: 'timestamp-micros' }, '"9999-12-31T23:59:59.999999Z"', 'timestamptz'],
    [
      'nanoseconds',
      { type: 'long', logicalType: 'timestamp-nanos' },
      '"2026-02-28T01:02:03.000000001Z"',
      'timestamptz',
    ],
    ['local time', { type: 'long', logicalType: 'local-timestamp-millis' }, '"2026-02-28T01:02:03"', 'timestamp'],
    ['a UUID', { type: 'string', logicalType: 'uuid' }, '"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"', 'uuid'],
    [
      'a UUID in a fixed',
      { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' },
      '"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"',
      'uuid',
    ],
    ['a duration', { type: 'fixed', name: 'D', size: 12, logicalType: 'duration' }, '"P14M3DT1.5S"', 'interval'],
    ['null or a value', ['null', 'long'], '7', 'bigint'],
    ['a union of several', ['null', 'string', 'long'], '{"long":7}', { string: 'text', long: 'bigint' }],
    ['a map', { type: 'map', values: 'long' }, '{"x":1}', 'jsonb'],
    ['a list', { type: 'array', items: 'long' }, '[1,2]', 'bigint[]'],
    ['an unknown logical type', { type: 'long', logicalType: 'moon-phase' }, '3', 'bigint'],
  ];
  test.each(examples)('%s: %j as %s, of type %j', (_what, type, text, sqlType) => {
    const schema = field(type);
    const json = `{"a":${text}}`;
    const back = decodeText(encode(json, schema), schema);
    expect(back).toBe(text === '"P14M3DT1.5S"' ? '{"a":"P14M3DT1.500S"}' : json);
    expect(writeFields(avroRow(schema as AvroRecord))).toEqual({ a: sqlType });
  });

  test('a type inside itself is untyped there, and is read as deep as it goes', () => {
    const node = record([
      { name: 'name', type: 'string' },
      { name: 'next', type: ['null', 'R'] },
    ]);
    expect(writeFields(avroRow(node as AvroRecord))).toEqual({ name: 'text', next: 'jsonb' });
    const json = '{"name":"a","next":{"name":"b","next":null}}';
    expect(decodeText(encode(json, node), node)).toBe(json);
  });
});

describe('schema resolution', () => {
  const read = (writer: AvroType, json: string, reader: AvroType): string =>
    decodeText(encode(json, writer), writer, reader);

  test('a field that the reader lacks is passed over, one that the writer lacks is its default', () => {
    const writer = record([
      { name: 'gone', type: { type: 'array', items: { type: 'map', values: ['null', 'string', 'bytes'] } } },
      { name: 'id', type: 'string' },
    ]);
    const reader = record([
      { name: 'id', type: 'string' },
      { name: 'n', type: ['null', 'long'], default: null },
      { name: 'tags', type: { type: 'array', items: 'string' }, default: ['x'] },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' }, default: 0 },
      { name: 'raw', type: 'bytes', default: '\u00ff' },
    ]);
    expect(read(writer, '{"gone":[{"k":{"string":"v"}},{}],"id":"a"}', reader)).toBe(
      '{"id":"a","n":null,"tags":["x"],"at":"1970-01-01T00:00:00Z","raw":"/w=="}',
    );
  });

  test('numbers are widened, text and bytes are one another, names may move', () => {
    expect(read(field('int'), '{"a":5}', field('double'))).toBe('{"a":5}');
    expect(read(field('long'), '{"a":5}', field(['null', 'float'], { default: null }))).toBe('{"a":5}');
    expect(read(field('string'), '{"a":"hi"}', field('bytes'))).toBe('{"a":"aGk="}');
    expect(read(field('bytes'), '{"a":"aGk="}', field('string'))).toBe('{"a":"hi"}');
    const renamed = parse({ type: 'record', name: 'x.y.R', fields: [{ name: 'b', aliases: ['a'], type: 'int' }] });
    expect(read(field('int'), '{"a":5}', renamed)).toBe('{"b":5}');
  });

  test('a time is told in the unit that it was written in', () => {
    const millis = field({ type: 'long', logicalType: 'timestamp-millis' });
    const micros = field({ type: 'long', logicalType: 'timestamp-micros' });
    expect(read(millis, '{"a":"2026-01-01T00:00:00.5Z"}', micros)).toBe('{"a":"2026-01-01T00:00:00.500Z"}');
  });

  test('an int of time that is read as a long keeps the writer’s unit too', () => {
    const millis = field({ type: 'int', logicalType: 'time-millis' });
    const micros = field({ type: 'long', logicalType: 'time-micros' });
    expect(read(millis, '{"a":"12:00:00.5"}', micros)).toBe('{"a":"12:00:00.500"}');
    expect(read(field('int'), '{"a":5}', micros)).toBe('{"a":"00:00:00.000005"}');
  });

  test('a name counts before an alias, wherever the fields stand', () => {
    const [old, current] = [
      { name: 'old', type: 'string' },
      { name: 'cur', type: 'string' },
    ];
    const reader = record([{ ...current, aliases: ['older', 'old'] }]);
    expect(read(record([old, current]), '{"old":"OLD","cur":"NEW"}', reader)).toBe('{"cur":"NEW"}');
    expect(read(record([old]), '{"old":"OLD"}', reader)).toBe('{"cur":"OLD"}');
    const both = record([{ ...old, name: 'older' }, old]);
    expect(read(both, '{"older":"OLDER","old":"OLD"}', reader)).toBe('{"cur":"OLDER"}');
  });

  test('what can never be read is refused once, by the field', () => {
    const cases: readonly (readonly [AvroType, AvroType, RegExp, string])[] = [
      [field('string'), field('long'), /written as string and cannot be read as long/, 'a'],
      [field('long'), field('int'), /written as long/, 'a'],
      [record([]), field('long'), /has no default/, 'a'],
      [
        field({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }),
        field({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 }),
        /scale 2/,
        'a',
      ],
      [
        field({ type: 'int', logicalType: 'date' }),
        field({ type: 'long', logicalType: 'timestamp-millis' }),
        /as date and cannot be read as timestamp-millis/,
        'a',
      ],
      [field({ type: 'array', items: 'string' }), field({ type: 'array', items: 'int' }), /written as string/, 'a[]'],
    ];
    for (const [writer, reader, message, at] of cases) {
      const refused = failure(() => compileAvroDecoder(writer, reader));
      expect(refused).toBeInstanceOf(SchemaRefused);
      expect(refused.message).toMatch(message);
      expect((refused as SchemaRefused).at).toBe(at);
    }
  });

  test('what only some values break is a fault of those', () => {
    const writer = field(['int', 'string']);
    expect(read(writer, '{"a":{"int":1}}', field('int'))).toBe('{"a":1}');
    expect(failure(() => read(writer, '{"a":{"string":"x"}}', field('int')))).toMatchObject({
      ...{ errorClass: 'schema', code: 'unreadable_branch' },
    });
    const symbols = (list: string[], more: object = {}): AvroType =>
      field({ type: 'enum', name: 'E', symbols: list, ...more });
    expect(read(symbols(['A', 'B']), '{"a":"B"}', symbols(['A'], { default: 'A' }))).toBe('{"a":"A"}');
    expect(failure(() => read(symbols(['A', 'B']), '{"a":"B"}', symbols(['A'])))).toMatchObject({
      code: 'unknown_symbol',
    });
  });
});

describe('an event that does not fit', () => {
  const cases: readonly (readonly [string, unknown, string, RegExp])[] = [
    ['a field too many', 'int', '{"a":1,"b":2}', /no field "b"/],
    ['a field too few', 'int', '{}', /lacks it/],
    ['a field twice', 'int', '{"a":1,"a":2}', /twice/],
    ['text for a number', 'int', '{"a":"1"}', /got the text "1", expected a whole number/],
    ['half a number', 'long', '{"a":1.5}', /whole number/],
    ['a number too large', 'int', '{"a":2147483648}', /does not fit int/],
    ['one beyond 64 bits', 'long', '{"a":9223372036854775808}', /does not fit long/],
    [
      'a finer time than the unit',
      { type: 'long', logicalType: 'timestamp-millis' },
      '{"a":"2026-01-01T00:00:00.0001Z"}',
      /finer/,
    ],
    [
      'a finer decimal',
      { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 1 },
      '{"a":1.25}',
      /1 of them behind/,
    ],
    [
      'a larger decimal',
      { type: 'bytes', logicalType: 'decimal', precision: 3, scale: 1 },
      '{"a":123.4}',
      /at most 3 digits/,
    ],
    ['no base64', 'bytes', '{"a":"*"}', /base64/],
    ['an unknown symbol', { type: 'enum', name: 'E', symbols: ['A'] }, '{"a":"B"}', /one of A/],
    ['a branch that is not there', ['null', 'int', 'string'], '{"a":{"long":1}}', /int/],
    ['a bare value of a union of several', ['null', 'int', 'string'], '{"a":1}', /got the number 1/],
    ['no such day', { type: 'int', logicalType: 'date' }, '{"a":"2026-02-30"}', /a date/],
  ];
  test.each(cases)('%s', (_what, type, json, message) => {
    const fault = failure(() => encode(json, field(type)));
    expect(fault).toMatchObject({ errorClass: 'schema' });
    expect(fault.message).toMatch(message);
  });

  test('a whole number may be written with a point or an exponent, and what is missing may be null', () => {
    expect(decodeText(encode('{"a":1e3}', field('int')), field('int'))).toBe('{"a":1000}');
    expect(decodeText(encode('{"a":2.0}', field('long')), field('long'))).toBe('{"a":2}');
    expect(decodeText(encode('{}', field(['string', 'null'])), field(['string', 'null']))).toBe('{"a":null}');
    expect(decodeText(encode('{}', field('int', { default: 7 })), field('int'))).toBe('{"a":7}');
  });
});

describe('hostile bytes', () => {
  const varint = (value: bigint): number[] => {
    const digits: number[] = [];
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    for (; rest >= 128n; rest >>= 7n) digits.push(Number(rest & 127n) | 128);
    return [...digits, Number(rest)];
  };

  test('a length beyond the value, or below nothing, is no reason to take memory', () => {
    for (const length of [2n ** 40n, 2n ** 62n, -1n, -(2n ** 63n)])
      expect(failure(() => decodeText(Uint8Array.from(varint(length)), field('string')))).toBeInstanceOf(FormatFault);
  });

  test('a list of uncounted nothings ends at the size of its JSON, and is passed over in no time', () => {
    const nulls = field({ type: 'array', items: 'null' });
    const bomb = Uint8Array.from([...varint(2n ** 50n), 0]);
    expect(failure(() => decodeText(bomb, nulls)).message).toMatch(/bytes of JSON/);
    expect(decodeText(bomb, nulls, record([]))).toBe('{}');
    const skipped = field({ type: 'array', items: { type: 'array', items: 'null' } });
    expect(decodeText(Uint8Array.from([...varint(1n), ...varint(2n ** 50n), 0, 0]), skipped, record([]))).toBe('{}');
  });

  test('a value that is nested without end is a fault, read or passed over', () => {
    const list = parse({ type: 'record', name: 'R', fields: [{ name: 'next', type: ['null', 'R'] }] });
    const deep = new Uint8Array(100_000).fill(2);
    expect(failure(() => decodeText(deep, list)).message).toMatch(/nested deeper/);
    const unread = field({ type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'] }] });
    expect(failure(() => decodeText(deep, unread, record([]))).message).toMatch(/nested deeper/);
  });

  test('varints that never end are refused', () => {
    const endless = new Uint8Array(20).fill(0xff);
    expect(failure(() => decodeText(endless, field('int'))).message).toMatch(/32 bits/);
    expect(failure(() => decodeText(endless, field('long'))).message).toMatch(/64 bits/);
  });

  test('a schema that names few types and means very many is refused, and costs nothing before', () => {
    let type: object = { type: 'record', name: 'L0', fields: [{ name: 'x', type: 'int' }] };
    for (let level = 1; level < 40; level++) {
      const below = level === 1 ? 'L0' : `L${level - 1}`;
      type = {
        type: 'record',
        name: `L${level}`,
        fields: [
          { name: 'a', type },
          { name: 'b', type: below },
        ],
      };
    }
    const bomb = parse(type);
    expect(failure(() => avroRow(bomb as AvroRecord)).message).toMatch(/more than/);
    compileAvroDecoder(bomb, bomb);
    compileAvroEncoder(bomb);
  });
});

describe('a schema that is none', () => {
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['no JSON', '{', /not JSON/],
    ['an unknown type', withField('strnig'), /"strnig"/],
    ['a field without a name', { type: 'record', name: 'R', fields: [{ type: 'int' }] }, /field named nothing/],
    [
      'two fields of one name',
      {
        type: 'record',
        name: 'R',
        fields: [
          { name: 'a', type: 'int' },
          { name: 'a', type: 'int' },
        ],
      },
      /two fields/,
    ],
    ['a union in a union', withField(['null', ['int', 'string']]), /directly in a union/],
    ['a type twice in a union', withField(['int', 'int']), /twice/],
    ['an enum without symbols', withField({ type: 'enum', name: 'E', symbols: [] }), /needs symbols/],
    ['a fixed without a size', withField({ type: 'fixed', name: 'F' }), /size nothing/],
  ];
  function withField(type: unknown): object {
    return { type: 'record', name: 'R', fields: [{ name: 'a', type }] };
  }
  test.each(cases)('%s', (_what, schema, message) => {
    const refused = failure(() => parse(schema));
    expect(refused).toBeInstanceOf(SchemaRefused);
    expect(refused.message).toMatch(message);
  });
});
