// The users under which programs come to the goal store on AWS: no password but a token, and no right that they do not use.
import { goalDatabase } from '#core/names.ts';
import { type Database, type Queryable, tenantSetting } from './database.ts';

/** There on RDS only: whoever has it logs in by token. */
const tokenRole = 'rds_iam';

/** What is append-only refuses changes by itself as well; which migrations were made is their maker's business. */
const appendOnly = ['revisions', 'audit', 'config_values'];
const ownersOnly = 'schema_migrations';

/**
 * Row-level security: the API sees and writes rows of the tenant that its transaction names, and no row where it names
 * none; so a query that forgets its tenant finds nothing. The reconciler acts for all.
 */
const ofTenants = [
  ...['revisions', 'heads', 'operations', 'events', 'outbox', 'request_keys', 'audit'],
  ...['freezes', 'approvals', 'config_values', 'request_budgets'],
];
/** One chain over all tenants: whoever verifies it reads all of it. */
const readByAll = ['audit'];
const ownTenant = `tenant = current_setting('${tenantSetting}', true)`;

async function holdToTenants(client: Queryable): Promise<void> {
  const { api, reconciler } = goalDatabase;
  for (const table of ofTenants) {
    await client.query(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`);
    for (const policy of ['own_tenant', 'all_tenants', 'read_all'])
      await client.query(`DROP POLICY IF EXISTS ${policy} ON ${table}`);
    await client.query(`CREATE POLICY own_tenant ON ${table} TO ${api} USING (${ownTenant}) WITH CHECK (${ownTenant})`);
    await client.query(`CREATE POLICY all_tenants ON ${table} TO ${reconciler} USING (true) WITH CHECK (true)`);
    if (readByAll.includes(table))
      await client.query(`CREATE POLICY read_all ON ${table} FOR SELECT TO ${api} USING (true)`);
  }
}

/** Idempotent. To be run by the database's owner, after the migrations. */
export async function grantAccess(database: Database): Promise<void> {
  await database.transaction(async (client) => {
    for (const role of [goalDatabase.api, goalDatabase.reconciler]) {
      const [known] = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
      if (!known) await client.query(`CREATE ROLE ${role} LOGIN`);
      const [token] = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [tokenRole]);
      if (token) await client.query(`GRANT ${tokenRole} TO ${role}`);
      await client.query(`GRANT USAGE ON SCHEMA public TO ${role}`);
      await client.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`);
      await client.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${role}`);
      await client.query(`REVOKE UPDATE, DELETE ON ${appendOnly.join(', ')} FROM ${role}`);
      await client.query(`REVOKE INSERT, UPDATE, DELETE ON ${ownersOnly} FROM ${role}`);
    }
    await holdToTenants(client);
  });
}
