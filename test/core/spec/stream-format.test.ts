// What may be declared of a stream's format, and how its schema may change.
import { describe, expect, test } from '@jest/globals';
import { checkCompatibility, checkRegistered } from '#core/spec/compatibility.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import type { StreamSpec } from '#core/spec/stream-spec.ts';

const parse = (spec: object) =>
  parseDocument({ apiVersion: 'millrace/v1', kind: 'Stream', metadata: { name: 's', owner: 'o' }, spec });

function accepted(spec: object): StreamSpec {
  const parsed = parse(spec);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem));
  return parsed.value.spec as StreamSpec;
}
const refused = (spec: object): string => {
  const parsed = parse(spec);
  return parsed.ok ? 'accepted' : parsed.problem.map(({ path, message }) => `${path}: ${message}`).join('\n');
};

const record = (fields: readonly object[]) => ({ type: 'record', name: 'R', fields });
const id = { name: 'id', type: 'string' };
const n = { name: 'n', type: 'int' };
const avro = (fields: readonly object[], more: object = {}) => ({
  ...{ format: 'avro', schema: { avro: record(fields), ...more } },
});
const proto = (fields: string, more: object = {}) => ({
  ...{ format: 'protobuf', schema: { protobuf: `syntax = "proto3"; message R { ${fields} }`, ...more } },
});

describe('the format of a stream', () => {
  test('takes its types, its key and its event time from the schema', () => {
    const at = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
    const spec = accepted({ ...avro([id, at], { pii: { id: 'hash' } }), key: 'id', eventTime: 'at' });
    expect(spec.schema?.row).toEqual([
      { name: 'id', type: { kind: 'scalar', type: 'text', pii: { kind: 'hash', salt: 'pii-salt' } } },
      { name: 'at', type: { kind: 'scalar', type: 'timestamptz' } },
    ]);
    expect(spec.format).toMatchObject({ kind: 'avro', url: null, subject: null, register: true });
  });

  test('is the same schema as an object or as text', () => {
    const text = JSON.stringify(record([id]), null, 2);
    expect(accepted({ format: 'avro', schema: { avro: text } })).toEqual(accepted(avro([id])));
  });

  test.each([
    ['a registry of JSON', { registry: {} }, /spec.registry: events in JSON are under no registry/],
    ['fields of Avro', { format: 'avro', schema: { fields: { id: 'text' } } }, /come from its avro schema/],
    [
      'an Avro schema of Protobuf',
      { format: 'protobuf', schema: { avro: record([id]) } },
      /does not go with format protobuf/,
    ],
    ['a schema of nothing', { format: 'avro', schema: {} }, /got no avro schema/],
    ['a schema in JSON without fields', { schema: {} }, /spec.schema.fields: got nothing/],
    ['what is no schema', { format: 'avro', schema: { avro: '{' } }, /spec.schema.avro: the schema is not JSON/],
    ['what is no record', { format: 'avro', schema: { avro: '"string"' } }, /expected a record/],
    ['an unknown message', proto('string id = 1;', { message: 'S' }), /no message S: there is R/],
    [
      'a default that Avro’s type does not hold',
      avro([id, { ...n, default: 'x' }]),
      /spec.schema.avro: n: got the default "x", expected int/,
    ],
    [
      'a default that Protobuf’s type does not hold',
      { format: 'protobuf', schema: { protobuf: 'message R { optional int32 n = 1 [default = 1.5]; }' } },
      /spec.schema.protobuf: n: got the default 1.5, expected int32/,
    ],
    [
      'a tag on what is not there',
      avro([id], { pii: { email: 'hash' } }),
      /got "email", expected a field of the schema/,
    ],
    ['a key that is not there', { ...avro([id]), key: 'x' }, /spec.key: got "x"/],
    ['a secret in the URL', { format: 'avro', registry: { url: 'https://u:p@r.example.com' } }, /carries a user/],
    ['a metadata service', { format: 'avro', registry: { url: 'http://169.254.169.254/' } }, /metadata/],
  ])('is refused with %s', (_what, spec, message) => {
    expect(refused(spec)).toMatch(message);
  });
});

