// The catalog of tables in AWS Glue, where Athena, Spark and Redshift look: a database a tenant, a table a table, a partition a folder.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Partition, PartitionInput, Table } from '@aws-sdk/client-glue';
import { PlatformError, unavailable } from '#core/errors.ts';
import { glueDatabase } from '#core/names.ts';
import type { TableCatalog, TableConflict } from '#core/ports/table-catalog.ts';
import { backoffMs } from '#core/time/backoff.ts';
import { extendTable, type TableDefinition, tableConflict } from '#core/warehouse/table-definition.ts';
import type { GlueCatalog, GlueOptions } from './client.ts';
import { type ItemError, isPassing, refused } from './refusals.ts';
import {
  definitionOf,
  folderOf,
  hasColumns,
  isSameTable,
  locationOf,
  partitionInput,
  tableInput,
  widenedPartition,
} from './table-input.ts';

export interface GlueCatalogOptions extends GlueOptions {
  /** The one that the tables' files are in. */
  readonly bucket: string;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/** Of workers that change one table at once; each round one of them gets through. */
const changeAttemptsMax = 20;
/** Of items in a batch that Glue did not get to; each a batch of what is left. */
const itemAttemptsMax = 6;
const backoff = { minMs: 50, maxMs: 2_000 };
/** What Glue takes in one call. */
const batchItems = 100;
/** A folder that was registered is not asked about again for so long; then it is, should somebody have dropped it. */
const knownMs = 3_600_000;
const knownFoldersMax = 10_000;

/** The client is loaded when a table is first asked for: few jobs have one, and each of them would start later for it. */
export function createTableCatalog(options: GlueCatalogOptions): TableCatalog {
  let tables: Promise<GlueTables> | null = null;
  const open = async (): Promise<GlueTables> => {
    const { openGlue } = await import('./client.ts');
    return new GlueTables(openGlue(options), options);
  };
  const opened = (): Promise<GlueTables> => {
    tables ??= open();
    return tables;
  };
  return {
    ensureTable: async (definition) => await (await opened()).ensure(definition),
    addPartitions: async (definition, folders) => await (await opened()).addPartitions(definition, folders),
    read: async (tenant, table) => await (await opened()).read(tenant, table),
  };
}

/** Owns the client, and what is known to be registered. */
class GlueTables {
  readonly #glue: GlueCatalog;
  readonly #options: GlueCatalogOptions;
  /** By definition: a folder must have all columns of the one that it is registered for. */
  readonly #known = new WeakMap<TableDefinition, Map<string, number>>();

  constructor(glue: GlueCatalog, options: GlueCatalogOptions) {
    this.#glue = glue;
    this.#options = options;
  }

  async ensure(definition: TableDefinition): Promise<{ readonly kind: 'ready' } | TableConflict> {
    const { bucket } = this.#options;
    const database = glueDatabase(definition.tenant);
    for (let attempt = 1; attempt <= changeAttemptsMax; attempt++) {
      const known = await this.#glue.getTable(database, definition.table);
      const before = known === null ? null : definitionOf(known);
      const conflict = known === null ? null : this.#conflict(known, before, definition);
      if (conflict !== null) return { kind: 'conflict', message: conflict };
      const wanted = tableInput(bucket, extendTable(before, definition), known);
      if (known !== null && isSameTable(known, wanted)) return { kind: 'ready' };
      const outcome =
        known === null
          ? await this.#glue.createTable(database, wanted)
          : await this.#glue.updateTable(database, wanted, known.VersionId);
      if (outcome === 'made') return { kind: 'ready' };
      if (outcome === 'no-database')
        await this.#glue.createDatabase(database, `Tables of tenant ${definition.tenant}, written by Millrace`);
      else await pause(attempt);
    }
    throw new PlatformError('catalog-contended', `table ${definition.table} is changed again and again by others`, {
      fault: 'internal',
      retry: 'retry',
    });
  }

  #conflict(known: Table, before: TableDefinition | null, definition: TableDefinition): string | null {
    const name = `${known.DatabaseName ?? glueDatabase(definition.tenant)}.${definition.table}`;
    if (before === null) return `Glue has a table ${name} that Millrace has not made: drop it there, its files stay`;
    const [is, ours] = [known.StorageDescriptor?.Location, locationOf(this.#options.bucket, definition)];
    if (is !== ours) return `Glue has its files in ${is}, got ${ours}: drop ${name} there, its files stay`;
    return tableConflict(before, definition);
  }

  async addPartitions(definition: TableDefinition, folders: readonly string[]): Promise<void> {
    const wanted = [...new Set(folders)].filter((folder) => !this.#isKnown(definition, folder));
    if (wanted.length === 0) return;
    let table = await this.#tableOf(definition);
    let widened = await this.#register(definition, table, wanted);
    // Somebody may have given the table a column, and these folders too, between our look at it and our change of them.
    for (let attempt = 1; widened.length > 0; attempt++) {
      const now = await this.#tableOf(definition);
      if (hasColumns(table.StorageDescriptor, now.StorageDescriptor?.Columns ?? [])) break;
      if (attempt >= changeAttemptsMax) throw unavailable('glue', `table ${definition.table} does not keep still`);
      table = now;
      widened = await this.#widen(definition, table, widened);
    }
    this.#remember(definition, wanted);
  }

  /** Answers the values of partitions that were there and got columns. */
  async #register(definition: TableDefinition, table: Table, folders: readonly string[]): Promise<Values[]> {
    const there: Values[] = [];
    await this.#inBatches(
      folders.map((folder) => partitionInput(table, folder)),
      async (batch) => {
        const errors = await this.#create(definition, batch);
        there.push(...errors.filter(isTaken).map(({ values }) => values));
        return errors.filter((error) => !isTaken(error));
      },
    );
    return await this.#widen(definition, table, there);
  }

