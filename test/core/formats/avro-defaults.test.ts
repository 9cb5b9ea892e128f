// Defaults of Avro fields: every digit of them in what is read, written and registered, and what nobody could read refused.
import { describe, expect, test } from '@jest/globals';
import { compileAvroDecoder } from '#core/formats/avro/decoder.ts';
import { compileAvroEncoder } from '#core/formats/avro/encoder.ts';
import { type ExactJson, exactText, parseExact } from '#core/formats/avro/exact-json.ts';
import { type AvroType, parseAvroSchema } from '#core/formats/avro/schema.ts';
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import type { StreamSpec } from '#core/spec/stream-spec.ts';

const withField = (type: string, defaultText: string): AvroType =>
  parseAvroSchema(`{"type":"record","name":"R","fields":[{"name":"a","type":${type},"default":${defaultText}}]}`);
const nothing = parseAvroSchema('{"type":"record","name":"R","fields":[]}');

/** As a reader takes it for what the writer lacks; and as a writer puts it for what the event lacks. */
function valuesOf(type: AvroType): readonly string[] {
  const read = { bytes: new Uint8Array(16), length: 0 };
  compileAvroDecoder(nothing, type)(new Uint8Array(0), 0, 0, read);
  const written = { bytes: new Uint8Array(16), length: 0 };
  compileAvroEncoder(type)(Buffer.from('{}'), 0, 2, written);
  const back = { bytes: new Uint8Array(16), length: 0 };
  compileAvroDecoder(type, type)(written.bytes, 0, written.length, back);
  return [read, back].map(({ bytes, length }) => Buffer.from(bytes.subarray(0, length)).toString());
}

describe('a default', () => {
  test.each([
    ['"long"', '9223372036854775807'],
    ['"long"', '-9223372036854775808'],
    ['"long"', '9007199254740993'],
    ['"int"', '-2147483648'],
    ['["int","null"]', '7'],
    ['{"type":"array","items":"long"}', '[9007199254740993,-1]'],
    ['{"type":"map","values":"long"}', '{"n":9007199254740993,"t":-9007199254740993}'],
    ['{"type":"array","items":"boolean"}', JSON.stringify(Array(100).fill(true))],
    ['"double"', '1e+300'],
    ['"string"', '"\\u0000 \\" n9007199254740993"'],
  ])('of %s is %s, read and written', (type, text) => {
    expect(valuesOf(withField(type, text))).toEqual([`{"a":${text}}`, `{"a":${text}}`]);
  });

  test.each([
    ['"int"', '3000000000', /got the default 3000000000, expected a number that fits int/],
    ['"long"', '9223372036854775808', /expected a number that fits long/],
    ['"long"', '9.007199254740993e15', /expected all digits of a long/],
    ['"long"', '1.5', /expected long/],
    ['"float"', '1e39', /expected float/],
    ['{"type":"long","logicalType":"timestamp-millis"}', '253402300800000', /timestamp-millis of the years 1 to 9999/],
    ['{"type":"int","logicalType":"time-millis"}', '86400000', /time-millis/],
    ['{"type":"int","logicalType":"date"}', '2932897', /date/],
  ])('of %s is not %s', (type, text, message) => {
    for (const run of [
      () => compileAvroDecoder(nothing, withField(type, text)),
      () => compileAvroEncoder(withField(type, text)),
    ]) {
      expect(run).toThrow(SchemaRefused);
      expect(run).toThrow(message);
    }
  });

  test('takes the type of a union that it fits', () => {
    expect(valuesOf(withField('["int","long"]', '3000000000'))[1]).toBe('{"a":{"long":3000000000}}');
  });
});

describe('the text of a schema', () => {
  test('keeps its digits, and otherwise has one spelling', () => {
    const text =
      '{ "a": [9223372036854775807, -9007199254740993, 12, 1.50],\n "b\\u0065": "n1 \\\\", "t": {"n": -0.0} }';
    const exact = '{"a":[9223372036854775807,-9007199254740993,12,1.5],"be":"n1 \\\\","t":{"n":-0}}';
    expect(exactText(parseExact(text))).toBe(exact);
    expect(exactText(parseExact(exact))).toBe(exact);
    const usual = '{"x":["9007199254740993",true,null,{"__proto__":1}],"1":2}';
    expect(exactText(parseExact(usual))).toBe(JSON.stringify(JSON.parse(usual)));
  });

  test('is refused where it is no JSON, nested without end, or holds a number that is none', () => {
    expect(() => parseExact('{"a":9007199254740993')).toThrow(SyntaxError);
    expect(() => parseExact('[1e400]')).toThrow('the number 1e400 is too large');
    expect(() => parseExact('['.repeat(100_000) + ']'.repeat(100_000))).toThrow(/nested deeper than 256/);
  });

  const wide = '{"type":"record","name":"R","fields":[{"name":"a","type":"long","default":9007199254740993}]}';

  test('of a stream is registered as it was declared', () => {
    const parsed = parseDocument({
      ...{ apiVersion: 'millrace/v1', kind: 'Stream', metadata: { name: 's', owner: 'o' } },
      spec: { format: 'avro', schema: { avro: wide.replaceAll(',', ',\n') } },
    });
    expect(parsed.ok && (parsed.value.spec as StreamSpec).format?.schema).toBe(wide);
  });

  test('that came as an object, and lost digits on the way, writes nothing', () => {
    const text = exactText(JSON.parse(wide) as ExactJson);
    expect(() => compileAvroEncoder(parseAvroSchema(text))).toThrow(
      /got the default 9.007199254740992e\+15, .*as the text of its JSON/,
    );
  });
});
