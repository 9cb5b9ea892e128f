// Schemas of a few kB that mean very much: what is too much is refused, soon and by name, and what only looks so is read.
import { describe, expect, test } from '@jest/globals';
import { compileAvroDecoder } from '#core/formats/avro/decoder.ts';
import { compileAvroEncoder } from '#core/formats/avro/encoder.ts';
import { type AvroType, parseAvroSchema } from '#core/formats/avro/schema.ts';
import { SchemaRefused } from '#core/formats/format-fault.ts';
import { protoReader, protoWriter } from '#core/formats/protobuf/records.ts';
import { rowOfSchema } from '#core/formats/schema-row.ts';
import { limits } from '#core/limits.ts';
import type { Json } from '#core/spec/json.ts';

const parse = (schema: Json, references: readonly string[] = []): AvroType => parseAvroSchema(schema, references);

function refusalOf(run: () => unknown): SchemaRefused {
  try {
    run();
  } catch (error) {
    if (error instanceof SchemaRefused) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Records in records. */
function nested(depth: number, leaf: Json, field: (inner: Json) => { readonly [key: string]: Json }): Json {
  let type: Json = { type: 'record', name: 'L0', fields: [{ name: 'x', type: leaf }] };
  for (let level = 1; level <= depth; level++)
    type = { type: 'record', name: `L${level}`, fields: [{ name: 'c', ...field(type) }] };
  return type;
}

describe('reading a schema by another', () => {
  const optional = (inner: Json) => ({ type: ['null', inner], default: null });
  const plain = (inner: Json) => ({ type: inner });

  test('tries each pair of types once, however deep the one lies that does not go', () => {
    const at = Array(28).fill('c').join('.');
    for (const writer of [nested(28, 'string', plain), nested(28, 'string', optional)]) {
      const refused = refusalOf(() => compileAvroDecoder(parse(writer), parse(nested(28, 'int', optional)), 'all'));
      expect(refused.message).toBe('it was written as string and cannot be read as int');
      expect(refused.at).toBe(`${at}.x`);
    }
  });

  test('names the place of each refusal, also of types that were refused before at another', () => {
    const inner = (leaf: Json): Json => ({ type: 'record', name: 'I', fields: [{ name: 'x', type: leaf }] });
    const both = (leaf: Json, last: Json): Json => ({
      ...{ type: 'record', name: 'R' },
      fields: [
        { name: 'a', type: ['null', inner(leaf)] },
        { name: 'b', type: last },
      ],
    });
    const [writer, reader] = [parse(both('int', 'I')), parse(both('string', 'I'))];
    expect(refusalOf(() => compileAvroDecoder(writer, reader, 'all')).at).toBe('a.x');
    expect(refusalOf(() => compileAvroDecoder(writer, reader)).at).toBe('b.x');
  });

  test('takes nothing for readable that leads back to what is not', () => {
    const types = (first: Json): Json => ({
      ...{ type: 'record', name: 'R' },
      fields: [
        { name: 'a', type: first },
        { name: 'b', type: ['null', 'V'] },
      ],
    });
    const w = (leaf: Json): Json => ({
      ...{ type: 'record', name: 'p.W' },
      fields: [
        {
          name: 'v',
          type: { type: 'record', name: 'V', namespace: '', fields: [{ name: 'w', type: ['null', 'p.W'] }] },
        },
        { name: 'x', type: leaf },
      ],
    });
    const other: Json = { type: 'record', name: 'q.W', fields: [] };
    const writer = parse(types(w('int')));
    const reader = parse(types([w('string'), other]));
    expect(refusalOf(() => compileAvroDecoder(writer, reader, 'all')).at).toMatch(/^b\.w/);
  });

  test('ends where two circles of types of one name would be read as each other over and over', () => {
    const circle = (length: number): Json => {
      let type: Json = { type: 'record', name: 'n0.R', fields: [{ name: 'x', type: 'n1.R' }] };
      for (let index = 1; index < length; index++)
        type = { type: 'record', name: `n${length - index}.R`, fields: [{ name: 'x', type }] };
      return type;
    };
    const [writer, reader] = [parse(circle(61)), parse(circle(59))];
    expect(refusalOf(() => compileAvroDecoder(writer, reader)).message).toMatch(/800 deep in each other/);
  });
});

describe('a chain of types, each by its name', () => {
  const texts = (length: number, use: (name: string) => Json): string[] =>
    Array.from({ length }, (_, index) =>
      JSON.stringify({
        ...{ type: 'record', name: `A${index}` },
        fields: [{ name: 'x', type: index === 0 ? 'int' : use(`A${index - 1}`) }],
      }),
    );
  const chain = (length: number, use: (name: string) => Json): AvroType =>
    parse({ type: 'record', name: 'R', fields: [{ name: 'a', type: `A${length - 1}` }] }, texts(length, use));
  const tooDeep = /800 deep in each other/;

  test.each<[string, (name: string) => Json]>([
    ['itself', (name) => name],
    ['or null', (name) => ['null', name]],
    ['in a list', (name) => ({ type: 'array', items: name })],
  ])('of 2,000 is refused whoever goes through it: %s', (_what, use) => {
    const type = chain(2_000, use);
    const nothing = parse({ type: 'record', name: 'R', fields: [] });
    expect(refusalOf(() => compileAvroDecoder(type, type)).message).toMatch(tooDeep);
    expect(refusalOf(() => compileAvroDecoder(type, nothing)).message).toMatch(tooDeep);
    expect(refusalOf(() => compileAvroEncoder(type)).message).toMatch(tooDeep);
  });

  test('as deep as a value may be is read', () => {
    for (const use of [(name: string): Json => name, (name: string): Json => ['null', name]]) {
      const type = chain(limits.recordDepthMax, use);
      compileAvroDecoder(type, type);
      compileAvroEncoder(type);
    }
  });

  test('of messages of Protobuf is refused too', () => {
    const message = (index: number, next: string): string => `message A${index} { ${next} x = 1; }`;
    const schema = Array.from({ length: 3_000 }, (_, index) =>
      message(index, index === 2_999 ? 'int32' : `A${index + 1}`),
    ).join('\n');
    const out = { bytes: new Uint8Array(16), length: 0 };
    const declared = { schema: `syntax = "proto3"; ${schema}`, message: null };
    const read = protoReader({ schema: null, message: null }, declared.schema, []);
    expect(() => read(Uint8Array.of(0), 0, 1, out)).toThrow(tooDeep);
    expect(refusalOf(() => protoReader(declared, declared.schema, [])).message).toMatch(tooDeep);
    expect(refusalOf(() => protoWriter(declared)).message).toMatch(tooDeep);
    expect(refusalOf(() => rowOfSchema('protobuf', declared.schema, null)).message).toMatch(/256 deep in each other/);
  });

  test('is no row either, also where its types are declared beside it', () => {
    const defs = texts(600, (name) => name).map((text, index) => ({
      name: `f${index}`,
      type: JSON.parse(text) as Json,
    }));
    const fields: Json = [
      { name: 'defs', type: { type: 'map', values: { type: 'record', name: 'Defs', fields: defs } } },
      { name: 'a', type: 'A599' },
    ];
    const text = JSON.stringify({ type: 'record', name: 'R', fields });
    expect(refusalOf(() => rowOfSchema('avro', text, null)).message).toMatch(/256 deep in each other/);
  });
});

describe('defaults in defaults', () => {
  test('are counted together: twice as many a level are soon too many', () => {
    let type: Json = { type: 'record', name: 'L0', fields: [{ name: 'x', type: 'int', default: 0 }] };
    for (let level = 1; level <= 40; level++)
      type = {
        ...{ type: 'record', name: `L${level}` },
        fields: [
          { name: 'a', type, default: {} },
          { name: 'b', type: `L${level - 1}`, default: {} },
        ],
      };
    const bomb = parse(type);
    const nothing = parse({ type: 'record', name: 'L40', fields: [] });
    expect(refusalOf(() => compileAvroEncoder(bomb)).message).toMatch(/more than 100000 types/);
    expect(refusalOf(() => compileAvroDecoder(nothing, bomb)).message).toMatch(/more than 100000 types/);
  });

  test('of one long text, used over and over, are counted by their bytes', () => {
    const long: Json = {
      type: 'record',
      name: 'L',
      fields: [{ name: 'x', type: 'string', default: 'x'.repeat(100_000) }],
    };
    const uses = Array.from({ length: 400 }, (_, index): Json => ({ name: `u${index}`, type: 'L', default: {} }));
    const bomb = parse({ type: 'record', name: 'R', fields: [{ name: 'l', type: long }, ...uses] });
    expect(refusalOf(() => compileAvroEncoder(bomb)).message).toMatch(/defaults are more than/);
  });
});
