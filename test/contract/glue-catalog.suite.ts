// The catalog of tables in Glue: under the port's contract, as its readers see it, and through the service's bad moments.
import {
  CreateTableCommand,
  DeletePartitionCommand,
  DeleteTableCommand,
  GetPartitionCommand,
  GetPartitionsCommand,
  GetTableCommand,
  GlueClient,
  UpdateTableCommand,
} from '@aws-sdk/client-glue';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTableCatalog } from '#adapters/glue/table-catalog.ts';
import { environment, tableKeys } from '#core/names.ts';
import type { TableCatalog } from '#core/ports/table-catalog.ts';
import type { TableColumn } from '#core/warehouse/table-columns.ts';
import type { TableDefinition } from '#core/warehouse/table-definition.ts';
import { type GlueFront, glueFront } from '#test/support/glue-front.ts';
import { motoAccess } from '#test/support/moto.ts';
import { queryTable } from '#test/support/read-table.ts';
import { tableGoal } from '../workers/warehouse/table-owner.ts';
import { addressesFromEnvironment, WorkerRig } from '../workers/worker-rig.ts';
import { aFolder, aTable, tableCatalogContract } from './table-catalog.contract.ts';

const bucket = 'lake';
const database = 'millrace_default';
const region: TableColumn = { name: 'Region', type: { kind: 'scalar', type: 'text' } };
const withRegion = (table: TableDefinition): TableDefinition => ({ ...table, columns: [...table.columns, region] });
const monday = aFolder('2026-01-05', 'US');
const tuesday = aFolder('2026-01-06', 'US');

