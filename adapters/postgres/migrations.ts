// The goal store's tables, built up step by step.
//
// Expand and contract: while a version is rolled out, old and new code run against one schema. So a migration only adds
// (tables, columns with a default or nullable, indexes) and never changes the meaning of what is there. What no code
// reads any more is dropped by a migration of a later release. Steps are never edited once released; a new one is added.
import type { Queryable } from './database.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/**
 * `json`, not `jsonb`, for what people wrote: it keeps the text, so the order of a schema's fields stays theirs.
 * `chain` is one row whose lock puts all changes into one order: sequence numbers become visible in their order.
 */
const goals = `
CREATE TABLE chain (
  id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  sequence bigint NOT NULL,
  audit_hash text NOT NULL
);
INSERT INTO chain (sequence, audit_hash) VALUES (0, '');

CREATE TABLE revisions (
  sequence bigint PRIMARY KEY,
  tenant text NOT NULL,
  kind text NOT NULL,
  name text NOT NULL CHECK (name ~ '^[a-z0-9](-?[a-z0-9])*$' AND length(name) <= 40),
  uid text NOT NULL,
  revision integer NOT NULL CHECK (revision > 0),
  metadata json NOT NULL,
  declared json,
  author text NOT NULL,
  reason text NOT NULL,
  at_ms bigint NOT NULL,
  UNIQUE (tenant, kind, name, revision)
);

CREATE TABLE heads (
  tenant text NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  sequence bigint NOT NULL UNIQUE REFERENCES revisions (sequence),
  uid text NOT NULL,
  revision integer NOT NULL,
  deleted boolean NOT NULL,
  removal_confirmed boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant, kind, name)
);
CREATE INDEX heads_by_change ON heads (tenant, sequence);

CREATE TABLE outbox (
  sequence bigint PRIMARY KEY,
  tenant text NOT NULL,
  subject text NOT NULL,
  at_ms bigint NOT NULL,
  taken_until timestamptz
);

CREATE TABLE audit (
  sequence bigint PRIMARY KEY,
  at_ms bigint NOT NULL,
  tenant text NOT NULL,
  author text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  reason text NOT NULL,
  content_hash text NOT NULL,
  previous_hash text NOT NULL,
  hash text NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON revisions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON revisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
`;

const operations = `
CREATE TABLE operations (
  id text PRIMARY KEY,
  tenant text NOT NULL,
  job text NOT NULL,
  uid text NOT NULL,
  kind text NOT NULL,
  sequence bigint NOT NULL UNIQUE,
  state text NOT NULL,
  author text NOT NULL,
  reason text NOT NULL,
  requested_at_ms bigint NOT NULL,
  finished_at_ms bigint,
  outcome text
);
CREATE INDEX operations_of_job ON operations (tenant, job, sequence DESC);
CREATE INDEX operations_of_life ON operations (tenant, uid, job, sequence DESC);

CREATE TABLE request_keys (
  tenant text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  answer json,
  PRIMARY KEY (tenant, key)
);
CREATE INDEX request_keys_by_age ON request_keys (begun_at);

CREATE TABLE events (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL,
  subject text NOT NULL,
  at_ms bigint NOT NULL,
  severity text NOT NULL,
  reason text NOT NULL,
  message text NOT NULL,
  evidence json
);
CREATE INDEX events_of_subject ON events (tenant, subject, sequence DESC);
`;

const operationPlans = `
ALTER TABLE operations ADD COLUMN plan json, ADD COLUMN receipt json;
`;

const freezes = `
ALTER TABLE revisions ADD COLUMN purge boolean NOT NULL DEFAULT false;

CREATE TABLE freezes (
  tenant text NOT NULL,
  scope text NOT NULL,
  name text NOT NULL,
  author text NOT NULL,
  reason text NOT NULL,
  at_ms bigint NOT NULL,
  PRIMARY KEY (tenant, scope, name)
);

CREATE TABLE approvals (
  sequence bigint PRIMARY KEY,
  tenant text NOT NULL,
  jobs json NOT NULL,
  author text NOT NULL,
  reason text NOT NULL,
  at_ms bigint NOT NULL
);
CREATE INDEX approvals_by_age ON approvals (at_ms);
`;

const configValues = `
CREATE TABLE config_values (
  sequence bigint PRIMARY KEY,
  tenant text NOT NULL,
  scope text NOT NULL CHECK (scope IN ('team', 'job')),
  subject text NOT NULL,
  uid text NOT NULL DEFAULT '',
  key text NOT NULL,
  value json NOT NULL,
  author text NOT NULL,
  reason text NOT NULL,
  at_ms bigint NOT NULL,
  expires_at_ms bigint
);
CREATE INDEX config_values_newest ON config_values (tenant, scope, subject, uid, key, sequence DESC);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON config_values FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON config_values FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
`;

/** Not of the goal: lost with the server, and cheap to write for it. */
const requestBudgets = `
CREATE UNLOGGED TABLE request_budgets (
  tenant text PRIMARY KEY,
  tokens double precision NOT NULL,
  at timestamptz NOT NULL
) WITH (fillfactor = 50);
`;

/** Pages of names come in the order that every machine sorts by, whatever the database's own. */
const pagesByName = `
CREATE INDEX heads_by_name ON heads (tenant, kind, name COLLATE "C");
`;

export const migrations: readonly Migration[] = [
  { version: 1, name: 'goals', sql: goals },
  { version: 2, name: 'operations, request keys, events', sql: operations },
  { version: 3, name: 'plans and receipts of operations', sql: operationPlans },
  { version: 4, name: 'freezes, approvals, deletions without grace', sql: freezes },
  { version: 5, name: 'configuration beside the declarations', sql: configValues },
  { version: 6, name: 'requests that tenants have left', sql: requestBudgets },
  { version: 7, name: 'pages by name', sql: pagesByName },
];

/** Any number that no other program on the database uses for an advisory lock. */
const migrationLock = 7_461_001;

/** One migration of the list: its own transaction, under a lock, so that programs starting at once do it once. */
async function migrateOne(client: Queryable, migration: Migration): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
  await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`);
  const [done] = await client.query('SELECT 1 FROM schema_migrations WHERE version = $1', [migration.version]);
  if (done) return;
  await client.query(migration.sql);
  await client.query('INSERT INTO schema_migrations (version, name) VALUES ($1, $2)', [
    migration.version,
    migration.name,
  ]);
}

/** Brings the database to this version of the code; a database that is ahead is left alone (expand and contract). */
export async function migrate(
  database: { transaction<Result>(work: (client: Queryable) => Promise<Result>): Promise<Result> },
  steps: readonly Migration[] = migrations,
): Promise<void> {
  for (const step of steps) await database.transaction((client) => migrateOne(client, step));
}
