// What every catalog of tables must do: a table has the columns of all who write it, and a folder that was registered stays.
import { expect, test } from '@jest/globals';
import { tableKeys } from '#core/names.ts';
import type { TableCatalog } from '#core/ports/table-catalog.ts';
import { partitionFolder } from '#core/warehouse/partition.ts';
import type { ColumnType, TableColumn } from '#core/warehouse/table-columns.ts';
import type { TableDefinition } from '#core/warehouse/table-definition.ts';

let tableCount = 0;
const text: ColumnType = { kind: 'scalar', type: 'text' };
const device: ColumnType = {
  kind: 'struct',
  fields: [
    { name: 'os', type: text },
    { name: 'sizeMm', type: { kind: 'list', element: { kind: 'scalar', type: 'double precision' } } },
  ],
};
export const aTable = (changes: Partial<TableDefinition> = {}): TableDefinition => {
  const table = `plays_${process.pid}_${++tableCount}`;
  return {
    ...{ tenant: 'default', table, prefix: tableKeys.data('default', table) },
    columns: [
      { name: 'id', type: { kind: 'scalar', type: 'bigint' } },
      { name: 'userId', type: { kind: 'scalar', type: 'uuid' } },
      { name: 'device', type: device },
      { name: 'price', type: { kind: 'decimal', precision: 12, scale: 2 } },
      { name: 'meta', type: { kind: 'scalar', type: 'jsonb' } },
    ],
    partitions: [
      { name: 'day', type: text },
      { name: 'country', type: text },
    ],
    ...changes,
  };
};
export const aFolder = (day: string, country: string | null): string =>
  `${partitionFolder('day', day)}/${partitionFolder('country', country)}`;
const withColumns = (table: TableDefinition, ...more: readonly TableColumn[]): TableDefinition => ({
  ...table,
  columns: [...table.columns, ...more],
});
const named = (name: string): TableColumn => ({ name, type: text });

/** Each call opens a catalog as another worker would. */
export function tableCatalogContract(open: () => TableCatalog): void {
  test('a table that was never made sure of is not there; one that was is, whole, and without folders', async () => {
    const catalog = open();
    const table = aTable();
    expect(await catalog.read(table.tenant, table.table)).toBeNull();
    expect(await catalog.ensureTable(table)).toEqual({ kind: 'ready' });
    expect(await catalog.ensureTable(table)).toEqual({ kind: 'ready' });
    expect(await open().read(table.tenant, table.table)).toEqual({ definition: table, partitions: [] });
  });

  test('tables of other tenants and other names are others', async () => {
    const catalog = open();
    const table = aTable({ tenant: 'acme-co' });
    await catalog.ensureTable(table);
    expect(await catalog.read('acme', table.table)).toBeNull();
    expect(await catalog.read('default', table.table)).toBeNull();
    expect(await catalog.read('acme-co', `${table.table}0`)).toBeNull();
  });

  test('columns may come and go: the table has those of both, and the ones that were there keep their places', async () => {
    const table = aTable();
    await open().ensureTable(table);
    const [id, , ...rest] = table.columns;
    const later = { ...table, columns: [named('region'), ...rest, id!] };
    expect(await open().ensureTable(later)).toEqual({ kind: 'ready' });
    const whole = withColumns(table, named('region'));
    expect((await open().read(table.tenant, table.table))?.definition).toEqual(whole);
    expect(await open().ensureTable(table)).toEqual({ kind: 'ready' });
    expect((await open().read(table.tenant, table.table))?.definition).toEqual(whole);
  });

  test('a column of another type, or other folders, are a conflict that changes nothing', async () => {
    const table = aTable();
    const catalog = open();
    await catalog.ensureTable(table);
    for (const [changed, message] of [
      // Both are strings to readers, and are not the same here.
      [{ columns: [{ name: 'META', type: text }] }, /its column "meta" is jsonb, got text/],
      [{ columns: [{ name: 'device', type: { kind: 'list', element: device } }] }, /its column "device" is \{os: text/],
      [{ partitions: [] }, /its files lie in folders by day text, country text, got none/],
    ] as const)
      expect(await catalog.ensureTable({ ...withColumns(table, named('new')), ...changed })).toEqual({
        ...{ kind: 'conflict', message: expect.stringMatching(message) },
      });
    expect((await catalog.read(table.tenant, table.table))?.definition).toEqual(table);
  });

  test('folders are registered once, however often and by whomever, and whatever their values are', async () => {
    const catalog = open();
    const table = aTable();
    await catalog.ensureTable(table);
    const folders = ['US', null, 'a/b=c', '100%', '%2F', 'é ü+&', "it's", '*?', '\t\u0001', '日本'].map((country) =>
      aFolder('2026-01-31', country),
    );
    await catalog.addPartitions(table, folders.slice(0, 6));
    await open().addPartitions(table, folders.slice(3));
    await catalog.addPartitions(table, [...folders, ...folders]);
    await catalog.addPartitions(table, []);
    expect((await open().read(table.tenant, table.table))?.partitions).toEqual([...folders].sort());
  });

  test('folders whose names are as long as they can be, in any script', async () => {
    const catalog = open();
    const table = aTable();
    await catalog.ensureTable(table);
    const folders = ['x'.repeat(192), 'ж'.repeat(96), '新'.repeat(64)].map((country) => aFolder('2026-01-31', country));
    await catalog.addPartitions(table, folders);
    expect((await open().read(table.tenant, table.table))?.partitions).toEqual([...folders].sort());
  });

  test('hundreds of folders at once', async () => {
    const table = aTable();
    const catalog = open();
    await catalog.ensureTable(table);
    const folders = Array.from({ length: 205 }, (_, index) => aFolder(`2026-${String(index).padStart(3, '0')}`, 'US'));
    await catalog.addPartitions(table, folders.slice(0, 150));
    await open().addPartitions(table, folders);
    expect((await catalog.read(table.tenant, table.table))?.partitions).toEqual(folders);
  });

  test('workers that give the table a column each at the same moment all do', async () => {
    const table = aTable();
    await open().ensureTable(table);
    const names = ['a', 'b', 'c', 'd', 'e'];
    const outcomes = await Promise.all(names.map((name) => open().ensureTable(withColumns(table, named(name)))));
    expect(outcomes).toEqual(names.map(() => ({ kind: 'ready' })));
    const columns = (await open().read(table.tenant, table.table))?.definition.columns ?? [];
    expect(columns.slice(0, table.columns.length)).toEqual(table.columns);
    expect(
      columns
        .slice(table.columns.length)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(names);
  });

  test('workers that make the table at the same moment make one', async () => {
    const table = aTable({ tenant: `t${process.pid}-${++tableCount}` });
    const names = ['a', 'b', 'c'];
    await Promise.all(names.map((name) => open().ensureTable(withColumns(table, named(name)))));
    const columns = (await open().read(table.tenant, table.table))?.definition.columns ?? [];
    expect(columns.map(({ name }) => name).sort()).toEqual([...table.columns.map(({ name }) => name), ...names].sort());
  });
}
