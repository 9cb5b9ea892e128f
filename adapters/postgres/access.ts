// The users under which programs come to the goal store on AWS: no password but a token, and no right that they do not use.
import { goalDatabase } from '#core/names.ts';
import type { Database } from './database.ts';

/** There on RDS only: whoever has it logs in by token. */
const tokenRole = 'rds_iam';

/** What is append-only refuses changes by itself as well; which migrations were made is their maker's business. */
const appendOnly = ['revisions', 'audit'];
const ownersOnly = 'schema_migrations';

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
  });
}
