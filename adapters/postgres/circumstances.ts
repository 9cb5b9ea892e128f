// What decides beside the declarations how jobs run, by one statement: a view of a job waits for it each time.
import type { Circumstances } from '#core/ports/goal-store.ts';
import { type ConfigRow, holdingConfig, toEntry } from './config-values.ts';
import { prepared, type Queryable } from './database.ts';
import { type FreezeRow, freezeColumns, toFreeze } from './freezes.ts';
import { decidingOperations, type OperationRow, toOperation } from './operations.ts';

/** In one column the rows of three tables, so that they are of one point in time; a tenant's, or, with a list, those over these jobs. */
const circumstancesOf = prepared(
  'circumstances',
  `SELECT 'operation' AS part, row_to_json(o) AS row
   FROM (${decidingOperations('o.tenant = $1::text AND ($2::text[] IS NULL OR o.job = ANY ($2::text[]))')}) o
   UNION ALL SELECT 'freeze', row_to_json(f)
   FROM (SELECT ${freezeColumns} FROM freezes
     WHERE tenant = $1::text AND ($2::text[] IS NULL OR scope <> 'job' OR name = ANY ($2::text[])) ORDER BY at_ms) f
   UNION ALL SELECT 'config', row_to_json(c)
   FROM (${holdingConfig("tenant = $1::text AND ($2::text[] IS NULL OR scope <> 'job' OR subject = ANY ($2::text[]))")}) c`,
);

type Row =
  | { part: 'operation'; row: OperationRow }
  | { part: 'freeze'; row: FreezeRow }
  | { part: 'config'; row: ConfigRow };

export async function readCircumstances(
  on: Queryable,
  tenant: string,
  jobs?: readonly string[],
): Promise<Circumstances> {
  const rows = await on.query<Row>(circumstancesOf, [tenant, jobs ?? null]);
  return {
    operations: rows.flatMap(({ part, row }) => (part === 'operation' ? [toOperation(row)] : [])),
    freezes: rows.flatMap(({ part, row }) => (part === 'freeze' ? [toFreeze(row)] : [])),
    config: rows.flatMap(({ part, row }) => (part === 'config' ? [toEntry(row)] : [])),
  };
}
