// Every type of column, written by the sink and read by DuckDB: each value comes back as it went in.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadParser } from '#core/expression/index.ts';
import type { FieldType, RowType, ScalarType } from '#core/expression/types.ts';
import { createMemoryObjectStore } from '#test/support/memory-object-store.ts';
import { queryTable } from '#test/support/read-table.ts';
import { splitRecord, TableOwner, type TableWishes, tableGoal } from './table-owner.ts';

const prefix = 'tables/default/plays/';
beforeAll(async () => await loadParser());

const scalar = (type: ScalarType): FieldType => ({ kind: 'scalar', type });
const rowOf = (types: Readonly<Record<string, FieldType>>): RowType =>
  Object.entries(types).map(([name, type]) => ({ name, type }));

async function written(
  wishes: TableWishes,
  events: readonly (object | string)[],
  query = 'SELECT * FROM {table} ORDER BY id',
): Promise<readonly Record<string, unknown>[]> {
  const objects = createMemoryObjectStore();
  const owner = new TableOwner(tableGoal(wishes), objects, splitRecord());
  await owner.start();
  owner.read(events);
  await owner.write();
  expect(owner.refusals).toEqual([]);
  await owner.close();
  return await queryTable(objects, prefix, query);
}

const every = rowOf({
  id: scalar('bigint'),
  t: scalar('text'),
  b: scalar('boolean'),
  small: scalar('smallint'),
  whole: scalar('integer'),
  exact: scalar('numeric'),
  single: scalar('real'),
  double: scalar('double precision'),
  at: scalar('timestamptz'),
  local: scalar('timestamp'),
  on: scalar('date'),
  clock: scalar('time'),
  span: scalar('interval'),
  uid: scalar('uuid'),
  json: scalar('jsonb'),
});

const extremes = [
  [
    '{"id": -9223372036854775808, "t": "", "b": false, "small": -32768, "whole": -2147483648',
    '"exact": -0.000000000000000000000000000000000000001, "single": 1.5, "double": 5e-324',
    '"at": "1901-12-13T20:45:52.000001Z", "local": "0001-01-01T00:00:00", "on": "0001-01-01", "clock": "00:00:00"',
    '"span": "-1 day", "uid": "00000000-0000-0000-0000-000000000000", "json": {"b":[1,2.50,{"a":null}]}}',
  ],
  [
    String.raw`{"id": 9223372036854775807, "t": "ü\u00e9\ud83d\ude00 \"quoted\"\n", "b": true, "small": 32767`,
    '"whole": 2147483647, "exact": 12345678901234567890123456789012345678901234567890.12, "single": 16777216',
    '"double": 1.7976931348623157e308, "at": "2026-01-31T12:34:56.789012+02:00", "on": "9999-12-31"',
    '"local": "9999-12-31T23:59:59.999999", "clock": "23:59:59.999999", "span": "1 year 2 mons 3 days 04:05:06.7"',
    '"uid": "FFFFFFFF-ffff-ffff-ffff-ffffffffffff", "json": "text"}',
  ],
].map((parts) => parts.join(', '));

