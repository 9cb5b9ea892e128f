// Freezes and approvals in PostgreSQL: what people have stopped, and what they have agreed to.
import type { Approval, Freeze, FreezePlace } from '#core/ports/goal-store.ts';
import { lockChain, recordChange } from './chain.ts';
import type { Queryable, Scoped } from './database.ts';

export interface FreezeRow extends Omit<Freeze, 'at'> {
  at_ms: string;
}

export const freezeColumns = 'tenant, scope, name, author, reason, at_ms';
export const toFreeze = ({ at_ms, ...row }: FreezeRow): Freeze => ({ ...row, at: Number(at_ms) });
const subjectOf = ({ scope, name }: Pick<FreezePlace, 'scope' | 'name'>): string =>
  scope === 'fleet' ? 'fleet' : `${scope}/${name}`;

async function selectFreeze(on: Queryable, { tenant, scope, name }: FreezePlace): Promise<Freeze | null> {
  const [row] = await on.query<FreezeRow>(
    `SELECT ${freezeColumns} FROM freezes WHERE tenant = $1 AND scope = $2 AND name = $3`,
    [tenant, scope, name],
  );
  return row ? toFreeze(row) : null;
}

export async function insertFreeze(database: Scoped, freeze: Omit<Freeze, 'at'>): Promise<Freeze> {
  const { tenant, scope, name, author, reason } = freeze;
  return await database.transaction(async (client) => {
    const chain = await lockChain(client);
    const known = await selectFreeze(client, freeze);
    if (known) return known;
    await recordChange(client, chain, {
      ...{ tenant, author, reason, action: 'freeze', subject: subjectOf(freeze), content: { scope, name } },
    });
    await client.query(`INSERT INTO freezes (${freezeColumns}) VALUES ($1, $2, $3, $4, $5, $6)`, [
      tenant,
      scope,
      name,
      author,
      reason,
      chain.at,
    ]);
    return { ...freeze, at: chain.at };
  });
}

export async function removeFreeze(
  database: Scoped,
  lift: FreezePlace & { readonly author: string; readonly reason: string },
): Promise<'lifted' | 'absent'> {
  const { tenant, scope, name, author, reason } = lift;
  return await database.transaction(async (client) => {
    const chain = await lockChain(client);
    if ((await selectFreeze(client, lift)) === null) return 'absent';
    await recordChange(client, chain, {
      ...{ tenant, author, reason, action: 'unfreeze', subject: subjectOf(lift), content: { scope, name } },
    });
    await client.query('DELETE FROM freezes WHERE tenant = $1 AND scope = $2 AND name = $3', [tenant, scope, name]);
    return 'lifted';
  });
}

export const selectFreezes = async (on: Queryable): Promise<readonly Freeze[]> =>
  (await on.query<FreezeRow>(`SELECT ${freezeColumns} FROM freezes ORDER BY at_ms`)).map(toFreeze);

export async function insertApproval(database: Scoped, { tenant, jobs, author, reason }: Approval): Promise<void> {
  await database.transaction(async (client) => {
    const chain = await lockChain(client);
    const change = { tenant, author, reason, action: 'approve' as const, subject: 'fleet', content: { jobs } };
    const sequence = await recordChange(client, chain, change);
    await client.query(
      'INSERT INTO approvals (sequence, tenant, jobs, author, reason, at_ms) VALUES ($1, $2, $3, $4, $5, $6)',
      [sequence, tenant, JSON.stringify(jobs), author, reason, chain.at],
    );
  });
}

const approvalHours = 24;

export const selectApprovals = async (on: Queryable): Promise<readonly Approval[]> =>
  await on.query<Approval & Record<string, unknown>>(
    `SELECT tenant, jobs, author, reason FROM approvals
     WHERE at_ms > (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1 ORDER BY sequence`,
    [approvalHours * 3_600_000],
  );
