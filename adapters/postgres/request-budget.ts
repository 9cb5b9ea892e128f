// How many requests a tenant has left, as one row a tenant in the goal store: instances of the API share nothing else.
import type { RequestBudget, RequestRate } from '#core/ports/request-budget.ts';
import { type Database, type Scope, scoped } from './database.ts';

/** What the bucket holds now: what it held, and what has come since, up to what it can hold. */
const held = 'LEAST($3, b.tokens + $2 * EXTRACT(EPOCH FROM clock_timestamp() - b.at))';

/** A row is locked for the time of one statement only; a bucket that is lost with the server begins anew, full. */
const take = `INSERT INTO request_budgets AS b (tenant, tokens, at) VALUES ($1, $3 - 1, clock_timestamp())
  ON CONFLICT (tenant) DO UPDATE SET tokens = ${held} - 1, at = clock_timestamp() WHERE ${held} >= 1
  RETURNING 1`;

export const createRequestBudget = (
  whole: Database,
  { perSecond, burst }: RequestRate,
  scope: Scope = 'whole',
): RequestBudget => ({
  take: async (tenant) => {
    const [taken] = await scoped(whole, scope, tenant).query(take, [tenant, perSecond, burst]);
    return taken === undefined ? 'spent' : 'taken';
  },
});
