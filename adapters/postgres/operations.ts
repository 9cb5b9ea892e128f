// Operations in PostgreSQL: one-shot verbs, asked for once, with a receipt.
import { randomUUID } from 'node:crypto';
import { contentHash } from '#core/hash.ts';
import { limits } from '#core/limits.ts';
import type { OperationPlan, OperationReceipt } from '#core/operations/operation.ts';
import { endingEvent, requestedEvent } from '#core/operations/operation-event.ts';
import type {
  GoalStore,
  Operation,
  OperationEnding,
  OperationKind,
  OperationRequest,
  OperationState,
} from '#core/ports/goal-store.ts';
import { lockChain, recordChange } from './chain.ts';
import type { Queryable, Scoped } from './database.ts';
import { insertEventsBy } from './events.ts';
import { answerRequest, beginRequest } from './request-keys.ts';

export interface OperationRow {
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
  plan: OperationPlan | null;
  receipt: OperationReceipt | null;
}

export const toOperation = (row: OperationRow): Operation => {
  const { sequence, requested_at_ms, finished_at_ms, outcome, plan, receipt, ...rest } = row;
  return {
    ...rest,
    sequence: Number(sequence),
    requestedAt: Number(requested_at_ms),
    ...(finished_at_ms === null ? {} : { finishedAt: Number(finished_at_ms) }),
    ...(outcome === null ? {} : { outcome }),
    ...(plan === null ? {} : { plan }),
    ...(receipt === null ? {} : { receipt }),
  };
};

export async function insertOperation(
  database: Scoped,
  request: OperationRequest,
): ReturnType<GoalStore['requestOperation']> {
  const { tenant, job, uid, kind, author, reason, plan, idempotencyKey: key } = request;
  return await database.transaction(async (client) => {
    const chain = await lockChain(client);
    if (key !== undefined) {
      const begun = await beginRequest(client, tenant, key, fingerprintOf(request));
      if (begun.kind === 'answered')
        return { kind: 'accepted', operation: (await selectOperation(client, tenant, String(begun.answer)))! };
      if (begun.kind !== 'begun') return { kind: 'conflict' };
    }
    const id = randomUUID();
    const content = { id, uid, kind, ...(plan === undefined ? {} : { plan }) };
    const sequence = await recordChange(client, chain, {
      ...{ tenant, author, reason, action: kind, subject: `job/${job}`, content },
    });
    await client.query(
      `INSERT INTO operations (id, tenant, job, uid, kind, sequence, state, author, reason, requested_at_ms, plan)
       VALUES ($1, $2, $3, $4, $5, $6, 'requested', $7, $8, $9, $10)`,
      [
        id,
        tenant,
        job,
        uid,
        kind,
        sequence,
        author,
        reason,
        chain.at,
        plan === undefined ? null : JSON.stringify(plan),
      ],
    );
    if (key !== undefined) await answerRequest(client, tenant, key, id);
    const operation = (await selectOperation(client, tenant, id))!;
    await insertEventsBy(client, [requestedEvent(operation)]);
    return { kind: 'accepted', operation };
  });
}

const fingerprintOf = ({ job, kind, reason, asked }: OperationRequest): string =>
  contentHash(['operation', job, kind, reason, ...(asked === undefined ? [] : [asked])]);

export async function selectRepeated(on: Queryable, request: OperationRequest): Promise<Operation | null> {
  const { tenant, idempotencyKey: key } = request;
  if (key === undefined) return null;
  const [row] = await on.query<OperationRow>(
    `SELECT o.* FROM request_keys k JOIN operations o ON o.tenant = k.tenant AND o.id = k.answer #>> '{}'
     WHERE k.tenant = $1 AND k.key = $2 AND k.fingerprint = $3`,
    [tenant, key, fingerprintOf(request)],
  );
  return row ? toOperation(row) : null;
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
  database: Scoped,
  tenant: string,
  id: string,
  { state, outcome, receipt }: OperationEnding,
): Promise<void> {
  await database.transaction(async (client) => {
    const [ended] = await client.query<OperationRow>(
      `UPDATE operations SET state = $3, outcome = $4, receipt = $5,
         finished_at_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
       WHERE tenant = $1 AND id = $2 AND state = 'requested' RETURNING *`,
      [tenant, id, state, outcome, receipt === undefined ? null : JSON.stringify(receipt)],
    );
    if (ended) await insertEventsBy(client, [endingEvent({ ...toOperation(ended), state })]);
  });
}

/**
 * Of the lives that the snapshot holds: what is asked for, the newest restart, and the newest of pause and resume.
 * `among`: further conditions on them (o).
 */
export const decidingOperations = (among = 'true'): string =>
  `SELECT o.* FROM operations o
   WHERE ${among}
     AND EXISTS (SELECT 1 FROM heads h WHERE h.tenant = o.tenant AND h.uid = o.uid AND NOT h.removal_confirmed)
     AND (o.state = 'requested' OR (NOT EXISTS (
       SELECT 1 FROM operations newer
       WHERE newer.tenant = o.tenant AND newer.uid = o.uid AND newer.job = o.job AND newer.sequence > o.sequence
         AND newer.kind IN ('pause', 'resume', 'restart') AND (newer.kind = 'restart') = (o.kind = 'restart'))
       AND o.kind IN ('pause', 'resume', 'restart')))
   ORDER BY o.sequence`;

export async function readDecidingOperations(on: Queryable): Promise<readonly Operation[]> {
  return (await on.query<OperationRow>(decidingOperations())).map(toOperation);
}