describe('a change of the schema', () => {
  const change = (before: object, after: object): string =>
    checkCompatibility(accepted(before), accepted(after))
      .map(({ path, message }) => `${path}: ${message}`)
      .join('\n');
  const mode = (compatibility: string) => ({ compatibility });

  test('is held to what the mode promises, by the rules of Avro', () => {
    const withDefault = { ...n, default: 0 };
    expect(change(avro([id]), avro([id, withDefault]))).toBe('');
    expect(change(avro([id]), avro([id, n]))).toMatch(/spec.schema.avro: .*field n: it was written without/);
    expect(change(avro([id, n]), avro([id]))).toBe('');
    expect(change(avro([id, n]), avro([id], mode('forward')))).toMatch(/cannot be read by the stream’s schema before/);
    expect(change(avro([id, withDefault]), avro([id], mode('full')))).toBe('');
    expect(change(avro([n]), avro([{ ...n, type: 'long' }]))).toBe('');
    expect(change(avro([n]), avro([{ ...n, type: 'long' }], mode('full')))).toMatch(/long .*cannot be read as int/);
    expect(change(avro([n]), avro([{ ...n, type: 'string' }], mode('none')))).toBe('');
  });

  const symbols = (list: string[], more: object = {}) => ({ type: 'enum', name: 'E', symbols: list, ...more });
  test.each([
    ['another type beside null', ['null', 'int'], ['null', 'string'], /field n: it was written as int/],
    ['null no more', ['null', 'string'], 'string', /field n: it was written as null/],
    ['a type of several less', ['int', 'string'], 'int', /field n: it was written as string/],
    ['a symbol less', symbols(['A', 'B']), symbols(['A']), /field n: enum E does not know B/],
    ['in a list', { type: 'array', items: ['null', 'int'] }, { type: 'array', items: 'int' }, /field n\[\]: .* null/],
  ])('counts every value that could be written: %s', (_what, before, after, message) => {
    const [was, is] = [avro([id, { ...n, type: before }]), avro([id, { ...n, type: after }])];
    expect(change(was, is)).toMatch(message);
    expect(change(is, avro([id, { ...n, type: before }], mode('forward')))).toMatch(message);
    const registered = { kind: 'avro' as const, text: JSON.stringify(was.schema.avro), references: [] };
    expect(checkRegistered(accepted(is), registered)[0]?.message).toMatch(message);
  });

  test('may take values away that a default stands for, and add what is read beside the rest', () => {
    const type = (one: unknown) => avro([id, { ...n, type: one }]);
    expect(change(type(symbols(['A', 'B'])), type(symbols(['A'], { default: 'A' })))).toBe('');
    expect(change(type('string'), type(['null', 'string']))).toBe('');
    expect(change(type(['null', 'int']), type(['long', 'null']))).toBe('');
  });

  test('and of Protobuf', () => {
    expect(change(proto('string id = 1;'), proto('string name = 1; int32 n = 2;'))).toBe('');
    expect(change(proto('int32 n = 1;'), proto('string n = 1;'))).toMatch(/spec.schema.protobuf: .*field n/);
  });

  test('does not make another format of a stream', () => {
    expect(change({}, avro([id]))).toMatch(/was json and becomes avro/);
    expect(change(avro([id]), proto('string id = 1;'))).toMatch(/was avro and becomes protobuf/);
    expect(change({}, avro([id], mode('none')))).toBe('');
  });

  test('is compared with what is registered already', () => {
    const registered = { kind: 'avro' as const, text: JSON.stringify(record([n])), references: [] };
    expect(checkRegistered(accepted(avro([n])), registered)).toEqual([]);
    expect(checkRegistered(accepted(avro([id])), registered)[0]?.message).toMatch(/registry’s newest schema wrote/);
    expect(checkRegistered(accepted(proto('int32 n = 1;')), registered)[0]?.message).toMatch(
      /in avro, the stream in protobuf/,
    );
  });
});
