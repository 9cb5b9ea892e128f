// A table and its folders as Glue's catalog describes Parquet in Hive's layout, and what of it is the platform's to say.
import type { Column, Partition, PartitionInput, StorageDescriptor, Table, TableInput } from '@aws-sdk/client-glue';
import { hiveType } from '#core/warehouse/hive-type.ts';
import { readPartitionValues } from '#core/warehouse/partition.ts';
import type { TableColumn } from '#core/warehouse/table-columns.ts';
import type { TableDefinition } from '#core/warehouse/table-definition.ts';

/** The definition as the platform has it: Hive's types say less. It is also the mark of the platform's own tables. */
const definitionParameter = 'millrace.definition';

const parquet = {
  InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
  OutputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
  SerdeInfo: {
    SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
    Parameters: { 'serialization.format': '1' },
  },
} as const;

/** Null for a table that somebody else has made. */
export function definitionOf({ Parameters }: Table): TableDefinition | null {
  const text = Parameters?.[definitionParameter];
  return text === undefined ? null : (JSON.parse(text) as TableDefinition);
}

export const locationOf = (bucket: string, { prefix }: TableDefinition): string => `s3://${bucket}/${prefix}`;

/** What others have said of the table, such as descriptions of columns, stays: an update replaces all that it does not repeat. */
export function tableInput(bucket: string, definition: TableDefinition, known: Table | null): TableInput {
  const before = known?.StorageDescriptor;
  const { Description, Owner, Retention } = known ?? {};
  return {
    Name: definition.table,
    Description: Description ?? 'Written by Millrace, which keeps its columns and partitions.',
    ...(Owner === undefined ? {} : { Owner }),
    ...(Retention === undefined ? {} : { Retention }),
    TableType: 'EXTERNAL_TABLE',
    Parameters: {
      ...known?.Parameters,
      ...{ EXTERNAL: 'TRUE', classification: 'parquet' },
      [definitionParameter]: JSON.stringify(definition),
    },
    PartitionKeys: columnsOf(definition.partitions, known?.PartitionKeys),
    StorageDescriptor: {
      ...before,
      ...parquet,
      Location: locationOf(bucket, definition),
      Columns: columnsOf(definition.columns, before?.Columns),
    },
  };
}

/** The platform's own part of both is the same. */
export const isSameTable = (known: Table, wanted: TableInput): boolean =>
  known.Parameters?.[definitionParameter] === wanted.Parameters?.[definitionParameter] &&
  hasColumns(known.StorageDescriptor, wanted.StorageDescriptor?.Columns ?? []);

function columnsOf(columns: readonly TableColumn[], before: readonly Column[] = []): Column[] {
  return columns.map(({ name, type }) => {
    const Name = name.toLowerCase();
    return { ...before.find((column) => column.Name === Name), Name, Type: hiveType(type) };
  });
}

/** With the table's columns: readers read a partition's files by the partition's own. */
export function partitionInput({ StorageDescriptor: table }: Table, folder: string): PartitionInput {
  const Location = `${table?.Location ?? ''}${folder}/`;
  return { Values: [...readPartitionValues(folder)], StorageDescriptor: { ...table, Location } };
}

/** What others have said of it stays. */
export function widenedPartition(known: Partition, { StorageDescriptor: table }: Table): PartitionInput {
  const { Values = [], Parameters } = known;
  return {
    Values,
    ...(Parameters === undefined ? {} : { Parameters }),
    StorageDescriptor: { ...known.StorageDescriptor, Columns: table?.Columns ?? [] },
  };
}

export function hasColumns(known: StorageDescriptor | undefined, wanted: readonly Column[]): boolean {
  const types = new Map(known?.Columns?.map(({ Name, Type }) => [Name, Type]));
  return wanted.every(({ Name, Type }) => types.get(Name) === Type);
}

/** Below the table's location, without the slash at the end. */
export const folderOf = ({ StorageDescriptor: table }: Table, { StorageDescriptor: partition }: Partition): string =>
  (partition?.Location ?? '').slice((table?.Location ?? '').length).replace(/\/$/, '');
