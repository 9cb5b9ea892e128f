// Folders of a table, as Hive would have written them.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ScalarType } from '#core/expression/types.ts';
import { folderOf, UnstorableValue } from '#core/warehouse/column-values.ts';
import {
  escapePartitionValue,
  nullPartition,
  type PartitionColumn,
  parsePartition,
  partitionFolder,
  readPartitionValues,
  resolvePartition,
} from '#core/warehouse/partition.ts';
import type { TableColumn } from '#core/warehouse/table-columns.ts';

const column = (name: string, type: ScalarType): TableColumn => ({ name, type: { kind: 'scalar', type } });
const columns = [
  column('id', 'bigint'),
  column('ts', 'timestamptz'),
  column('country', 'text'),
  column('on', 'date'),
  column('ratio', 'double precision'),
  column('taken_date', 'text'),
  column('taken', 'timestamptz'),
];

function resolve(text: string): PartitionColumn | string {
  const parsed = parsePartition(text);
  if (!parsed.ok) return parsed.problem;
  const resolved = resolvePartition(parsed.value, columns);
  return resolved.ok ? resolved.value : resolved.problem;
}

function folder(text: string, value: Parameters<ReturnType<typeof folderOf>>[0]): string {
  const partition = resolve(text);
  if (typeof partition === 'string') throw new Error(partition);
  return folderOf(partition)(value);
}

const micros = (iso: string): bigint => BigInt(Date.parse(iso)) * 1000n;

describe('what is declared', () => {
  test('the time of a column names its folders by its finest part; a plain column moves into them', () => {
    expect(resolve('{ts:yyyy-MM-dd}')).toMatchObject({ name: 'ts_date', column: 'ts', isMoved: false });
    expect(resolve('{ts:yyyy.MM}')).toMatchObject({ name: 'ts_month' });
    expect(resolve('{on:yyyy}')).toMatchObject({ name: 'on_year' });
    expect(resolve('hour={ts:yyyy-MM-dd_HH}')).toMatchObject({ name: 'hour', isMoved: false });
    expect(resolve('{country}')).toMatchObject({ name: 'country', type: 'text', isMoved: true });
    expect(resolve('region={country}')).toMatchObject({ name: 'region', isMoved: false });
  });

  test('what cannot be a folder is refused with what was got and what to do', () => {
    const refusals: readonly (readonly [string, RegExp])[] = [
      ['ts', /expected one column in braces/],
      ['{ts', /expected one column in braces/],
      ['{ts:dd-MM}', /expected yyyy, MM, dd, HH and mm in this order/],
      ['{ts:yyyy/MM}', /expected yyyy, MM, dd, HH and mm/],
      ['{ts:yyyy-dd}', /in this order/],
      ['a b={ts:yyyy}', /got the name "a b", expected a letter or underscore/],
      ['{contry}', /no column "contry".*did you mean "?country/],
      ['{ts}', /cannot name folders as it is/],
      ['{ratio}', /cannot name folders as it is/],
      ['{country:yyyy}', /is no time/],
      ['{taken:yyyy-MM-dd}', /would be named as column "taken_date"/],
      ['id={ts:yyyy}', /would be named as column "id"/],
    ];
    for (const [text, message] of refusals)
      expect({ text, got: resolve(text) }).toEqual({ text, got: expect.stringMatching(message) });
  });
});

describe('what a row’s folder is called', () => {
  test('times are UTC, also those before 1970; NULL and the empty text have Hive’s name for nothing', () => {
    expect(folder('{ts:yyyy-MM-dd}', micros('2026-01-31T23:59:59.999Z'))).toBe('ts_date=2026-01-31');
    expect(folder('{ts:yyyy-MM-dd}', micros('1969-12-31T23:59:59.999Z') + 999n)).toBe('ts_date=1969-12-31');
    expect(folder('t={ts:yyyy-MM-dd_HH.mm}', micros('2026-02-01T05:07:00Z'))).toBe('t=2026-02-01_05.07');
    expect(folder('{on:yyyy-MM}', 31)).toBe('on_month=1970-02');
    expect(folder('{on:yyyy-MM-dd}', -1)).toBe('on_date=1969-12-31');
    for (const value of [null, '']) expect(folder('{country}', value)).toBe(`country=${nullPartition}`);
    expect(folder('{ts:yyyy}', null)).toBe(`ts_year=${nullPartition}`);
  });

  test('what would read as another folder is escaped, and long values are refused', () => {
    expect(folder('{country}', 'a/b=c%d e:ü')).toBe('country=a%2Fb%3Dc%25d e%3Aü');
    expect(escapePartitionValue('\u0000\n\u007f"#\'*?\\{[]^')).toBe('%00%0A%7F%22%23%27%2A%3F%5C%7B%5B%5D%5E');
    expect(() => folder('{country}', 'ü'.repeat(150))).toThrow(UnstorableValue);
    expect(() => folder('{ts:yyyy}', micros('2026-01-01T00:00:00Z') * 10n)).toThrow(UnstorableValue);
    expect(() => folder('{on:yyyy}', Number.POSITIVE_INFINITY)).toThrow(UnstorableValue);
  });

  test('a folder is one path segment, and says its value again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (value) => {
        const name = partitionFolder('c', value);
        expect(name.split('/')).toHaveLength(1);
        expect(readPartitionValues(`${name}/d=1`)).toEqual([value, '1']);
      }),
    );
  });

  test('the folder of the record before is remembered for its day only', () => {
    fc.assert(
      fc.property(
        fc.array(fc.date({ min: new Date('1950-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })),
        (dates) => {
          const partition = resolve('{ts:yyyy-MM-dd}') as PartitionColumn;
          const of = folderOf(partition);
          for (const date of dates)
            expect(of(BigInt(date.getTime()) * 1000n)).toBe(`ts_date=${date.toISOString().slice(0, 10)}`);
        },
      ),
    );
  });
});
