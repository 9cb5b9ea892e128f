// A table in the warehouse as its catalog knows it, and how a definition may follow another.
import { tableKeys } from '#core/names.ts';
import type { PartitionColumn } from '#core/warehouse/partition.ts';
import { formatColumnType, type TableColumn } from '#core/warehouse/table-columns.ts';

export interface TableDefinition {
  readonly tenant: string;
  readonly table: string;
  /** Key prefix of its data files, with a slash at the end. */
  readonly prefix: string;
  /** In the files. */
  readonly columns: readonly TableColumn[];
  /** In the folders' names, outermost first. */
  readonly partitions: readonly TableColumn[];
}

export interface TablePlan {
  /** All of the output's columns, those that name folders included. */
  readonly columns: readonly TableColumn[];
  readonly partitions: readonly PartitionColumn[];
}

/** The table as its catalog and its readers see it. */
export function definitionOf(tenant: string, plan: TablePlan & { readonly table: string }): TableDefinition {
  const { table, columns, partitions } = plan;
  return {
    tenant,
    table,
    prefix: tableKeys.data(tenant, table),
    columns: columns.filter(({ name }) => !partitions.some((one) => one.isMoved && one.column === name)),
    partitions: partitions.map(({ name, type, time }) => ({
      name,
      type: { kind: 'scalar', type: time === null ? type : 'text' },
    })),
  };
}

/**
 * Null where files of both can be read as one table: columns may come and go, none may change its type, and the folders
 * stay as they are. Else what stands in the way.
 */
export function tableConflict(before: TableDefinition, after: TableDefinition): string | null {
  const folders = ({ partitions }: TableDefinition): string =>
    partitions.map(({ name, type }) => `${name} ${formatColumnType(type)}`).join(', ') || 'none';
  if (folders(before) !== folders(after))
    return `its files lie in folders by ${folders(before)}, got ${folders(after)}: a table has one layout`;
  for (const column of after.columns) {
    const old = before.columns.find(({ name }) => name.toLowerCase() === column.name.toLowerCase());
    if (old !== undefined && formatColumnType(old.type) !== formatColumnType(column.type))
      return `its column ${JSON.stringify(old.name)} is ${formatColumnType(old.type)}, got ${formatColumnType(column.type)}: files of both cannot be read as one`;
  }
  return null;
}

/**
 * What a reader of all files sees: the columns of both. Those that were there keep their places, spelled as the newer
 * definition spells them, so that an equal table is an equal text and catalogs that go by places are not misled.
 */
export function extendTable(before: TableDefinition | null, after: TableDefinition): TableDefinition {
  if (before === null) return after;
  const isSame = (a: TableColumn) => (b: TableColumn) => a.name.toLowerCase() === b.name.toLowerCase();
  const kept = before.columns.map((column) => after.columns.find(isSame(column)) ?? column);
  return { ...after, columns: [...kept, ...after.columns.filter((column) => !before.columns.some(isSame(column)))] };
}
