// The way to PostgreSQL: a bounded pool, every statement timed, transactions retried where the database asks for it.
import pg from 'pg';
import { messageOf, PlatformError, unavailable } from '#core/errors.ts';

export interface DatabaseOptions {
  readonly url: string;
  /** Asked for a password at each connection, over TLS; absent: the URL holds it. */
  readonly password?: () => Promise<string>;
  /** Names the program in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly connectionsMax?: number;
  readonly statementTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
}

/**
 * A statement that is asked for again and again: each connection has it parsed once, and planned anew only while that pays.
 * It names its columns, since what `*` stands for may not change under it.
 */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

export const prepared = (name: string, text: string): Prepared => ({ name: `millrace-${name}`, text });

/** What a function needs to run statements: the pool, or one transaction's connection. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(
    statement: string | Prepared,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>;
}

/** Under it rows of other tenants are not there, where the user is one whom the policies of the tables hold to it. */
export const tenantSetting = 'millrace.tenant';

export interface Database extends Queryable {
  /** Read committed. Runs again, from its start, on a serialization failure or deadlock; so it must hold no effects but SQL. */
  transaction<Result>(work: (client: Queryable) => Promise<Result>): Promise<Result>;
  /** For work whose statements need no common transaction: each stands for itself, or, for one tenant, all in one. Never repeated. */
  loosely<Result>(work: (client: Queryable) => Promise<Result>): Promise<Result>;
  /** One point in time for all reads in it. */
  readAtOnce<Result>(work: (client: Queryable) => Promise<Result>): Promise<Result>;
  /** The same, with all that is asked of it asked for one tenant. */
  as(tenant: string): Scoped;
  close(): Promise<void>;
}

/** `tenant`: the program comes as a user whom row-level security holds to one tenant at a time. */
export type Scope = 'whole' | 'tenant';

export const scoped = (database: Database, scope: Scope, tenant: string): Scoped =>
  scope === 'whole' ? database : database.as(tenant);

/** All of the database that there is, or one tenant's part of it. */
export type Scoped = Omit<Database, 'as' | 'close'>;

export const databaseDefaults = { connectionsMax: 10, statementTimeoutMs: 10_000, connectTimeoutMs: 3_000 } as const;

const attemptsMax = 8;
const backoffMsFirst = 5;
/** serialization_failure, deadlock_detected. */
const retryable = new Set(['40001', '40P01']);

export function openDatabase(options: DatabaseOptions): Database {
  const { connectionsMax, statementTimeoutMs, connectTimeoutMs } = { ...databaseDefaults, ...options };
  const pool = new pg.Pool({
    ...connectionOf(options),
    application_name: options.applicationName,
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    statement_timeout: statementTimeoutMs,
    lock_timeout: Math.ceil(statementTimeoutMs / 2),
    idle_in_transaction_session_timeout: statementTimeoutMs,
    // A server that is stopped, not gone, answers no timeout of its own.
    query_timeout: statementTimeoutMs + 2_000,
  });
  // An idle connection that breaks is dropped from the pool; whoever asks next gets another or the error.
  pool.on('error', () => {});
  return {
    query: (statement, values) => run(pool, statement, values),
    loosely: (work) => work({ query: (statement, values) => run(pool, statement, values) }),
    transaction: (work) => retrying(() => inTransaction(pool, 'BEGIN', work)),
    readAtOnce: (work) => inTransaction(pool, readOnly, work),
    as: (tenant) => ({
      query: (statement, values) =>
        inTransaction(
          pool,
          'BEGIN',
          forTenant(tenant, (client) => client.query(statement, values)),
        ),
      loosely: (work) => inTransaction(pool, 'BEGIN', forTenant(tenant, work)),
      transaction: (work) => retrying(() => inTransaction(pool, 'BEGIN', forTenant(tenant, work))),
      readAtOnce: (work) => inTransaction(pool, readOnly, forTenant(tenant, work)),
    }),
    close: () => pool.end(),
  };
}

const readOnly = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';

/** Until the transaction ends: the connection goes back to the pool as nobody's. */
const forTenant =
  <Result>(tenant: string, work: (client: Queryable) => Promise<Result>) =>
  async (client: Queryable): Promise<Result> => {
    await client.query('SELECT set_config($1, $2, true)', [tenantSetting, tenant]);
    return await work(client);
  };

async function run<Row extends pg.QueryResultRow>(
  on: pg.Pool | pg.PoolClient,
  statement: string | Prepared,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const asked = typeof statement === 'string' ? { text: statement } : statement;
  try {
    return (await on.query<Row>({ ...asked, values: [...values] })).rows;
  } catch (error) {
    throw platformError(error);
  }
}

async function inTransaction<Result>(
  pool: pg.Pool,
  begin: string,
  work: (client: Queryable) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect().catch((error: unknown) => {
    throw platformError(error);
  });
  // A connection that breaks between statements reports here; the next statement then fails with it.
  client.on('error', ignore);
  let broken = false;
  try {
    await run(client, begin);
    const result = await work({ query: (statement, values) => run(client, statement, values) });
    await run(client, 'COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}

/** With a password by token the server must prove who it is: by a certificate that this process trusts. */
function connectionOf({ url, password }: DatabaseOptions): pg.PoolConfig {
  if (password === undefined) return { connectionString: url };
  const { hostname, port, username, pathname } = new URL(url);
  return {
    ...{ host: hostname, port: Number(port || 5432), user: decodeURIComponent(username), database: pathname.slice(1) },
    ...{ password, ssl: { rejectUnauthorized: true } },
  };
}

const ignore = (): void => {};

async function retrying<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let attemptCount = 1; ; attemptCount++) {
    try {
      return await attempt();
    } catch (error) {
      if (attemptCount === attemptsMax || !retryable.has(sqlState(error))) throw error;
      const delayMs = backoffMsFirst * 2 ** attemptCount * Math.random();
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

/** The SQLSTATE under a PlatformError, or ''. Each has a digit: Node's own codes, such as EPIPE, have none. */
export function sqlState(error: unknown): string {
  const cause = error instanceof PlatformError ? error.cause : error;
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : '';
}

/** Connection exceptions, resources, operator intervention, lock and statement timeouts. */
const unavailableStates = /^(08...|53...|57P0.|57014|55P03|25P0[34]|58...)$/;
const brokenConnection =
  /timeout|Connection terminated|not queryable|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|socket|Cannot use a pool/i;

/** Whose fault it is that a statement failed, and whether to try again. */
export function platformError(error: unknown): PlatformError {
  const state = sqlState(error);
  if (retryable.has(state) || unavailableStates.test(state)) return unavailable('postgres', error);
  if (state === '' && brokenConnection.test(`${messageOf(error)} ${(error as { code?: string }).code ?? ''}`))
    return unavailable('postgres', error);
  return new PlatformError('postgres-refused', `PostgreSQL refused a statement: ${messageOf(error)}`, {
    fault: 'internal',
    retry: 'no-retry',
    cause: error,
  });
}