describe('values', () => {
  test('of every type come back exactly, also at the ends of their ranges', async () => {
    const [low, high] = await written({ row: every }, extremes);
    expect(low).toEqual({
      ...{ id: '-9223372036854775808', t: '', b: false, small: -32768, whole: -2147483648 },
      ...{ exact: '-0.000000000000000000000000000000000000001', single: 1.5, double: 5e-324 },
      ...{ at: '1901-12-13 20:45:52.000001+00', local: '0001-01-01 00:00:00', on: '0001-01-01', clock: '00:00:00' },
      ...{ span: '-1 days', uid: '00000000-0000-0000-0000-000000000000', json: '{"b":[1,2.50,{"a":null}]}' },
    });
    expect(high).toEqual({
      ...{ id: '9223372036854775807', t: 'üé😀 "quoted"\n', b: true, small: 32767, whole: 2147483647 },
      ...{ exact: '12345678901234567890123456789012345678901234567890.12', single: 16777216 },
      ...{ double: 1.7976931348623157e308, at: '2026-01-31 10:34:56.789012+00', local: '9999-12-31 23:59:59.999999' },
      ...{ on: '9999-12-31', clock: '23:59:59.999999', span: '1 year 2 mons 3 days 04:05:06.7' },
      ...{ uid: 'ffffffff-ffff-ffff-ffff-ffffffffffff', json: '"text"' },
    });
  });

  test('that are null, or not in the event at all, are NULL in every type', async () => {
    const nulls = Object.fromEntries(every.map(({ name }) => [name, null]));
    const rows = await written({ row: every }, [{ ...nulls, id: 1 }, { id: 2 }]);
    expect(rows).toEqual([
      { ...nulls, id: '1' },
      { ...nulls, id: '2' },
    ]);
  });

  test('have the columns’ types in the file, which the schema of the reader shows', async () => {
    const types = await written({ row: every }, extremes, 'DESCRIBE SELECT * FROM {table}');
    expect(Object.fromEntries(types.map((row) => [row['column_name'], row['column_type']]))).toEqual({
      ...{ id: 'BIGINT', t: 'VARCHAR', b: 'BOOLEAN', small: 'SMALLINT', whole: 'INTEGER', exact: 'VARCHAR' },
      ...{ single: 'FLOAT', double: 'DOUBLE', at: 'TIMESTAMP WITH TIME ZONE', local: 'TIMESTAMP', on: 'DATE' },
      ...{ clock: 'VARCHAR', span: 'VARCHAR', uid: 'VARCHAR', json: 'VARCHAR' },
    });
  });

  test('not a number and the infinities are kept where the type has them', async () => {
    const row = rowOf({ id: scalar('bigint'), double: scalar('double precision'), exact: scalar('numeric') });
    const events = ['NaN', 'Infinity', '-Infinity'].map((word, id) => ({ id, double: word, exact: word }));
    const rows = await written({ row }, events, 'SELECT double::text AS double, exact FROM {table} ORDER BY id');
    expect(rows).toEqual([
      { double: 'nan', exact: 'NaN' },
      { double: 'inf', exact: 'Infinity' },
      { double: '-inf', exact: '-Infinity' },
    ]);
  });

  test('of a cast to numeric with a precision are decimals, exact to the last digit', async () => {
    const row = rowOf({ id: scalar('bigint'), amount: scalar('numeric') });
    const select = 'id, amount::numeric(9,2) AS a, amount::numeric(18,4) AS b, amount::numeric(38,10) AS c';
    const events = ['1234567.89', '-0.01', 'null'].map(
      (text, id) => `{"id":${id},"a":${text},"b":${text},"c":${text}}`,
    );
    const rows = await written({ row, select }, events, 'SELECT a, b, c, typeof(c) AS t FROM {table} ORDER BY id');
    expect(rows).toEqual([
      { a: '1234567.89', b: '1234567.8900', c: '1234567.8900000000', t: 'DECIMAL(38,10)' },
      { a: '-0.01', b: '-0.0100', c: '-0.0100000000', t: 'DECIMAL(38,10)' },
      { a: null, b: null, c: null, t: 'DECIMAL(38,10)' },
    ]);
  });
});

describe('nested values', () => {
  const row = rowOf({
    id: scalar('bigint'),
    device: {
      kind: 'object',
      fields: [
        { name: 'os', type: scalar('text') },
        { name: 'screen', type: { kind: 'object', fields: [{ name: 'width', type: scalar('integer') }] } },
        { name: 'tags', type: { kind: 'array', element: scalar('text') } },
        { name: 'toString', type: scalar('text') },
      ],
    },
    tags: { kind: 'array', element: scalar('text') },
    at: { kind: 'array', element: scalar('timestamptz') },
    grid: { kind: 'array', element: { kind: 'array', element: scalar('bigint') } },
  });

  test('are structs and lists; nothing, an empty list and a list with nothing in it are told apart', async () => {
    const events = [
      {
        ...{ id: 1, device: { os: 'ios', screen: { width: 3 }, tags: ['a', null, 'ü'], toString: 'x' }, tags: ['x'] },
        ...{ at: ['2026-01-01T00:00:00Z', null], grid: [[1, 2], [], [3]] },
      },
      '{"id":2,"device":{"screen":null,"tags":[]},"tags":[],"at":[],"grid":[]}',
      { id: 3, device: null, tags: [null], at: null, grid: [null, [null]] },
      { id: 4 },
    ];
    const rows = await written({ row }, events);
    expect(rows).toEqual([
      {
        ...{ id: '1', device: { os: 'ios', screen: { width: 3 }, tags: ['a', null, 'ü'], toString: 'x' }, tags: ['x'] },
        ...{ at: ['2026-01-01 00:00:00+00', null], grid: [['1', '2'], [], ['3']] },
      },
      {
        ...{ id: '2', device: { os: null, screen: null, tags: [], toString: null } },
        ...{ tags: [], at: [], grid: [] },
      },
      { id: '3', device: null, tags: [null], at: null, grid: [null, [null]] },
      { id: '4', device: null, tags: null, at: null, grid: null },
    ]);
  });
});

