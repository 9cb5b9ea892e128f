// A real PostgreSQL that says what an expression over a row gives: the oracle of the differential test.
import pg from 'pg';
import { ownPostgres } from './own-parts.ts';

/** A value's text, NULL, or the SQLSTATE of an error. */
export type Outcome =
  | { readonly kind: 'value'; readonly text: string | null }
  | { readonly kind: 'error'; readonly state: string };

export interface Question {
  readonly expression: string;
  /** The row as JSON text. */
  readonly row: string;
}

export interface Oracle {
  ask(questions: readonly Question[]): Promise<Outcome[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

const probe = `
  CREATE FUNCTION probe(query text, data jsonb) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE found text;
  BEGIN
    EXECUTE query INTO found USING data;
    RETURN coalesce('V' || found, 'N');
  EXCEPTION WHEN OTHERS THEN RETURN 'E' || SQLSTATE;
  END $$`;

/** Gives its argument back; being volatile, it hides a constant from the planner, which else evaluates what it can ahead. */
const hide =
  'CREATE FUNCTION hide(given anyelement) RETURNS anyelement LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN given; END $$';

/** `columns` is a record definition, as in `id text, n integer`. */
export async function startOracle(columns: string): Promise<Oracle> {
  const given = process.env['MILLRACE_TEST_POSTGRES_URL'];
  const own = given === undefined ? await ownPostgres() : null;
  const url = new URL(given ?? own!.address);
  const database = `oracle_${process.pid}_${Date.now()}`;
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  // Text is ordered by code point and case is Unicode's full mapping, on every machine: what the expressions promise.
  await admin.query(
    `CREATE DATABASE ${database} TEMPLATE template0 ENCODING UTF8 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST' LOCALE 'C'`,
  );
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  await client.query(`SET timezone = 'UTC'`);
  await client.query(`SET intervalstyle = 'postgres'`);
  await client.query(probe);
  await client.query(hide);
  return {
    async ask(questions) {
      const queries = questions.map(
        ({ expression }) => `SELECT (${expression})::text FROM jsonb_to_record($1) AS r(${columns})`,
      );
      const answer = await client.query<{ outcome: string }>(
        'SELECT probe(q, r) AS outcome FROM unnest($1::text[], $2::jsonb[]) WITH ORDINALITY AS t(q, r, n) ORDER BY n',
        [queries, questions.map(({ row }) => row)],
      );
      return answer.rows.map(({ outcome }) => readOutcome(outcome));
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await admin.query(`DROP DATABASE ${database}`);
      await admin.end();
      await own?.[Symbol.asyncDispose]();
    },
  };
}

function readOutcome(outcome: string): Outcome {
  if (outcome.startsWith('E')) return { kind: 'error', state: outcome.slice(1) };
  return { kind: 'value', text: outcome === 'N' ? null : outcome.slice(1) };
}
