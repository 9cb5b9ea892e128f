// A table declared by the command on a running platform: read by DuckDB from the bucket's folder while workers are killed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { aDeclaration } from '#test/support/documents.ts';
import { type Load, startLoad } from '#test/support/oracle-load.ts';
import { queryFolder } from '#test/support/read-table.ts';
import type { TestPlatform } from '#test/support/test-platform.ts';
import { until } from '#test/support/until.ts';

let platform: TestPlatform;
let load: Load | null = null;

const folderOf = (table: string): string => join(platform.dataDir, 'parts/s3/objects/millrace/tables/default', table);

/** No files yet: null. */
const query = async (table: string, text: string): Promise<readonly Record<string, unknown>[] | null> =>
  await queryFolder(folderOf(table), text).catch((error: unknown) => {
    if (String(error).includes('No files found')) return null;
    throw error;
  });

export function warehouseSuite(given: () => TestPlatform): void {
  beforeAll(() => {
    platform = given();
  });
  afterAll(async () => {
    await load?.stop();
  });

  test('a reader of a table sees each row once at every moment, through three kill -9 of its worker', async () => {
    await platform.apply([
      aDeclaration('Stream', 'numbers', { schema: { fields: { n: 'bigint', parity: 'text', text: 'text' } } }),
      aDeclaration('Route', 'table', {
        from: 'numbers',
        where: "parity = 'even'",
        to: [{ name: 'lake', warehouse: { table: 'numbers', partitionBy: ['{parity}'], roll: { every: '1s' } } }],
      }),
    ]);
    load = startLoad(platform.kafka, 'numbers', 1_000);
    const count = 'SELECT count(*) AS rows, count(DISTINCT n) AS numbers FROM {table}';
    const expectOnce = async (): Promise<void> => {
      const [found] = (await query('numbers', count)) ?? [];
      if (found !== undefined) expect(found['numbers']).toBe(found['rows']);
    };
    for (let round = 0; round < 3; round++) {
      await load.more(1_500);
      const pid = await platform.workerPid('table.lake');
      process.kill(pid, 'SIGKILL');
      await until(async () => ((await platform.workerPid('table.lake')) !== pid ? true : null), 'another worker');
      await expectOnce();
    }
    await load.more(1_000);
    const acknowledged = await load.stop();
    const even = [...acknowledged].filter((n) => n % 2 === 0).length;
    const rows = await until(async () => {
      const [found] = (await query('numbers', count)) ?? [];
      return Number(found?.['numbers'] ?? 0) >= even ? found! : null;
    }, `${even} rows`);
    // Events that were sent and whose acknowledgement was lost may be there too; none is there twice.
    expect(rows['rows']).toBe(rows['numbers']);
    // The books follow the table by one commit of the position.
    const { status } = await until(async () => {
      const view = await platform.job('table.lake');
      return view.status.accounting.out >= Number(rows['rows']) ? view : null;
    }, 'the books to say what the table holds');
    expect(status.accounting.out).toBe(Number(rows['rows']));
    expect(status.conditions.find(({ type }) => type === 'Balanced')).toMatchObject({ status: 'true' });
  }, 180_000);

  test('the example does what its README says', async () => {
    const example = join(import.meta.dirname, '../../examples/warehouse');
    await platform.run(['apply', '-f', example, '--wait', '--yes'], { withinMs: 90_000 });
    const input = readFileSync(join(example, 'orders.ndjson'), 'utf8');
    await platform.run(['produce', 'placed-orders'], { input });
    const said = await until(async () => {
      const text = await platform.run(['describe', 'job', 'order-table.lake']);
      return text.includes('gathered for files') ? text : null;
    }, 'the rows to be gathered');
    expect(said).toContain('table orders');
    const text = `SELECT placed_date::text AS day, country, id, amount, customer.name AS name, item_count
                FROM {table} ORDER BY id`;
    const rows = await until(async () => {
      const found = await query('orders', text);
      // Files appear one by one.
      return (found?.length ?? 0) >= 5 ? found : null;
    }, 'the rows to be in the table');
    expect(rows).toEqual([
      { day: '2026-01-30', country: 'DE', id: 'o1', amount: '12.50', name: 'Ann', item_count: 2 },
      { day: '2026-01-31', country: 'DE', id: 'o2', amount: '99999999.99', name: 'Bo', item_count: 0 },
      { day: '2026-01-31', country: 'FR', id: 'o3', amount: '0.01', name: null, item_count: 1 },
      { day: '2026-01-31', country: null, id: 'o4', amount: '7.00', name: null, item_count: 1 },
      { day: '2026-01-31', country: 'a/b', id: 'o5', amount: '3.10', name: 'Zoë', item_count: 1 },
    ]);
    const { status } = await until(async () => {
      const view = await platform.job('order-table.lake');
      return view.status.accounting.in >= 6 ? view : null;
    }, 'six events to be accounted for');
    expect(status.accounting).toMatchObject({ in: 6, out: 5, deadLettered: 1 });
  }, 120_000);
}