describe('lists of objects', () => {
  const list = (element: FieldType): FieldType => ({ kind: 'array', element });
  const object = (types: Readonly<Record<string, FieldType>>): FieldType => ({ kind: 'object', fields: rowOf(types) });
  const item: FieldType = { kind: 'object', fields: every };

  test('keep every member of every type, exactly', async () => {
    const row = rowOf({ id: scalar('bigint'), items: list(item) });
    const events = [`{"id":1,"items":[${extremes.join(',')}]}`];
    const flat = await written({ row: every }, extremes);
    expect(await written({ row }, events)).toEqual([{ id: '1', items: flat }]);
  });

  test('tell nothing, an empty list, a list with nothing in it and an object without members apart', async () => {
    const row = rowOf({ id: scalar('bigint'), items: list(item) });
    const nothing = Object.fromEntries(every.map(({ name }) => [name, null]));
    const events = [
      '{"id":1,"items":[null,{},{"t":"x","json":null,"more":1}]}',
      '{"id":2,"items":[]}',
      '{"id":3,"items":null}',
      '{"id":4}',
      '{"id":5,"items":[null]}',
    ];
    expect(await written({ row }, events)).toEqual([
      { id: '1', items: [null, nothing, { ...nothing, t: 'x' }] },
      { id: '2', items: [] },
      { id: '3', items: null },
      { id: '4', items: null },
      { id: '5', items: [null] },
    ]);
  });

  test('lie below objects and other lists, and hold both', async () => {
    const line = object({
      sku: scalar('text'),
      tags: list(scalar('text')),
      parts: list(object({ n: scalar('bigint') })),
    });
    const row = rowOf({
      id: scalar('bigint'),
      order: object({ at: scalar('timestamptz'), lines: list(line) }),
      grid: list(list(object({ at: scalar('time'), toString: scalar('date') }))),
    });
    const events = [
      {
        ...{ id: 1, order: { at: '2026-01-01T00:00:00Z' } },
        grid: [[{ at: '01:02:03', toString: '2026-01-31' }, null], [], null, [{}]],
      },
      { id: 2, order: { lines: [{ sku: 'a', tags: ['x', null], parts: [{ n: 7 }, {}] }, { parts: [] }, null] } },
      { id: 3 },
    ];
    const none = { at: null, toString: null };
    expect(await written({ row }, events)).toEqual([
      {
        ...{ id: '1', order: { at: '2026-01-01 00:00:00+00', lines: null } },
        grid: [[{ at: '01:02:03', toString: '2026-01-31' }, null], [], null, [none]],
      },
      {
        ...{ id: '2', grid: null },
        order: {
          at: null,
          lines: [
            { sku: 'a', tags: ['x', null], parts: [{ n: '7' }, { n: null }] },
            { sku: null, tags: null, parts: [] },
            null,
          ],
        },
      },
      { id: '3', order: null, grid: null },
    ]);
  });

  test('with a member that is not of its type are refused, as is one that the table has no place for', async () => {
    const row = rowOf({
      id: scalar('bigint'),
      items: list(object({ n: scalar('bigint'), at: scalar('timestamptz') })),
    });
    const owner = new TableOwner(tableGoal({ row }), createMemoryObjectStore(), splitRecord());
    await owner.start();
    owner.read([
      { id: 1, items: [{ n: 'seven' }] },
      { id: 2, items: [{ at: 'infinity' }] },
    ]);
    await owner.write();
    expect(owner.refusals.map(({ message }) => message)).toEqual([
      'field items is declared { n: bigint, at: timestamptz }[]: n: got JSON string "seven"',
      'column items[].at is infinity, which a timestamptz column of a table cannot hold',
    ]);
    await owner.close();
  });
});

describe('folders', () => {
  test('give their columns back, whatever is in their names', async () => {
    const row = rowOf({ id: scalar('bigint'), country: scalar('text'), at: scalar('timestamptz') });
    const values = ['US', 'a/b', 'x=1', '50%', '50%25', 'ü é', 'q?&#"\'*\\', '..', null, '01'];
    const events = values.map((country, id) => ({ id, country, at: '2026-01-31T23:00:00Z' }));
    const query = 'SELECT id, country, at_date::text AS at_date FROM {table} ORDER BY id';
    const rows = await written({ row, partitionBy: ['{at:yyyy-MM-dd}', '{country}'] }, events, query);
    expect(rows).toEqual(values.map((country, id) => ({ id: String(id), country, at_date: '2026-01-31' })));
  });
});

test('a huge value is a value', async () => {
  const row = rowOf({ id: scalar('bigint'), t: scalar('text') });
  const events = [0, 1, 2].map((id) => ({ id, t: String(id).repeat(3_000_000) }));
  const rows = await written({ row }, events, 'SELECT length(t) AS n, t[1:2] AS t FROM {table} ORDER BY id');
  expect(rows).toEqual(['00', '11', '22'].map((t) => ({ n: '3000000', t })));
});

test('snappy is read as well', async () => {
  const row = rowOf({ id: scalar('bigint'), t: scalar('text') });
  const events = Array.from({ length: 1_000 }, (_, id) => ({ id, t: `text ${id % 7}` }));
  const query = 'SELECT count(*) AS n, count(DISTINCT t) AS d FROM {table}';
  expect(await written({ row, compression: 'snappy' }, events, query)).toEqual([{ n: '1000', d: '7' }]);
});