export function glueCatalogSuite(motoUrl: string): void {
  let front: GlueFront;
  let glue: GlueClient;
  let nowMs = 0;
  beforeAll(async () => {
    front = await glueFront(motoUrl);
    glue = new GlueClient({ ...motoAccess, endpoint: motoUrl });
  });
  afterAll(() => {
    front.close();
    glue.destroy();
  });
  const open = (): TableCatalog => createTableCatalog({ ...motoAccess, endpoint: front.url, bucket, now: () => nowMs });
  const made = async (table = aTable()): Promise<{ table: TableDefinition; catalog: TableCatalog }> => {
    const catalog = open();
    await catalog.ensureTable(table);
    return { table, catalog };
  };
  const getTable = async ({ table: Name }: TableDefinition) => {
    const { Table } = await glue.send(new GetTableCommand({ DatabaseName: database, Name }));
    return Table!;
  };
  const columnsOf = async ({ table: TableName }: TableDefinition, ...PartitionValues: string[]) => {
    const { Partition } = await glue.send(
      new GetPartitionCommand({ DatabaseName: database, TableName, PartitionValues }),
    );
    return Partition?.StorageDescriptor?.Columns?.map(({ Name }) => Name) ?? [];
  };
  const foldersOf = async ({ tenant, table }: TableDefinition) => (await open().read(tenant, table))?.partitions;

  tableCatalogContract(open);

  describe('as its readers see it', () => {
    test('the table is Parquet in its place, with types in Hive’s notation and names in lower case', async () => {
      const { table } = await made();
      expect(await getTable(table)).toMatchObject({
        ...{ TableType: 'EXTERNAL_TABLE', Parameters: { EXTERNAL: 'TRUE', classification: 'parquet' } },
        PartitionKeys: [
          { Name: 'day', Type: 'string' },
          { Name: 'country', Type: 'string' },
        ],
        StorageDescriptor: {
          Location: `s3://lake/tables/default/${table.table}/`,
          Columns: [
            { Name: 'id', Type: 'bigint' },
            { Name: 'userid', Type: 'string' },
            { Name: 'device', Type: 'struct<os:string,sizemm:array<double>>' },
            { Name: 'price', Type: 'decimal(12,2)' },
            { Name: 'meta', Type: 'string' },
          ],
          InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
          SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
        },
      });
    });

    test('a partition has the values that its folder is named by, the folder as its place, and the table’s columns', async () => {
      const { table, catalog } = await made();
      await catalog.addPartitions(table, [aFolder('2026-01-05', 'a/b=%'), aFolder('2026-01-06', null)]);
      const request = { DatabaseName: database, TableName: table.table };
      const { Partitions = [] } = await glue.send(new GetPartitionsCommand(request));
      expect(Partitions.map(({ Values, StorageDescriptor: storage }) => [Values, storage?.Location])).toEqual([
        [['2026-01-05', 'a/b=%'], `s3://lake/tables/default/${table.table}/day=2026-01-05/country=a%2Fb%3D%25/`],
        [
          ['2026-01-06', '__HIVE_DEFAULT_PARTITION__'],
          `s3://lake/tables/default/${table.table}/day=2026-01-06/country=__HIVE_DEFAULT_PARTITION__/`,
        ],
      ]);
      expect(await columnsOf(table, '2026-01-05', 'a/b=%')).toEqual(['id', 'userid', 'device', 'price', 'meta']);
    });

    test('a folder that gets rows with a new column has that column; others are left as they are', async () => {
      const { table, catalog } = await made();
      await catalog.addPartitions(table, [monday, tuesday]);
      const later = withRegion(table);
      await catalog.ensureTable(later);
      await catalog.addPartitions(later, [tuesday]);
      expect(await columnsOf(table, '2026-01-05', 'US')).not.toContain('region');
      expect(await columnsOf(table, '2026-01-06', 'US')).toEqual(['id', 'userid', 'device', 'price', 'meta', 'region']);
      // A worker of the earlier revision takes nothing back.
      await open().addPartitions(table, [tuesday]);
      expect(await columnsOf(table, '2026-01-06', 'US')).toContain('region');
    });

    test('what others have said of the table and its columns stays when it gets a column', async () => {
      const { table, catalog } = await made();
      const { Name, PartitionKeys, TableType, Parameters, StorageDescriptor: storage } = await getTable(table);
      const Columns = storage?.Columns?.map((column) => ({ ...column, Comment: `of ${column.Name}` })) ?? [];
      const TableInput = {
        ...{ Name, PartitionKeys, TableType, Description: 'Plays of all kinds', Owner: 'playback' },
        ...{ Parameters: { ...Parameters, domain: 'media' }, StorageDescriptor: { ...storage, Columns } },
      };
      await glue.send(new UpdateTableCommand({ DatabaseName: database, TableInput }));
      await catalog.ensureTable(withRegion(table));
      const after = await getTable(table);
      expect(after).toMatchObject({ Description: 'Plays of all kinds', Owner: 'playback' });
      expect(after.Parameters).toMatchObject({ domain: 'media' });
      expect(after.StorageDescriptor?.Columns?.map(({ Comment }) => Comment)).toEqual([
        ...['of id', 'of userid', 'of device', 'of price', 'of meta'],
        undefined,
      ]);
    });

    test('a column that somebody took out of Glue’s table is put back', async () => {
      const { table, catalog } = await made();
      const { Name, Parameters, StorageDescriptor: storage } = await getTable(table);
      const TableInput = { Name, Parameters, StorageDescriptor: { ...storage, Columns: storage?.Columns?.slice(2) } };
      await glue.send(new UpdateTableCommand({ DatabaseName: database, TableInput }));
      expect(await catalog.ensureTable(table)).toEqual({ kind: 'ready' });
      expect((await getTable(table)).StorageDescriptor?.Columns).toHaveLength(5);
    });

    test('a table that somebody else has made, or whose files are in another bucket, is not touched', async () => {
      const foreign = aTable();
      const TableInput = { Name: foreign.table, Parameters: { classification: 'csv' } };
      await made();
      await glue.send(new CreateTableCommand({ DatabaseName: database, TableInput }));
      expect(await open().ensureTable(foreign)).toEqual({
        ...{ kind: 'conflict', message: expect.stringMatching(/Millrace has not made: drop it there/) },
      });
      expect((await getTable(foreign)).Parameters).toEqual({ classification: 'csv' });
      expect(await open().read('default', foreign.table)).toBeNull();

      const { table } = await made();
      const elsewhere = createTableCatalog({ ...motoAccess, endpoint: front.url, bucket: 'other', now: () => 0 });
      expect(await elsewhere.ensureTable(table)).toMatchObject({
        message: expect.stringMatching(/its files in s3:\/\/lake\/.*got s3:\/\/other\//),
      });
    });

    test('a folder that was registered is not asked about again for an hour; one that was dropped is back then', async () => {
      const { table, catalog } = await made();
      await catalog.addPartitions(table, [monday]);
      const before = front.actions.length;
      await catalog.addPartitions(table, [monday]);
      expect(front.actions.slice(before)).toEqual([]);
      await glue.send(
        new DeletePartitionCommand({
          ...{ DatabaseName: database, TableName: table.table, PartitionValues: ['2026-01-05', 'US'] },
        }),
      );
      nowMs += 3_600_000;
      await catalog.addPartitions(table, [monday]);
      expect(await foldersOf(table)).toEqual([monday]);
    });

    test('a table that was dropped under a worker is made again', async () => {
      const { table, catalog } = await made();
      await glue.send(new DeleteTableCommand({ DatabaseName: database, Name: table.table }));
      await catalog.addPartitions(table, [tuesday]);
      expect(await foldersOf(table)).toEqual([tuesday]);
    });
  });

  describe('when the service has a bad moment', () => {
    const throttled = { kind: 'error', code: 'ThrottlingException' } as const;
    const broken = { kind: 'error', code: 'InternalServiceException', status: 500 } as const;

    test('throttled calls and failures are tried again', async () => {
      const table = aTable();
      front.meet('GetTable', throttled, broken);
      front.meet('CreateTable', broken, throttled);
      front.meet('BatchCreatePartition', throttled, throttled, broken);
      const { catalog } = await made(table);
      await catalog.addPartitions(table, [monday]);
      expect(await foldersOf(table)).toEqual([monday]);
    });

    test('calls whose answers are lost have been carried out once', async () => {
      const table = aTable();
      front.meet('CreateTable', { kind: 'lost-answer' });
      front.meet('UpdateTable', { kind: 'lost-answer' });
      front.meet('BatchCreatePartition', { kind: 'lost-answer' });
      const { catalog } = await made(table);
      expect(await catalog.ensureTable(withRegion(table))).toEqual({ kind: 'ready' });
      await catalog.addPartitions(withRegion(table), [monday, tuesday]);
      expect(await foldersOf(table)).toEqual([monday, tuesday]);
      expect((await getTable(table)).VersionId).toBe('2');
    });

    test('of a batch of which a part is refused for now, that part is sent again', async () => {
      const { table, catalog } = await made();
      const items = (code: string) => ({ kind: 'item-errors', code, count: 30 }) as const;
      front.meet('BatchCreatePartition', items('InternalServiceException'), items('OperationTimeoutException'));
      const folders = Array.from({ length: 150 }, (_, index) =>
        aFolder(`2026-${String(index).padStart(3, '0')}`, 'US'),
      );
      await catalog.addPartitions(table, folders);
      expect(await foldersOf(table)).toEqual(folders);
    });

    test('one of a batch that is there already hides none of the others, even where the whole batch is refused for it', async () => {
      const { table, catalog } = await made();
      await open().addPartitions(table, [tuesday]);
      const refusal = { kind: 'error', code: 'AlreadyExistsException' } as const;
      // Of [3], the batch and its second half hold the one that is there.
      front.meet('BatchCreatePartition', refusal);
      const folders = [monday, aFolder('2026-01-07', 'US'), tuesday];
      await catalog.addPartitions(table, folders);
      expect(await foldersOf(table)).toEqual([...folders].sort());
    });

    test('partitions that Glue did not get to, and updates that it refused for now, are asked for again', async () => {
      const { table, catalog } = await made();
      await catalog.addPartitions(table, [monday, tuesday]);
      const later = withRegion(table);
      await catalog.ensureTable(later);
      front.meet('BatchGetPartition', { kind: 'unprocessed', count: 1 });
      front.meet('BatchUpdatePartition', { kind: 'item-errors', code: 'ThrottlingException', count: 1 });
      await catalog.addPartitions(later, [monday, tuesday]);
      for (const day of ['2026-01-05', '2026-01-06']) expect(await columnsOf(table, day, 'US')).toContain('region');
    });

    test('a column that came while a partition was changed is in the partition afterwards', async () => {
      const { table, catalog } = await made();
      await catalog.addPartitions(table, [monday]);
      const [later, latest] = [withRegion(table), { ...withRegion(table) }];
      latest.columns = [...latest.columns, { name: 'late', type: { kind: 'scalar', type: 'bigint' } }];
      await catalog.ensureTable(later);
      const other = open();
      const what = async (): Promise<void> => {
        await other.ensureTable(latest);
        await other.addPartitions(latest, [monday]);
      };
      front.meet('BatchUpdatePartition', { kind: 'behind', what });
      await catalog.addPartitions(later, [monday]);
      expect(await columnsOf(table, '2026-01-05', 'US')).toEqual(
        expect.arrayContaining(['id', 'userid', 'device', 'price', 'meta', 'region', 'late']),
      );
    });

    test('a table that others keep changing is told as such, and one that Glue refuses with what may be done', async () => {
      const { table, catalog } = await made();
      const changed = { kind: 'error', code: 'ConcurrentModificationException' } as const;
      front.meet('UpdateTable', changed, changed, changed);
      expect(await catalog.ensureTable(withRegion(table))).toEqual({ kind: 'ready' });
      front.meet('GetTable', { kind: 'error', code: 'AccessDeniedException' });
      await expect(open().ensureTable(table)).rejects.toMatchObject({
        ...{ code: 'catalog-refused', fault: 'user', message: expect.stringMatching(/AccessDenied.*Lake Formation/) },
      });
      front.meet('BatchCreatePartition', { kind: 'item-errors', code: 'InvalidInputException', count: 1 });
      await expect(catalog.addPartitions(table, [monday, tuesday])).rejects.toMatchObject({
        ...{ code: 'catalog-refused', message: expect.stringMatching(/2026-01-05.*InvalidInput/) },
      });
      // The sink asks again; what was refused was not taken for registered.
      await catalog.addPartitions(table, [monday, tuesday]);
      expect(await foldersOf(table)).toEqual([monday, tuesday]);
    });
  });

  test('a worker whose catalog is Glue: what its registered folders hold is each event once', async () => {
    const rig = await WorkerRig.open(addressesFromEnvironment());
    try {
      const row = [
        { name: 'id', type: { kind: 'scalar', type: 'bigint' } },
        { name: 'part', type: { kind: 'scalar', type: 'bigint' } },
      ] as const;
      const base = await rig.job({ partitions: 2, settings: { commitMs: 100 } });
      const table = base.route;
      const prefix = tableKeys.data('default', table);
      const sink = { ...tableGoal({ row, roll: { every: '1s' }, partitionBy: ['{part}'] }), table, prefix };
      const goal = { ...base, sink };
      front.meet('BatchCreatePartition', { kind: 'item-errors', code: 'InternalServiceException', count: 1 });
      await rig.start(goal, 1, 0, { [environment.tableCatalog]: 'glue', [environment.glueEndpoint]: front.url });
      const events = Array.from({ length: 300 }, (_, id) => ({
        key: `k${id % 9}`,
        value: JSON.stringify({ id, part: id % 3 }),
      }));
      await rig.produce(goal.source.topic, events);
      expect(await rig.accounted(goal, 300)).toMatchObject({ in: 300, out: 300 });
      const { Partitions = [] } = await glue.send(
        new GetPartitionsCommand({ DatabaseName: database, TableName: table }),
      );
      const ids: number[] = [];
      for (const { StorageDescriptor: storage } of Partitions) {
        const folder = storage?.Location?.replace('s3://millrace/', '') ?? '';
        ids.push(...(await queryTable(rig.objects, folder, 'SELECT id FROM {table}')).map(({ id }) => Number(id)));
      }
      expect(Partitions).toHaveLength(3);
      expect(ids.sort((a, b) => a - b)).toEqual(events.map((_, id) => id));
      expect(await rig.objects.list(tableKeys.catalog('default', table))).toEqual([]);
    } finally {
      await rig.close();
    }
  });
}
