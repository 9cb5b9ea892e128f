// Idempotency keys: what was answered to a request, so that asking again with the same key gives the same answer.
import type { BegunRequest, RequestLedger } from '#core/ports/request-ledger.ts';
import type { Json } from '#core/spec/json.ts';
import { type Database, type Queryable, type Scope, scoped } from './database.ts';

/** After this long an unanswered request is taken to be cut off, and may be carried out again. */
const runningMs = 60_000;
const keptHours = 24;
const prunedAtOnceMax = 100;

/** Within a transaction, a key that another transaction is using is waited for. */
export async function beginRequest(
  client: Queryable,
  tenant: string,
  key: string,
  fingerprint: string,
): Promise<BegunRequest> {
  await client.query(
    `DELETE FROM request_keys WHERE (tenant, key) IN (SELECT tenant, key FROM request_keys
       WHERE begun_at < clock_timestamp() - make_interval(hours => $1) LIMIT $2 FOR UPDATE SKIP LOCKED)`,
    [keptHours, prunedAtOnceMax],
  );
  const [begun] = await client.query(
    `INSERT INTO request_keys (tenant, key, fingerprint) VALUES ($1, $2, $3)
     ON CONFLICT (tenant, key) DO UPDATE SET begun_at = clock_timestamp()
       WHERE request_keys.fingerprint = $3 AND request_keys.answer IS NULL
         AND request_keys.begun_at < clock_timestamp() - make_interval(secs => $4)
     RETURNING 1`,
    [tenant, key, fingerprint, runningMs / 1_000],
  );
  if (begun) return { kind: 'begun' };
  const [known] = await client.query<{ fingerprint: string; answer: Json }>(
    'SELECT fingerprint, answer FROM request_keys WHERE tenant = $1 AND key = $2',
    [tenant, key],
  );
  if (known && known.fingerprint !== fingerprint) return { kind: 'key-reused' };
  return known && known.answer !== null ? { kind: 'answered', answer: known.answer } : { kind: 'running' };
}

export async function answerRequest(client: Queryable, tenant: string, key: string, answer: Json): Promise<void> {
  await client.query('UPDATE request_keys SET answer = $3 WHERE tenant = $1 AND key = $2', [
    tenant,
    key,
    JSON.stringify(answer),
  ]);
}

/** The request had no effect: the key is free for another try. */
export async function abandonRequest(client: Queryable, tenant: string, key: string): Promise<void> {
  await client.query('DELETE FROM request_keys WHERE tenant = $1 AND key = $2 AND answer IS NULL', [tenant, key]);
}

export const createRequestLedger = (whole: Database, scope: Scope = 'whole'): RequestLedger => ({
  begin: (tenant, key, fingerprint) => beginRequest(scoped(whole, scope, tenant), tenant, key, fingerprint),
  answer: (tenant, key, answer) => answerRequest(scoped(whole, scope, tenant), tenant, key, answer),
  abandon: (tenant, key) => abandonRequest(scoped(whole, scope, tenant), tenant, key),
});
