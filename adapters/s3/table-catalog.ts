// The catalog of tables as objects in the bucket: each version of a table and each of its folders is an object, made once.
import { PlatformError } from '#core/errors.ts';
import { contentHash } from '#core/hash.ts';
import { tableKeys } from '#core/names.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import type { TableCatalog, TableEntry } from '#core/ports/table-catalog.ts';
import { extendTable, type TableDefinition, tableConflict } from '#core/warehouse/table-definition.ts';

/** Racing workers write versions one after the other; far more than there are workers. */
const versionAttemptsMax = 100;

interface Known {
  readonly version: number;
  readonly definition: TableDefinition;
}

export function createTableCatalog(objects: ObjectStore): TableCatalog {
  return {
    ensureTable: async (definition) => {
      for (let attempt = 0; attempt < versionAttemptsMax; attempt++) {
        const known = await newest(objects, definition.tenant, definition.table);
        const conflict = known === null ? null : tableConflict(known.definition, definition);
        if (conflict !== null) return { kind: 'conflict', message: conflict };
        const merged = extendTable(known?.definition ?? null, definition);
        if (known !== null && JSON.stringify(merged) === JSON.stringify(known.definition)) return { kind: 'ready' };
        const key = versionKey(definition.tenant, definition.table, (known?.version ?? 0) + 1);
        if ((await objects.put(key, encode(merged), { ifAbsent: true })) === 'stored') return { kind: 'ready' };
      }
      throw new PlatformError('catalog-contended', `table ${definition.table} is changed again and again by others`, {
        fault: 'internal',
        retry: 'retry',
      });
    },
    addPartitions: async ({ tenant, table }, folders) => {
      for (const folder of new Set(folders))
        await objects.put(partitionKey(tenant, table, folder), encode({ folder }), { ifAbsent: true });
    },
    read: (tenant, table) => read(objects, tenant, table),
  };
}

const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const decode = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());

const versionPrefix = (tenant: string, table: string): string => `${tableKeys.catalog(tenant, table)}versions/`;
const partitionPrefix = (tenant: string, table: string): string => `${tableKeys.catalog(tenant, table)}partitions/`;
/** By a hash: a folder's levels together, or in the escapes of one name, are longer than a key or a file's name may be. */
const partitionKey = (tenant: string, table: string, folder: string): string =>
  `${partitionPrefix(tenant, table)}${contentHash(folder)}.json`;
const versionKey = (tenant: string, table: string, version: number): string =>
  `${versionPrefix(tenant, table)}${String(version).padStart(6, '0')}.json`;

async function newest(objects: ObjectStore, tenant: string, table: string): Promise<Known | null> {
  const key = (await objects.list(versionPrefix(tenant, table))).at(-1);
  const bytes = key === undefined ? null : await objects.get(key);
  if (key === undefined || bytes === null) return null;
  return { version: Number(/(\d+)\.json$/.exec(key)?.[1] ?? 0), definition: decode(bytes) as TableDefinition };
}

async function read(objects: ObjectStore, tenant: string, table: string): Promise<TableEntry | null> {
  const known = await newest(objects, tenant, table);
  if (known === null) return null;
  const keys = await objects.list(partitionPrefix(tenant, table));
  const read = await Promise.all(keys.map((key) => objects.get(key)));
  const folders = read.flatMap((bytes) => (bytes === null ? [] : [(decode(bytes) as { folder: string }).folder]));
  // Earlier versions named the objects by the folders, so that one folder may have two.
  return { definition: known.definition, partitions: [...new Set(folders)].sort() };
}
