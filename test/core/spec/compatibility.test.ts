// Which schemas a stream's schema may become: what is promised to readers and to events that are there already.
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadParser, planRoute, type RowType, type ScalarType } from '#core/expression/index.ts';
import { scalarTypes } from '#core/expression/types.ts';
import { checkDocuments } from '#core/graph/check-documents.ts';
import { localSettings } from '#core/graph/platform-settings.ts';
import { rowMisfits } from '#core/spec/compatibility.ts';
import { aRoute, aStream } from '#test/support/documents.ts';
import { planned, runProgram } from '#test/support/run-expression.ts';

beforeAll(loadParser);

const stream = (fields: object, more: object = {}) => aStream('events', { schema: { fields, ...more } });
const refusals = (before: object, after: object, more: object = {}) =>
  (
    checkDocuments([stream(before)], [stream(after, more)], planRoute, localSettings.sinks).problems.get(
      'Stream/events',
    ) ?? []
  ).map(({ path, message }) => `${path}: ${message}`);

describe('a schema', () => {
  test('may gain fields, lose fields that nobody reads, and widen them', () => {
    expect(refusals({ a: 'integer', gone: 'text' }, { a: 'bigint', added: 'text' })).toEqual([]);
    expect(refusals({ a: 'bigint', d: { x: 'date' } }, { a: 'numeric', d: { x: 'text' } })).toEqual([]);
    expect(refusals({ a: { b: 'text' } }, { a: 'jsonb' })).toEqual([]);
  });

  test('may not become one that events which are there may not fit, unless it says that there are none', () => {
    const wrong = refusals({ a: 'bigint', d: { tags: 'text[]' } }, { a: 'integer', d: { tags: 'uuid[]' } });
    expect(wrong).toEqual([
      'spec.schema.fields.a: it was bigint and becomes integer: events that are in the stream may not fit (compatibility: backward)',
      'spec.schema.fields.d.tags: it was text[] and becomes uuid[]: events that are in the stream may not fit (compatibility: backward)',
    ]);
    expect(refusals({ a: 'bigint' }, { a: 'integer' }, { compatibility: 'none' })).toEqual([]);
  });

  test('that keeps to readers elsewhere may narrow, and not widen; in full mode neither', () => {
    expect(refusals({ a: 'bigint' }, { a: 'integer' }, { compatibility: 'forward' })).toEqual([]);
    expect(refusals({ a: 'integer' }, { a: 'bigint' }, { compatibility: 'forward' })).toHaveLength(1);
    expect(refusals({ a: 'integer' }, { a: 'bigint' }, { compatibility: 'full' })).toHaveLength(1);
    expect(refusals({ a: 'bigint' }, { a: 'integer' }, { compatibility: 'full' })).toHaveLength(1);
  });

  test('that breaks routes names them, whatever its mode', () => {
    const route = aRoute('r', 'events', 'sink', { select: 'a + 1 AS b' });
    const after = stream({ a: 'text' }, { compatibility: 'none' });
    const { problems } = checkDocuments([stream({ a: 'integer' }), route], [after], planRoute, localSettings.sinks);
    expect(problems.get('Stream/events')).toEqual([
      expect.objectContaining({ path: 'spec.schema', message: expect.stringMatching(/^breaks route "r"/) }),
    ]);
  });
});

/** JSON values of all kinds, with those at the edges of types. */
const value = fc.oneof(
  fc.integer({ min: -40_000, max: 40_000 }).map(String),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('1e400', '-1E-5', '0.10', '1e39', 'true', 'false', 'null', '{}', '[]', '[1]', '"x"', '"NaN"'),
  fc.constantFrom(
    '"2026-01-31"',
    '"2026-01-31T10:00:00"',
    '"2026-01-31T10:00:00Z"',
    '"10:00"',
    '"1 day"',
    '"-Infinity"',
  ),
  fc.uuid().map((text) => `"${text}"`),
);

test('a type that is said to take all of another really does, over every pair and many values', () => {
  const row = (type: ScalarType): RowType => [{ name: 'v', type: { kind: 'scalar', type } }];
  const fits = new Map(scalarTypes.map((type) => [type, planned({}, row(type), 'declared')]));
  const type = fc.constantFrom(...scalarTypes);
  fc.assert(
    fc.property(type, type, value, (reader, writer, json) => {
      if (rowMisfits(row(reader), row(writer)).length > 0) return;
      const event = `{"v":${json}}`;
      if (runProgram(fits.get(writer)!, event).verdict !== 'passed') return;
      expect([reader, writer, json, runProgram(fits.get(reader)!, event).fault]).toEqual([reader, writer, json, null]);
    }),
    { numRuns: 5_000 },
  );
});
