// Configuration beside the declarations, in PostgreSQL: appended, never changed; the newest of a key holds until it expires.
import { configEvent } from '#core/config/config-event.ts';
import { limits } from '#core/limits.ts';
import type { ConfigEntry, ConfigRequest, ConfigScope } from '#core/ports/goal-store.ts';
import type { Json } from '#core/spec/json.ts';
import { lockChain, recordChange } from './chain.ts';
import type { Queryable, Scoped } from './database.ts';
import { insertEventsBy } from './events.ts';

export interface ConfigRow {
  tenant: string;
  scope: ConfigScope['scope'];
  subject: string;
  uid: string;
  key: string;
  value: Json;
  author: string;
  reason: string;
  at_ms: string;
  expires_at_ms: string | null;
}

const columns = 'tenant, scope, subject, uid, key, value, author, reason, at_ms, expires_at_ms';

export function toEntry({ scope, uid, at_ms, expires_at_ms, ...row }: ConfigRow): ConfigEntry {
  const rest = { ...row, at: Number(at_ms), expiresAt: expires_at_ms === null ? null : Number(expires_at_ms) };
  return scope === 'job' ? { ...rest, scope, uid } : { ...rest, scope };
}

const uidOf = (of: ConfigScope): string => (of.scope === 'job' ? of.uid : '');

export async function insertConfig(database: Scoped, request: ConfigRequest): Promise<ConfigEntry> {
  const { tenant, scope, subject, key, value, author, reason, expiresInMs } = request;
  return await database.transaction(async (client) => {
    const chain = await lockChain(client);
    const sequence = await recordChange(client, chain, {
      ...{ tenant, author, reason, action: 'configure', subject: `${scope}/${subject}` },
      content: [uidOf(request), key, value, expiresInMs],
    });
    const expiresAt = expiresInMs === null ? null : chain.at + expiresInMs;
    const values = [tenant, scope, subject, uidOf(request), key, JSON.stringify(value), author, reason];
    const [row] = await client.query<ConfigRow>(
      `INSERT INTO config_values (${columns}, sequence)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING ${columns}`,
      [...values, chain.at, expiresAt, sequence],
    );
    const entry = toEntry(row!);
    await insertEventsBy(client, [configEvent(entry)]);
    return entry;
  });
}

/** Those that hold now. `among`: conditions on them. */
export const holdingConfig = (among = 'true'): string =>
  `SELECT * FROM (
     SELECT DISTINCT ON (tenant, scope, subject, uid, key) ${columns} FROM config_values WHERE ${among}
     ORDER BY tenant, scope, subject, uid, key, sequence DESC) newest
   WHERE value::text <> 'null'
     AND (expires_at_ms IS NULL OR expires_at_ms > (extract(epoch FROM clock_timestamp()) * 1000)::bigint)`;

export async function readConfig(on: Queryable): Promise<readonly ConfigEntry[]> {
  return (await on.query<ConfigRow>(holdingConfig())).map(toEntry);
}

export async function selectConfigHistory(
  on: Queryable,
  tenant: string,
  of: ConfigScope,
): Promise<readonly ConfigEntry[]> {
  const rows = await on.query<ConfigRow>(
    `SELECT ${columns} FROM config_values WHERE tenant = $1 AND scope = $2 AND subject = $3 AND uid = $4
     ORDER BY sequence DESC LIMIT $5`,
    [tenant, of.scope, of.subject, uidOf(of), limits.revisionsReadMax],
  );
  return rows.map(toEntry);
}