  /** A batch that is refused as a whole because of one of its items is halved until it is known which. */
  async #create(definition: TableDefinition, batch: PartitionInput[]): Promise<readonly ItemError[]> {
    const { tenant, table } = definition;
    const errors = await this.#glue.createPartitions(glueDatabase(tenant), table, batch);
    if (errors === 'no-table') throw unavailable('glue', `table ${table} was dropped`);
    if (errors !== 'one-exists') return errors;
    if (batch.length === 1) return [{ values: batch[0]?.Values ?? [], code: takenCode, message: '' }];
    const half = Math.ceil(batch.length / 2);
    const parts = [batch.slice(0, half), batch.slice(half)];
    return (await Promise.all(parts.map((part) => this.#create(definition, part)))).flat();
  }

  /** Gives the partitions of these values the columns of the table, where they lack any; answers which did. */
  async #widen(definition: TableDefinition, table: Table, values: readonly Values[]): Promise<Values[]> {
    const database = glueDatabase(definition.tenant);
    const columns = table.StorageDescriptor?.Columns ?? [];
    const narrow = (await this.#find(definition, values)).filter(
      ({ StorageDescriptor: storage }) => !hasColumns(storage, columns),
    );
    await this.#inBatches(
      narrow.map((found) => widenedPartition(found, table)),
      (batch) => this.#glue.updatePartitions(database, definition.table, batch),
    );
    return narrow.map(({ Values = [] }) => Values);
  }

  async #find({ tenant, table }: TableDefinition, values: readonly Values[]): Promise<readonly Partition[]> {
    const found: Partition[] = [];
    let left = [...values];
    for (let attempt = 0; left.length > 0; ) {
      const batch = left.splice(0, batchItems);
      const answer = await this.#glue.getPartitions(glueDatabase(tenant), table, batch);
      found.push(...answer.partitions);
      left = [...left, ...answer.left];
      if (answer.left.length === 0) continue;
      if (++attempt >= itemAttemptsMax) throw unavailable('glue', `${left.length} partitions are not read`);
      await pause(attempt);
    }
    return found;
  }

  /** `send` answers what of its batch was refused: that is sent again where it may pass, by itself. */
  async #inBatches(
    items: readonly PartitionInput[],
    send: (batch: PartitionInput[]) => Promise<readonly ItemError[]>,
  ): Promise<void> {
    let left = items;
    for (let attempt = 1; left.length > 0; attempt++) {
      const errors: ItemError[] = [];
      for (let at = 0; at < left.length; at += batchItems)
        errors.push(...(await send(left.slice(at, at + batchItems))));
      const lasting = errors.find(({ code }) => !isPassing(code));
      if (lasting !== undefined) throw refused(`partition ${describeItem(lasting)}`);
      if (errors.length === 0) return;
      if (attempt >= itemAttemptsMax)
        throw unavailable(
          'glue',
          `${errors.length} partitions are not registered, such as ${describeItem(errors[0]!)}`,
        );
      const failed = new Set(errors.map(({ values }) => keyOf(values)));
      left = left.filter(({ Values = [] }) => failed.has(keyOf(Values)));
      await pause(attempt);
    }
  }

  /** A table that was made sure of and is gone is made again; its older folders have to be registered by hand. */
  async #tableOf(definition: TableDefinition): Promise<Table> {
    const database = glueDatabase(definition.tenant);
    const found = await this.#glue.getTable(database, definition.table);
    if (found !== null) return found;
    await this.ensure(definition);
    const made = await this.#glue.getTable(database, definition.table);
    if (made === null) throw unavailable('glue', `table ${definition.table} was dropped`);
    return made;
  }

  #isKnown(definition: TableDefinition, folder: string): boolean {
    const since = this.#known.get(definition)?.get(folder);
    return since !== undefined && this.#options.now() - since < knownMs;
  }

  #remember(definition: TableDefinition, folders: readonly string[]): void {
    const known = this.#known.get(definition) ?? new Map<string, number>();
    this.#known.set(definition, known);
    if (known.size + folders.length > knownFoldersMax) known.clear();
    for (const folder of folders) known.set(folder, this.#options.now());
  }

  async read(tenant: string, name: string) {
    const database = glueDatabase(tenant);
    const table = await this.#glue.getTable(database, name);
    const definition = table === null ? null : definitionOf(table);
    if (table === null || definition === null) return null;
    const partitions = await this.#glue.listPartitions(database, name);
    return { definition, partitions: partitions.map((one) => folderOf(table, one)).sort() };
  }
}

type Values = readonly string[];

/** Values may hold anything; no two lists of them are one text. */
const keyOf = (values: Values): string => JSON.stringify(values);

const describeItem = ({ values, code, message }: ItemError): string => `${keyOf(values)}: ${code}: ${message}`;

const pause = (attempt: number): Promise<void> => sleep(backoffMs(attempt, backoff, Math.random()));

const takenCode = 'AlreadyExistsException';
const isTaken = ({ code }: ItemError): boolean => code === takenCode;
