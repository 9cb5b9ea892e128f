// The port to the catalog of tables: what readers ask for a table's columns and partitions.
import type { TableDefinition } from '#core/warehouse/table-definition.ts';

export interface TableEntry {
  readonly definition: TableDefinition;
  /** Folders in lexical order; none for a table without partitions. */
  readonly partitions: readonly string[];
}

/** Guarantees: every call may be repeated, and by several workers at once; a partition once registered stays. */
export interface TableCatalog {
  /**
   * Makes the table, or lets it have the columns of `definition` beside those that it had. `conflict` where files of both
   * cannot be read as one table: nothing is changed then.
   */
  ensureTable(definition: TableDefinition): Promise<{ readonly kind: 'ready' } | TableConflict>;
  /** Of a table that was made sure of. */
  addPartitions(definition: TableDefinition, folders: readonly string[]): Promise<void>;
  /** Null where there is no such table. */
  read(tenant: string, table: string): Promise<TableEntry | null>;
}

export interface TableConflict {
  readonly kind: 'conflict';
  readonly message: string;
}
