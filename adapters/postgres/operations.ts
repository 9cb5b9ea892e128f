// Operations in PostgreSQL: one-shot verbs, asked for once, with a receipt.
import { randomUUID } from 'node:crypto';
import { contentHash } from '#core/hash.ts';
import { limits } from '#core/limits.ts';
import type { GoalStore, Operation, OperationKind, OperationState } from '#core/ports/goal-store.ts';
import { lockChain, recordChange } from './chain.ts';
import type { Database, Queryable } from './database.ts';
import { answerRequest, beginRequest } from './request-keys.ts';

interface OperationRow {
  id: string;
  tenant: string;
  job: string;
  uid: string;
  kind: OperationKind;
  sequence: string;
  state: OperationState;
  author: string;
  reason: string;
  requested_at_ms: string;
  finished_at_ms: string | null;
  outcome: string | null;
}

const toOperation = (row: OperationRow): Operation => {
  const { sequence, requested_at_ms, finished_at_ms, outcome, ...rest } = row;
  return {
    ...rest,
    sequence: Number(sequence),
    requestedAt: Number(requested_at_ms),
    ...(finished_at_ms === null ? {} : { finishedAt: Number(finished_at_ms) }),
    ...(outcome === null ? {} : { outcome }),
  };
};

type Asked = Parameters<GoalStore['requestOperation']>[0];

export async function insertOperation(database: Database, request: Asked): ReturnType<GoalStore['requestOperation']> {
  const { tenant, job, uid, kind, author, reason, idempotencyKey: key } = request;
  return await database.transaction(async (client) => {
    const chain = await lockChain(client);
    if (key !== undefined) {
      const begun = await beginRequest(client, tenant, key, contentHash(['operation', job, kind, reason]));
      if (begun.kind === 'answered')
        return { kind: 'accepted', operation: (await selectOperation(client, tenant, String(begun.answer)))! };
      if (begun.kind !== 'begun') return { kind: 'conflict' };
    }
    const id = randomUUID();
    const content = { id, uid, kind };
    const sequence = await recordChange(client, chain, {
      ...{ tenant, author, reason, action: kind, subject: `job/${job}`, content },
    });
    await client.query(
      `INSERT INTO operations (id, tenant, job, uid, kind, sequence, state, author, reason, requested_at_ms)
       VALUES ($1, $2, $3, $4, $5, $6, 'requested', $7, $8, $9)`,
      [id, tenant, job, uid, kind, sequence, author, reason, chain.at],
    );
    if (key !== undefined) await answerRequest(client, tenant, key, id);
    return { kind: 'accepted', operation: (await selectOperation(client, tenant, id))! };
  });
}

export async function selectOperation(on: Queryable, tenant: string, id: string): Promise<Operation | null> {
  const [row] = await on.query<OperationRow>('SELECT * FROM operations WHERE tenant = $1 AND id = $2', [tenant, id]);
  return row ? toOperation(row) : null;
}

export async function selectOperations(on: Queryable, tenant: string, job: string): Promise<readonly Operation[]> {
  const rows = await on.query<OperationRow>(
    'SELECT * FROM operations WHERE tenant = $1 AND job = $2 ORDER BY sequence DESC LIMIT $3',
    [tenant, job, limits.pageItemsMax],
  );
  return rows.map(toOperation);
}

export async function closeOperation(
  on: Queryable,
  tenant: string,
  id: string,
  state: 'succeeded' | 'superseded',
  outcome: string,
): Promise<void> {
  await on.query(
    `UPDATE operations SET state = $3, outcome = $4, finished_at_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
     WHERE tenant = $1 AND id = $2 AND state = 'requested'`,
    [tenant, id, state, outcome],
  );
}

/** Of the lives that the snapshot holds: what is asked for, the newest restart, and the newest of pause and resume. */
export async function readDecidingOperations(on: Queryable): Promise<readonly Operation[]> {
  const rows = await on.query<OperationRow>(
    `SELECT o.* FROM operations o
     WHERE EXISTS (SELECT 1 FROM heads h WHERE h.tenant = o.tenant AND h.uid = o.uid AND NOT h.removal_confirmed)
       AND (o.state = 'requested' OR NOT EXISTS (
         SELECT 1 FROM operations newer
         WHERE newer.tenant = o.tenant AND newer.uid = o.uid AND newer.job = o.job AND newer.sequence > o.sequence
           AND (newer.kind = 'restart') = (o.kind = 'restart')))
     ORDER BY o.sequence`,
  );
  return rows.map(toOperation);
}
