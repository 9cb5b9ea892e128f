// Reads a table as its users do: DuckDB over the files under the table's prefix, as Hive lays them out.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ObjectStore } from '#core/ports/object-store.ts';

/** What `FROM` in the query stands for is written as {table}. Values come as JSON has them: 64-bit numbers as text. */
export async function queryTable(
  objects: ObjectStore,
  prefix: string,
  query: string,
): Promise<readonly Record<string, unknown>[]> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-table-'));
  try {
    const keys = await objects.list(prefix);
    for (const key of keys) {
      const path = join(folder, key.slice(prefix.length));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, (await objects.get(key))!);
    }
    if (keys.length === 0) return [];
    return await queryFolder(folder, query);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One for all queries of a process, and empty: to open one costs more than most queries. */
let database: Promise<DuckDBInstance> | undefined;

/** As `queryTable`, over files that are on this machine. */
export async function queryFolder(folder: string, query: string): Promise<readonly Record<string, unknown>[]> {
  database ??= DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await (await database).connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    const table = `read_parquet('${folder}/**/*.parquet', hive_partitioning = true, union_by_name = true)`;
    const reader = await connection.runAndReadAll(query.replaceAll('{table}', table));
    return reader.getRowObjectsJson() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
  }
}

/** The ids in the table, each as often as it is there, in order. */
export async function idsIn(objects: ObjectStore, prefix: string): Promise<readonly number[]> {
  const rows = await queryTable(objects, prefix, 'SELECT id FROM {table} ORDER BY id');
  return rows.map(({ id }) => Number(id));
}
